# SPDX-License-Identifier: Apache-2.0
"""SPaT and MAP in the names of SAE J2735 and ISO/TS 19091, as JSON: what a signal shows, how long, for which lanes.

A signal group is a lane group of one approach as the controller announced it, or the crossing at its stop line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import cos, radians, sin
from typing import Any

from smartcity.kernel.imports import LonLat
from traffic.board import Junction, Section

FREEZE_MS = 3000
HOUR_MS = 3_600_000
LANE_M, DEGREE_M = 3.25, 111_195.0
UNKNOWN, BEYOND = 36_001, 36_000  # TimeMark: not known; more than an hour ahead
SURE, PLANNED = 15, 7  # TimeIntervalConfidence: about 100 % and 77 %; a plan of the centre may be asked anew
GO, YIELD, CLEARING = "protected-Movement-Allowed", "permissive-Movement-Allowed", "protected-clearance"
STOP, DARK, CAUTION = "stop-And-Remain", "dark", "caution-Conflicting-Traffic"
LOCAL, CENTRE, MANUAL, FALLBACK = range(4)
STATUS_FLAGS = {1: ["off"], 2: ["failureFlash"], 3: ["failureMode", "failureFlash"]}
SOURCE_FLAGS = {
    LOCAL: ["fixedTimeOperation"], CENTRE: ["trafficDependentOperation"], MANUAL: ["manualControlIsEnabled"],
    FALLBACK: ["fixedTimeOperation", "standbyOperation"],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Group:
    """One signal group; `rates` say by stage which share of its lanes' flow may go. On foot: open or not."""

    number: int
    approach: str
    lanes: int
    rates: Mapping[int, float]
    on_foot: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """When a state ends, in city ms; None is not known. min ≤ likely ≤ max."""

    least: int | None
    likely: int | None
    most: int | None
    is_sure: bool


@dataclass(frozen=True, slots=True)
class Span:
    """A stage (0: intergreen) until an instant; None: its end is not known."""

    stage: int
    until: int | None


def groups(announced: Mapping[str, Any]) -> tuple[Group, ...]:
    """Vehicles first, then crossings; numbered from 1 in the order of approaches."""
    approaches = sorted(announced.get("approaches", {}).items())
    stages = [int(stage["number"]) for stage in announced.get("stages", ())]
    found = [
        (uid, int(part["lanes"]), {int(stage): float(rate) for stage, rate in part["rates"].items() if rate}, False)
        for uid, data in approaches
        for part in data["groups"]
    ]
    for uid, data in approaches:
        if data.get("crossing"):
            closing = {int(stage) for part in data["groups"] for stage, rate in part["rates"].items() if rate}
            found.append((uid, 0, {stage: 1.0 for stage in stages if stage not in closing}, True))
    return tuple(Group(number, *rest) for number, rest in enumerate(found, start=1))


def course(one: Junction, now_ms: int) -> tuple[Span, ...]:
    """The running stage and what is known to follow: by the fixed plan a cycle, by a request its next stage."""
    stage, left, following = (one.readings.get(f"traffic.{name}") for name in ("stage", "ends_in_s", "next_stage"))
    if stage is None:
        return ()
    running, then = round(stage[0]), round(following[0]) if following else 0
    until = max(now_ms, left[1] + round(left[0] * 1000)) if left and then else None
    if until is None:
        return (Span(running, None),)
    spans = [Span(running, until)]
    if running:
        until += _intergreen(one.announced, running, then)
        spans.append(Span(0, until))
    if not _is_fixed(one):
        return (*spans, Span(then, None))
    cycle = tuple(_planned(one.announced, then, until))
    return (*spans, *cycle[:-1]) if cycle else (*spans, Span(then, None))


def _planned(announced: Mapping[str, Any], first: int, begins: int) -> Iterator[Span]:
    """One cycle of the fixed plan from the stage that follows."""
    greens = {int(stage): float(seconds) for stage, seconds in announced.get("plan", {}).get("green_s", {}).items()}
    order = list(greens)
    at, stage = begins, first
    for _ in order if first in order else ():
        after = order[(order.index(stage) + 1) % len(order)]
        yield Span(stage, at + round(greens[stage] * 1000))
        at += round(greens[stage] * 1000) + _intergreen(announced, stage, after)
        yield Span(0, at)
        stage = after


def _is_fixed(one: Junction) -> bool:
    source = one.value("traffic.control_source")
    return source is not None and round(source) in (LOCAL, FALLBACK)


def _intergreen(announced: Mapping[str, Any], before: int, after: int) -> int:
    seconds = announced.get("intergreen_s", {}).get(str(before), {}).get(str(after))
    if seconds is None:
        seconds = float(announced.get("yellow_s", 3.0)) + float(announced.get("all_red_s", 2.0))
    return round(float(seconds) * 1000)


