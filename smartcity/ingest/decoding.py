# SPDX-License-Identifier: Apache-2.0
"""From messages to columns of readings: identify, decode, check. What is broken becomes a quarantine row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np

from smartcity.control.acks import AckMessage
from smartcity.ingest import checks, control_words
from smartcity.ingest.checks import FAULT_REASONS, Fault
from smartcity.ingest.control_words import Announcement
from smartcity.ingest.courses import NO_TIME, Courses
from smartcity.ingest.roster import Known, Roster
from smartcity.kernel import lorawan
from smartcity.kernel.codecs import BadPayload, Codec, broke
from smartcity.kernel.metrics import Metric
from smartcity.telemetry.arrays import Ints
from smartcity.telemetry.batch import Quarantined, Readings
from smartcity.transports.messages import RawMessage

LONGEST_REASON: Final = 300
SAME_UNITS: Final = frozenset({("/", "1"), ("1", "/"), ("", "1")})


@dataclass(slots=True)
class Decoded:
    """`from_message` is the place in the batch of the message behind each quarantine row; `decoded` how many messages
    could be read; `seen` Device.pk → city ms; `hellos` are (place of the message, what it says)."""

    readings: Readings = field(default_factory=Readings.none)
    quarantined: list[Quarantined] = field(default_factory=list)
    from_message: list[int] = field(default_factory=list)
    decoded: int = 0
    seen: dict[int, int] = field(default_factory=dict)
    acks: list[AckMessage] = field(default_factory=list)
    hellos: list[tuple[int, Announcement]] = field(default_factory=list)


@dataclass(slots=True)
class Columns:
    """Readings while they are gathered; `of` is the place of the message each came in."""

    at: list[int] = field(default_factory=list)
    series: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    of: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tables:
    """What decoding looks things up in."""

    roster: Roster
    codecs: Mapping[str, Codec]
    metrics: Mapping[str, Metric]


def decode(messages: Sequence[RawMessage], tables: Tables, before: Courses) -> Decoded:
    """Every message is counted once: decoded, or quarantined as a whole. Raises nothing for bad input."""
    found, columns = Decoded(), Columns()
    for place, message in enumerate(messages):
        known = tables.roster.devices.get(message.device)
        problem = _read(place, message, known, tables, columns, found)
        if problem is None:
            found.decoded += 1
        else:
            _set_aside(found, place, quarantined(message, known, *problem))
        if known is not None:
            found.seen[known.id] = max(found.seen.get(known.id, 0), message.received_at_ms)
    _check(messages, columns, tables, before, found)
    return found


def quarantined(message: RawMessage, known: Known | None, kind: str, reason: str, readings: int = 0) -> Quarantined:
    """The row that keeps a message, or so many readings of it, with the reason."""
    return Quarantined(
        device=known.id if known else 0,
        uid=message.device,
        received_at=message.received_at_ms,
        transport=message.transport,
        codec=message.codec or (known.codec if known else ""),
        kind=kind,
        reason=_plain(reason),
        payload=message.payload,
        readings=readings,
    )


def _read(
    place: int, message: RawMessage, known: Known | None, tables: Tables, columns: Columns, found: Decoded
) -> tuple[str, str] | None:
    """Append the message's readings; why the whole message cannot be used, or None."""
    if known is None:
        return "unknown device", "no device of this name is registered"
    if known.is_retired:
        return "retired device", "the device has been retired"
    if message.kind != "up":
        return _hear(place, message, found)
    codec = tables.codecs.get(message.codec or known.codec)
    if codec is None:
        return "unknown codec", f"no codec is called {message.codec or known.codec!r}"
    try:
        said = _said(codec, message)
    except BadPayload as problem:
        return "bad payload", str(problem)
    except Exception as problem:  # noqa: BLE001 - codecs come from anybody's domain: one that breaks costs its message
        return "codec failed", broke(codec, problem)
    misfits: dict[str, list[str]] = {}
    for metric, unit, value, at in said:
        misfit = _misfit(metric, unit, known, tables.metrics)
        if misfit is None:
            columns.at.append(at)
            columns.series.append(known.series[metric])
            columns.value.append(value)
            columns.received.append(message.received_at_ms)
            columns.of.append(place)
        else:
            misfits.setdefault(misfit[0], []).append(misfit[1])
    for kind, reasons in misfits.items():
        _set_aside(found, place, quarantined(message, known, kind, reasons[0], len(reasons)))
    return None


def _said(codec: Codec, message: RawMessage) -> list[tuple[str, str, float, int]]:
    """(metric, unit, value, at), each of its type whatever the codec returned. Raises what the codec raises."""
    decode = partial(lorawan.observed, codec) if message.transport in lorawan.NETWORKS else codec.decode
    return [
        (str(one.metric), str(one.unit), float(one.value), NO_TIME if one.at_ms is None else _bounded(one.at_ms))
        for one in decode(message.payload, message.received_at_ms)
    ]


def _hear(place: int, message: RawMessage, found: Decoded) -> tuple[str, str] | None:
    """An answer to a command, or what the device says it is."""
    try:
        if message.kind == "ack":
            found.acks.append(control_words.read_ack(message))
        else:
            found.hellos.append((place, control_words.read_hello(message)))
    except BadPayload as problem:
        return f"bad {message.kind}", str(problem)
    return None


def _misfit(name: str, unit: str, known: Known, metrics: Mapping[str, Metric]) -> tuple[str, str] | None:
    """Why there is no series such an observation could go into."""
    metric = metrics.get(name)
    if metric is None:
        return "unknown metric", f"nothing is called {name!r}"
    if name not in known.series:
        return "metric not set up", f"{name} is not set up for {known.uid}"
    if unit and unit != metric.unit and (unit, metric.unit) not in SAME_UNITS:
        return "unit mismatch", f"{name} is in {metric.unit!r}, the device says {unit!r}"
    return None


def _check(messages: Sequence[RawMessage], columns: Columns, tables: Tables, before: Courses, found: Decoded) -> None:
    if not columns.of:
        return
    rows = Readings(
        np.array(columns.at, np.int64),
        np.array(columns.series, np.int64),
        np.array(columns.value, np.float64),
        np.zeros(len(columns.of), np.int64),
        np.array(columns.received, np.int64),
    )
    judged = checks.judge(rows, tables.roster.book, before)
    found.readings = judged.rows.take(judged.faults == Fault.NONE)
    for (place, code), many in Counter(_faulty(columns.of, judged.faults)).items():
        message, fault = messages[place], Fault(code)
        known = tables.roster.devices.get(message.device)
        _set_aside(found, place, quarantined(message, known, fault.word, FAULT_REASONS[fault], many))


def _faulty(of: list[int], faults: Ints) -> Iterator[tuple[int, int]]:
    """(place of the message, fault) of each faulty reading."""
    return ((of[n], int(faults[n])) for n in np.flatnonzero(faults).tolist())


def _set_aside(found: Decoded, place: int, row: Quarantined) -> None:
    found.quarantined.append(row)
    found.from_message.append(place)


def _bounded(at_ms: int) -> int:
    """Far outside any calendar is as good as the edge of it, and fits eight bytes."""
    return max(-(2**53), min(2**53, int(at_ms)))


def _plain(reason: str) -> str:
    """Text any database takes: no NUL, no half of a surrogate pair, not too long."""
    return reason.replace("\0", "").encode(errors="replace").decode()[:LONGEST_REASON]
