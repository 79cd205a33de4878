# SPDX-License-Identifier: Apache-2.0
"""The house payload: SenML in JSON or CBOR (RFC 8428) with absolute times; `n` is the metric's name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar, cast

import msgspec

from smartcity.kernel import senml_cbor
from smartcity.kernel.codecs import NO_TIME, BadPayload, Instruction, Observation, Observations, Sample

ABSOLUTE_S = 2**28  # RFC 8428 section 4.5.3: smaller times are relative to now
LATEST_S = 4e9
MOST_RECORDS = 1000
BASE_FIRST = b'[{"b'
T = TypeVar("T")


class Record(msgspec.Struct, gc=False):
    bn: str = ""
    bt: float | None = None
    bu: str = ""
    bv: float = 0.0
    bver: int = 10
    n: str = ""
    u: str = ""
    v: float | None = None
    vb: bool | None = None
    t: float | None = None


class Plain(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A record that stands for itself: no bases, a number."""

    n: str
    v: float
    t: float | None = None
    u: str = ""


_decoder = msgspec.json.Decoder(list[Record])
_plain_decoder = msgspec.json.Decoder(list[Plain])
_encoder = msgspec.json.Encoder()

_SAMPLE = Sample(
    b'[{"bn":"lighting.","bt":1700000000,"n":"power_w","u":"W","v":41.5},{"n":"dim_level","t":-60,"v":70}]',
    (
        Observation("lighting.power_w", 41.5, 1_700_000_000_000),
        Observation("lighting.dim_level", 70.0, 1_699_999_940_000),
    ),
)


@dataclass(frozen=True, slots=True)
class SenML:
    """Reads up to 1,000 records a pack, JSON and CBOR told apart by the first byte; bases are resolved; times must be
    absolute."""

    name: str = "senml"
    version: str = "1"
    sample: Sample = field(default=_SAMPLE)

    def columns(self, payload: bytes, received_at_ms: int) -> Observations:
        """Packs of plain records have no base to resolve and take a third of the time. What is not plain is seen to be
        so at once: mostly by how it begins, else by the first field no plain record has."""
        if senml_cbor.is_cbor(payload):
            return _resolve(_counted(_converted(senml_cbor.read(payload))))
        if not payload.startswith(BASE_FIRST):
            with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                return _plain(_counted(_plain_decoder.decode(payload)))
        return _resolve(_counted(_records(payload)))

    def decode(self, payload: bytes, received_at_ms: int) -> Sequence[Observation]:
        found = self.columns(payload, received_at_ms)
        units = found.units or [""] * len(found.metrics)
        instants = (None if at == NO_TIME else round(at) for at in found.at_ms)
        return [Observation(*one) for one in zip(found.metrics, found.values, instants, units, strict=True)]

    def encode(self, instruction: Instruction) -> bytes:
        return _encoder.encode(
            {
                "id": instruction.id,
                "point": instruction.point,
                "value": instruction.value,
                "expires_at": instruction.expires_at_ms,
                "sequence": instruction.sequence,
                "reason": instruction.reason,
            }
        )


def _records(payload: bytes) -> list[Record]:
    try:
        return _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadPayload(f"not SenML JSON: {error}") from None


def _converted(fields: list[dict[str, object]]) -> list[Record]:
    try:
        return msgspec.convert(fields, list[Record])
    except msgspec.ValidationError as error:
        raise BadPayload(f"not SenML CBOR: {error}") from None


def _counted(records: list[T]) -> list[T]:
    if not records or len(records) > MOST_RECORDS:
        raise BadPayload(f"a pack holds 1 to {MOST_RECORDS} records, this one {len(records)}")
    return records


def _plain(records: list[Plain]) -> Observations:
    return _observations(
        [record.n for record in records],
        [record.v for record in records],
        [record.t for record in records],
        [record.u for record in records],
    )


def _resolve(records: list[Record]) -> Observations:
    base, base_unit, base_time, base_value = "", "", 0.0, 0.0
    timed, metrics, values, times, units = False, list[str](), list[float](), list[float | None](), list[str]()
    for record in records:
        base, base_unit = record.bn or base, record.bu or base_unit
        if record.bt is not None:
            base_time, timed = record.bt, True
        base_value = record.bv or base_value
        if record.v is None and record.vb is None:
            if record.n:
                raise BadPayload(f"{record.n!r} has no numeric value (v or vb)")
            continue
        name = base + record.n
        value = base_value + record.v if record.v is not None else float(bool(record.vb))
        metrics.append(name)
        values.append(_finite(value, name))
        times.append(base_time + (record.t or 0.0) if timed or record.t is not None else None)
        units.append(record.u or base_unit)
    if not metrics:
        raise BadPayload("no record holds a value")
    return _observations(metrics, values, times, units)


def _finite(value: float, name: str) -> float:
    if not math.isfinite(value):
        raise BadPayload(f"{name!r} is not a finite number")
    return value


def _observations(metrics: list[str], values: list[float], times: list[float | None], units: list[str]) -> Observations:
    """Times in seconds, None where the device gave none."""
    given = [at for at in times if at is not None] if None in times else cast(list[float], times)
    if given and not ABSOLUTE_S <= min(given) <= max(given) <= LATEST_S:
        raise BadPayload("times must be absolute: seconds since 1970 of at least 2**28, base time included")
    instants = [NO_TIME if at is None else at * 1000 for at in times]
    return Observations(metrics, values, instants, units if any(units) else ())


CODEC = SenML()


def write(values: dict[str, float], at_ms: int) -> bytes:
    """One pack of current values, as a device would send it."""
    at = at_ms / 1000
    first = True
    pack: list[dict[str, float | str]] = []
    for name, value in values.items():
        pack.append({"bt": at, "n": name, "v": value} if first else {"n": name, "v": value})
        first = False
    return _encoder.encode(pack)