def states(one: Junction, now_ms: int) -> dict[int, tuple[str, Timing]]:
    """Signal group → event state and when it ends. Empty while the controller is silent."""
    status, spans = round(one.value("traffic.status") or 0), course(one, now_ms)
    found = groups(one.announced)
    if status:
        nothing = Timing(None, None, None, False)
        return {group.number: (DARK if status == 1 else CAUTION, nothing) for group in found}
    if not spans:
        return {}
    before, since = _before(one, now_ms)
    return {group.number: _state(group, one, spans, before, since, now_ms) for group in found}


def _before(one: Junction, now_ms: int) -> tuple[int, int]:
    """The last stage that was green and when its end was reported; (0, now) where neither is known."""
    since = now_ms
    for at, stage in reversed(one.course):
        if stage:
            return stage, since
        since = at
    return 0, now_ms


def _state(
    group: Group, one: Junction, spans: Sequence[Span], before: int, since: int, now_ms: int
) -> tuple[str, Timing]:
    running = spans[0].stage
    rate = group.rates.get(running, 0.0)
    if running == 0:  # green before and after goes on, at the lesser right of way; green before only clears
        after = spans[1].stage if len(spans) > 1 else 0
        was, will = group.rates.get(before, 0.0), group.rates.get(after, 0.0)
        clears_until = since + round(float(one.announced.get("yellow_s", 3.0)) * 1000)
        if was and not will and not group.on_foot and now_ms < clears_until:
            return CLEARING, Timing(clears_until, clears_until, clears_until, True)
        rate = min(was, will)
    if rate > 0:
        return (GO if rate >= 0.99 else YIELD), _until(one, spans, now_ms, [not goes for goes in _goes(group, spans)])
    return STOP, _until(one, spans, now_ms, _goes(group, spans))


def _goes(group: Group, spans: Sequence[Span]) -> list[bool]:
    """Whether it is green in each span; through an intergreen where it is green before and after."""
    open_in = [bool(group.rates.get(span.stage)) for span in spans]
    for place, span in enumerate(spans):
        if span.stage == 0 and 0 < place < len(spans) - 1:
            open_in[place] = open_in[place - 1] and open_in[place + 1]
    return open_in


def _until(one: Junction, spans: Sequence[Span], now_ms: int, ends: Sequence[bool]) -> Timing:
    """To the end of the span before the first that ends the state."""
    at = next((number for number, is_end in enumerate(ends) if is_end and number), None)
    likely = spans[at - 1].until if at is not None else None
    least, most = _bounds(one, spans, now_ms)
    if at is not None and likely is not None:
        if _is_fixed(one) or likely - now_ms <= FREEZE_MS or (spans[0].stage == 0 and at == 1):
            return Timing(likely, likely, likely, True)
        shift = likely - (spans[0].until or likely)
        least = None if least is None else least + shift
        most = None if most is None else most + shift
        return Timing(min(least or likely, likely), likely, None if most is None else max(most, likely), False)
    return Timing(least, None, None, False)


def _bounds(one: Junction, spans: Sequence[Span], now_ms: int) -> tuple[int | None, int | None]:
    """Earliest and latest end of the running span: minimum green, and the maximum red of who waits longest."""
    if spans[0].stage == 0:
        return spans[0].until or now_ms, spans[0].until
    green, red = one.readings.get("traffic.green_s"), one.readings.get("traffic.longest_red_s")
    least = now_ms
    if green is not None and "min_green_s" in one.announced:
        least = max(now_ms, green[1] + round((float(one.announced["min_green_s"]) - green[0]) * 1000))
    if red is None or not red[0] or "max_red_s" not in one.announced:
        return least, None
    clearing = max((_intergreen(one.announced, spans[0].stage, s.stage) for s in spans[1:] if s.stage), default=0)
    return least, max(least, red[1] + round((float(one.announced["max_red_s"]) - red[0]) * 1000) - clearing)


def held(
    before: Mapping[int, tuple[str, Timing]], after: Mapping[int, tuple[str, Timing]], now_ms: int
) -> dict[int, tuple[str, Timing]]:
    """What was published of a state's last three seconds stands, whatever is planned since."""
    found = dict(after)
    for number, (state, timing) in before.items():
        ends = timing.likely if timing.is_sure else None
        if number in after and after[number][0] == state and ends and now_ms < ends <= now_ms + FREEZE_MS:
            found[number] = (state, timing)
    return found


def mark(at: int | None, now_ms: int) -> int:
    """TimeMark: tenths of a second of the UTC hour."""
    if at is None:
        return UNKNOWN
    return BEYOND if at - now_ms >= HOUR_MS else at % HOUR_MS // 100


