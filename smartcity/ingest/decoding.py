# SPDX-License-Identifier: Apache-2.0
"""From messages to columns of readings: identify, decode, check. What is broken becomes a quarantine row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, repeat
from typing import Final, cast

import numpy as np

from smartcity.control.acks import AckMessage
from smartcity.ingest import checks, clocks, control_words
from smartcity.ingest.checks import FAULT_REASONS, Fault
from smartcity.ingest.clocks import Stamps
from smartcity.ingest.control_words import Announcement
from smartcity.ingest.courses import Courses
from smartcity.ingest.roster import Known, Roster
from smartcity.kernel import lorawan, personal
from smartcity.kernel.codecs import (
    NO_TIME,
    BadPayload,
    Codec,
    ColumnCodec,
    EventBatch,
    Observation,
    Observations,
    broke,
)
from smartcity.kernel.metrics import Metric
from smartcity.telemetry.arrays import Ints
from smartcity.telemetry.batch import Logged, Quarantined, Readings
from smartcity.transports.messages import RawMessage

LONGEST_REASON: Final = 300
MOST_CLOCK_ERROR_MS: Final = 86_400_000
Misfits = dict[tuple[str, str], tuple[str, str]]
SAME_UNITS: Final = frozenset({("/", "1"), ("1", "/"), ("", "1")})


@dataclass(slots=True)
class Decoded:
    """`from_message` is the place in the batch of the message behind each quarantine row; `decoded` how many messages
    could be read; `seen` Device.pk → city ms; `hellos` are (place of the message, what it says)."""

    readings: Readings = field(default_factory=Readings.none)
    stamps: Stamps = field(default_factory=Stamps.none)
    quarantined: list[Quarantined] = field(default_factory=list)
    logged: list[Logged] = field(default_factory=list)
    from_message: list[int] = field(default_factory=list)
    decoded: int = 0
    seen: dict[int, int] = field(default_factory=dict)
    acks: list[AckMessage] = field(default_factory=list)
    hellos: list[tuple[int, Announcement]] = field(default_factory=list)


@dataclass(slots=True)
class Gathered:
    """Columns of readings, and for each message that brought some: its place, when it was received, how many."""

    at: list[float] = field(default_factory=list)
    series: list[int | None] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def add(self, place: int, received_at_ms: int, said: Observations, series: list[int | None]) -> None:
        self.at.extend(said.at_ms)
        self.series.extend(series)
        self.value.extend(said.values)
        self.places.append(place)
        self.received.append(received_at_ms)
        self.counts.append(len(series))


@dataclass(frozen=True, slots=True)
class Tables:
    """What decoding looks things up in."""

    roster: Roster
    codecs: Mapping[str, Codec]
    metrics: Mapping[str, Metric]


def decode(messages: Sequence[RawMessage], tables: Tables, before: Courses) -> Decoded:
    """Every message is counted once: decoded, or quarantined as a whole. Raises nothing for bad input."""
    found, gathered = Decoded(), Gathered()
    for place, message in enumerate(messages):
        known = tables.roster.devices.get(message.device)
        problem = _read(place, message, known, tables, gathered, found)
        if problem is None:
            found.decoded += 1
        else:
            _set_aside(found, place, quarantined(message, known, *problem))
        if known is not None:
            found.seen[known.id] = max(found.seen.get(known.id, 0), message.received_at_ms)
    _check(messages, gathered, tables, before, found)
    return found


def quarantined(message: RawMessage, known: Known | None, kind: str, reason: str, readings: int = 0) -> Quarantined:
    """The row that keeps a message, or so many readings of it, with the reason; a body that may not be, is not kept."""
    what = personal.carried(message.payload)
    if what and kind != personal.KIND:
        kind, reason = kind if readings else personal.KIND, f"{reason}; its body is not kept, it carries {what}"
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
        keeps_body=not what,
    )


def _read(
    place: int, message: RawMessage, known: Known | None, tables: Tables, gathered: Gathered, found: Decoded
) -> tuple[str, str] | None:
    """Append the message's readings; why the whole message cannot be used, or None.

    The house format is searched for personal data only where something of it has no place: of what it does not know
    it reads nothing, and the body of a sound message is never kept.
    """
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
    if said.log is not None:
        return _keep(message, known, codec.name, said.log, found)
    series = list(map(known.series.get, said.metrics))
    misfits: Misfits = {}
    if said.units or None in series or not all(map(tables.metrics.__contains__, said.metrics)):
        misfits = _misfits(known, said, tables)
    if (misfits or not hasattr(codec, "columns")) and (what := personal.carried(message.payload)):
        return personal.KIND, f"it carries {what}, which this city does not take"
    if misfits:
        said, series = _fitting(place, message, known, said, misfits, found)
    gathered.add(place, message.received_at_ms, said, series)
    return None


def _keep(message: RawMessage, known: Known, codec: str, log: EventBatch, found: Decoded) -> tuple[str, str] | None:
    """A batch of an event log goes into the store whole, whatever the device's clock says, unless it cannot be."""
    error_ms = log.sent_ms - message.received_at_ms
    if abs(error_ms) > MOST_CLOCK_ERROR_MS or not log.first_ms <= log.last_ms <= log.sent_ms:
        return "implausible time", "the event log's clock is more than a day off, or its events are not in order"
    found.logged.append(
        Logged(
            device=known.id,
            number=log.number,
            first_at=log.first_ms,
            last_at=log.last_ms,
            events=log.events,
            received_at=message.received_at_ms,
            clock_error_ms=error_ms,
            codec=codec,
            packed=message.payload,
        )
    )
    return None


