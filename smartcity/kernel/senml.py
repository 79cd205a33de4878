# SPDX-License-Identifier: Apache-2.0
"""The house payload: SenML JSON (RFC 8428) with absolute times; `n` is the metric's name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from smartcity.kernel.codecs import BadPayload, Instruction, Observation, Sample

ABSOLUTE_S = 2**28  # RFC 8428 section 4.5.3: smaller times are relative to now
MOST_RECORDS = 1000


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


_decoder = msgspec.json.Decoder(list[Record])
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
    """Reads up to 1,000 records a pack; bases are resolved; times must be absolute."""

    name: str = "senml"
    version: str = "1"
    sample: Sample = field(default=_SAMPLE)

    def decode(self, payload: bytes, received_at_ms: int) -> Sequence[Observation]:
        try:
            records = _decoder.decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BadPayload(f"not SenML JSON: {error}") from None
        if not records or len(records) > MOST_RECORDS:
            raise BadPayload(f"a pack holds 1 to {MOST_RECORDS} records, this one {len(records)}")
        return _resolve(records)

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


def _resolve(records: list[Record]) -> list[Observation]:
    base, base_unit, base_time, base_value = "", "", 0.0, 0.0
    timed, found = False, []
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
        at_ms = _instant(record, base_time, timed)
        found.append(Observation(name, _finite(value, name), at_ms, record.u or base_unit))
    if not found:
        raise BadPayload("no record holds a value")
    return found


def _finite(value: float, name: str) -> float:
    if not math.isfinite(value):
        raise BadPayload(f"{name!r} is not a finite number")
    return value


def _instant(record: Record, base_time: float, timed: bool) -> int | None:
    if record.t is None and not timed:
        return None
    at = base_time + (record.t or 0.0)
    if not math.isfinite(at) or at < ABSOLUTE_S or at > 4e9:
        raise BadPayload("times must be absolute: seconds since 1970 of at least 2**28, base time included")
    return round(at * 1000)


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