def intersection_state(one: Junction, shown: Mapping[int, tuple[str, Timing]], now_ms: int) -> dict[str, Any]:
    """IntersectionState. A silent controller has no movement states and says so in its status."""
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    minute = (moment - datetime(moment.year, 1, 1, tzinfo=UTC)).total_seconds() // 60
    names = {group.number: group.approach for group in groups(one.announced)}
    return {
        "name": one.name,
        "id": {"region": 0, "id": one.number % 65_536},
        "asset": one.uid,
        "revision": one.version % 128,
        "status": _flags(one) if shown else ["noValidSPATisAvailableAtThisTime"],
        "moy": int(minute),
        "timeStamp": now_ms % 60_000,
        "states": [
            {
                "movementName": names[number],
                "signalGroup": number,
                "state-time-speed": [{"eventState": state, "timing": _timing(timing, now_ms)}],
            }
            for number, (state, timing) in sorted(shown.items())
        ],
    }


def _timing(timing: Timing, now_ms: int) -> dict[str, int]:
    found = {"minEndTime": mark(timing.least, now_ms), "maxEndTime": mark(timing.most, now_ms)}
    if timing.likely is None:
        return found
    return found | {"likelyTime": mark(timing.likely, now_ms), "confidence": SURE if timing.is_sure else PLANNED}


def _flags(one: Junction) -> list[str]:
    status, source = (round(one.value(f"traffic.{name}") or 0) for name in ("status", "control_source"))
    return STATUS_FLAGS.get(status, []) or SOURCE_FLAGS.get(source, [])


def map_geometry(one: Junction, beyond: Mapping[str, Sequence[LonLat]]) -> dict[str, Any]:
    """IntersectionGeometry. `beyond` are the lines of downstream approaches by uid, in travel direction: the ways out.

    Lanes of an approach share its surveyed line; which lane leads to which way out is not known: each leads to all.
    """
    number = 0
    lanes: list[dict[str, Any]] = []
    out = {uid: place for place, uid in enumerate(sorted(beyond), start=1)}
    known: dict[str, list[Group]] = defaultdict(list)
    for group in groups(one.announced):
        known[group.approach].append(group)
    ways_in = [(section, group) for section in one.sections for group in known.get(section.uid, ())]
    many = sum(max(1, group.lanes) for _, group in ways_in)
    for section, group in ways_in:
        for _ in range(max(1, group.lanes)):
            number += 1
            lanes.append(_way_in(section, group, number, _entry(one, section), many, out))
    for uid, place in out.items():
        lanes.append(_way_out(uid, many + place, place, beyond[uid]))
    lon, lat = one.point
    return {
        "name": one.name,
        "id": {"region": 0, "id": one.number % 65_536},
        "asset": one.uid,
        "revision": one.version % 128,
        "refPoint": {"lat": round(lat * 1e7), "long": round(lon * 1e7)},
        "laneSet": lanes,
    }


def _entry(one: Junction, section: Section) -> int:
    return [part.uid for part in one.sections].index(section.uid) + 1


def _way_in(
    section: Section, group: Group, number: int, approach: int, many: int, out: Mapping[str, int]
) -> dict[str, Any]:
    beyond = [many + out[uid] for uid in section.announced.get("downstream", ()) if uid in out]
    return {
        "laneID": number,
        "name": section.name,
        "ingressApproach": approach,
        "laneAttributes": {
            "directionalUse": ["ingressPath", "egressPath"] if group.on_foot else ["ingressPath"],
            "sharedWith": [],
            "laneType": {"crosswalk": []} if group.on_foot else {"vehicle": []},
        },
        "nodeList": _nodes(_across(section) if group.on_foot else section.line[::-1]),
        "connectsTo": [
            {"connectingLane": {"lane": lane}, "signalGroup": group.number}
            for lane in ([0] if group.on_foot or not beyond else beyond)
        ],
    }


def _way_out(uid: str, number: int, approach: int, line: Sequence[LonLat]) -> dict[str, Any]:
    return {
        "laneID": number,
        "name": uid,
        "egressApproach": approach,
        "laneAttributes": {"directionalUse": ["egressPath"], "sharedWith": [], "laneType": {"vehicle": []}},
        "nodeList": _nodes(line),
    }


def _across(section: Section) -> tuple[LonLat, LonLat]:
    """From kerb to kerb at the stop line, at right angles to the approach; the width from its lanes both ways."""
    lon, lat = section.line[-1]
    half_m = LANE_M * max(1, section.lanes or 1)
    turn = radians(section.heading + 90)
    east, north = half_m * sin(turn) / (DEGREE_M * cos(radians(lat))), half_m * cos(turn) / DEGREE_M
    return (lon - east, lat - north), (lon + east, lat + north)


def _nodes(line: Sequence[LonLat]) -> dict[str, Any]:
    return {"nodes": [{"delta": {"node-LatLon": {"lon": round(x * 1e7), "lat": round(y * 1e7)}}} for x, y in line]}