def _misfits(known: Known, said: Observations, tables: Tables) -> Misfits:
    """(metric, unit) of the observations there is no series for, each with its kind and words for people."""
    pairs = set(zip(said.metrics, said.units or repeat(""), strict=False))
    return {pair: why for pair in pairs if (why := _misfit(*pair, known, tables.metrics))}


def _fitting(
    place: int, message: RawMessage, known: Known, said: Observations, misfits: Misfits, found: Decoded
) -> tuple[Observations, list[int | None]]:
    """The observations there is a series for; the others are set aside, by kind."""
    pairs = list(zip(said.metrics, said.units or repeat(""), strict=False))
    reasons: dict[str, list[str]] = {}
    for kind, words in (misfits[pair] for pair in pairs if pair in misfits):
        reasons.setdefault(kind, []).append(words)
    for kind, all_words in reasons.items():
        _set_aside(found, place, quarantined(message, known, kind, all_words[0], len(all_words)))
    fits = [pair not in misfits for pair in pairs]
    metrics, values = list(compress(said.metrics, fits)), list(compress(said.values, fits))
    return Observations(metrics, values, list(compress(said.at_ms, fits))), list(map(known.series.get, metrics))


def _said(codec: Codec, message: RawMessage) -> Observations:
    """Each column of its type whatever the codec returned. Raises what the codec raises."""
    if message.transport in lorawan.NETWORKS:
        return _in_columns(lorawan.observed(codec, message.payload, message.received_at_ms))
    if hasattr(codec, "columns"):
        return _even(cast(ColumnCodec, codec).columns(message.payload, message.received_at_ms))
    return _in_columns(codec.decode(message.payload, message.received_at_ms))


def _even(said: Observations) -> Observations:
    """A column that is too short would lose readings without a word."""
    many = len(said.metrics)
    if not many == len(said.values) == len(said.at_ms) == len(said.units or said.metrics):
        raise ValueError("columns must be of equal length")
    return said


def _in_columns(found: Sequence[Observation]) -> Observations:
    return Observations(
        [str(one.metric) for one in found],
        [float(one.value) for one in found],
        [NO_TIME if one.at_ms is None else _bounded(one.at_ms) for one in found],
        [str(one.unit) for one in found] if any(one.unit for one in found) else (),
    )


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
    """Why there is no series such an observation could go into: the kind, and words for people."""
    metric = metrics.get(name)
    if metric is None:
        return "unknown metric", f"nothing is called {name!r}"
    if name not in known.series:
        return "metric not set up", f"{name} is not set up for {known.uid}"
    if unit and unit != metric.unit and (unit, metric.unit) not in SAME_UNITS:
        return "unit mismatch", f"{name} is in {metric.unit!r}, the device says {unit!r}"
    return None


def _check(messages: Sequence[RawMessage], gathered: Gathered, tables: Tables, before: Courses, found: Decoded) -> None:
    if not gathered.counts:
        return
    rows = Readings(
        np.rint(np.array(gathered.at, np.float64)).astype(np.int64),
        np.array(gathered.series, np.int64),
        np.array(gathered.value, np.float64),
        np.zeros(len(gathered.at), np.int64),
        np.repeat(np.array(gathered.received, np.int64), gathered.counts),
    )
    judged = checks.judge(rows, tables.roster.book, before)
    found.readings = judged.rows.take(judged.faults == Fault.NONE)
    devices = [tables.roster.devices[messages[place].device].id for place in gathered.places]
    found.stamps = clocks.stamps(rows, gathered.counts, devices, tables.roster.book)
    of = np.repeat(gathered.places, gathered.counts)
    for (place, code), many in Counter(_faulty(of, judged.faults)).items():
        message, fault = messages[place], Fault(code)
        known = tables.roster.devices.get(message.device)
        _set_aside(found, place, quarantined(message, known, fault.word, FAULT_REASONS[fault], many))


def _faulty(of: Ints, faults: Ints) -> Iterator[tuple[int, int]]:
    """(place of the message, fault) of each faulty reading."""
    which = np.flatnonzero(faults)
    return zip(of[which].tolist(), faults[which].tolist(), strict=True)


def _set_aside(found: Decoded, place: int, row: Quarantined) -> None:
    found.quarantined.append(row)
    found.from_message.append(place)


def _bounded(at_ms: int) -> int:
    """Far outside any calendar is as good as the edge of it, and fits eight bytes."""
    return max(-(2**53), min(2**53, int(at_ms)))


def _plain(reason: str) -> str:
    """Text any database takes: no NUL, no half of a surrogate pair, not too long."""
    return reason.replace("\0", "").encode(errors="replace").decode()[:LONGEST_REASON]
