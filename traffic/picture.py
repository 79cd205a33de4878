# SPDX-License-Identifier: Apache-2.0
"""What the controller sees of a junction: what the device announced and what it and its detectors last measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FRESH_S = 20.0
PEOPLE_PER_S = 0.03  # expected at each crossing by day
WALK_OFF_PER_S = 1.0
CLEARED_S = 12.0  # green this long: whoever stands is not being served


@dataclass(frozen=True, slots=True)
class Seen:
    """A usable reading: value and the city instant it was measured at."""

    value: float
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Approach:
    """Lanes of one approach that get green together; vehicles and vehicles per second.

    `is_seen` is False when its detector is silent: numbers are then a guess. `on_foot`: not lanes but the crossing at
    their stop line, open while none of them have green; its people are expected, not counted.
    """

    uid: str
    detector: str
    name: str
    queue: float
    moving: float
    arrivals: float
    saturation: float
    storage: float
    downstream: tuple[str, ...]
    is_seen: bool
    on_foot: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """`serves`: approach uid → share of its lanes that may go."""

    number: int
    name: str
    serves: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Junction:
    """One signalised junction; `since_s` is the second the running stage became green (`running` 0: changing)."""

    uid: str
    stages: tuple[Stage, ...]
    approaches: tuple[Approach, ...]
    running: int
    since_s: int
    intergreen_s: float
    min_green_s: float
    max_red_s: float
    longest_red_s: float
    waiting_stage: int
    full: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Town:
    """Every junction that can be decided for at `now_s`, and what is left to its local plan with the reason."""

    now_s: int
    junctions: tuple[Junction, ...]
    left_alone: tuple[tuple[str, str], ...] = ()


Readings = Mapping[tuple[str, str], Seen]


def see(
    uid: str,
    announced: Mapping[str, Any],
    names: Mapping[str, str],
    readings: Readings,
    now_ms: int,
    *,
    recall: float = 2.0,
) -> Junction | str:
    """The junction, or why it must be left alone. `readings` go by (asset uid, metric) and hold usable values only."""
    if not announced.get("stages"):
        return "has not announced its stages"
    fresh = {key: seen for key, seen in readings.items() if now_ms - seen.at_ms <= FRESH_S * 1000}
    stage, green = fresh.get((uid, "traffic.stage")), fresh.get((uid, "traffic.green_s"))
    if stage is None or green is None:
        return "does not report its stage"
    status = fresh.get((uid, "traffic.status"))
    housing = [readings[key].value for name in ("door", "mains") if (key := (uid, f"traffic.{name}")) in readings]
    if status is None or round(status.value) != 0 or any(round(value) for value in housing):
        return "is not in normal operation"
    running, since_s = round(stage.value), round(green.at_ms / 1000 - green.value)
    now = _Now(names, fresh, recall, running, (now_ms / 1000 - since_s) if running else 0.0)
    lanes = [group for name, data in sorted(announced["approaches"].items()) for group in _lanes(name, data, now)]
    if sum(group.is_seen for group, _ in lanes) * 2 < len(lanes):
        return "most of its detectors are silent"
    numbers = [str(s["number"]) for s in announced["stages"]]
    lanes += [
        _crossing(name, data, numbers, now)
        for name, data in sorted(announced["approaches"].items())
        if data.get("crossing")
    ]
    between = [seconds for row in announced["intergreen_s"].values() for seconds in row.values()]
    red, waiting = fresh.get((uid, "traffic.longest_red_s")), fresh.get((uid, "traffic.waiting_stage"))
    return Junction(
        uid=uid,
        stages=tuple(_stage(data, lanes) for data in announced["stages"]),
        approaches=tuple(group for group, _ in lanes),
        running=running,
        since_s=since_s,
        intergreen_s=max(map(float, between), default=5.0),
        min_green_s=float(announced["min_green_s"]),
        max_red_s=float(announced["max_red_s"]),
        longest_red_s=red.value + (now_ms - red.at_ms) / 1000 if red and red.value else 0.0,
        waiting_stage=round(waiting.value) if waiting else 0,
        full=_full(announced, fresh),
    )


@dataclass(frozen=True, slots=True)
class _Now:
    """What all lanes of a junction are seen by."""

    names: Mapping[str, str]
    fresh: Readings
    recall: float
    running: int
    green_s: float


def _stage(data: Mapping[str, Any], lanes: Sequence[tuple[Approach, Mapping[str, float]]]) -> Stage:
    number = int(data["number"])
    serves = {group.uid: float(rates.get(str(number), 0.0)) for group, rates in lanes}
    return Stage(number, str(data["name"]), {uid: rate for uid, rate in serves.items() if rate})


def _lanes(uid: str, data: Mapping[str, Any], now: _Now) -> list[tuple[Approach, Mapping[str, float]]]:
    """An approach as its lane groups, with the rates of each by stage.

    The detector sees the approach as a whole. Who still stands well into the green stands in lanes that have none.
    A silent detector counts as a standing call (recall), so that nobody is forgotten.
    """
    queue, flow = now.fresh.get((uid, "traffic.queue")), now.fresh.get((uid, "traffic.flow"))
    full = now.fresh.get((uid, "traffic.occupancy"))
    storage = max(1.0, float(data["storage"]))
    standing = queue.value if queue else now.recall
    moving = max(0.0, full.value / 100 * storage - standing) if full else 0.0
    groups = data["groups"]
    waits = [g["share"] for g in groups if not g["rates"].get(str(now.running))] if now.green_s > CLEARED_S else []
    found = []
    for number, group in enumerate(groups):
        is_served = bool(group["rates"].get(str(now.running)))
        part = float(group["share"])
        stands = part if not waits or len(waits) == len(groups) else 0.0 if is_served else part / sum(waits)
        found.append(
            (
                Approach(
                    uid=uid if len(groups) == 1 else f"{uid}/{number + 1}",
                    detector=uid,
                    name=now.names.get(uid, uid),
                    queue=standing * stands,
                    moving=moving * part,
                    arrivals=part * (flow.value / 3600 if flow else 0.05),
                    saturation=float(data["saturation"]) * int(group["lanes"]),
                    storage=storage,
                    downstream=tuple(data.get("downstream", ())),
                    is_seen=queue is not None,
                ),
                group["rates"],
            )
        )
    return found


def _crossing(
    uid: str, data: Mapping[str, Any], stages: Sequence[str], now: _Now
) -> tuple[Approach, Mapping[str, float]]:
    """People on foot at an approach's stop line: they come steadily, and go all at once when it opens."""
    closing = {stage for group in data["groups"] for stage, rate in group["rates"].items() if rate}
    closed_s = now.green_s if str(now.running) in closing else 0.0
    crossing = Approach(
        uid=f"{uid}/foot",
        detector=uid,
        name=now.names.get(uid, uid),
        queue=PEOPLE_PER_S * closed_s,
        moving=0.0,
        arrivals=PEOPLE_PER_S,
        saturation=WALK_OFF_PER_S,
        storage=1000.0,
        downstream=(),
        is_seen=False,
        on_foot=True,
    )
    return crossing, {stage: 1.0 for stage in stages if stage not in closing}


def _full(announced: Mapping[str, Any], fresh: Readings) -> dict[str, float]:
    """Downstream approach → how full it is, 0..1, where that is observed."""
    beyond = {uid for data in announced["approaches"].values() for uid in data.get("downstream", ())}
    return {uid: fresh[uid, "traffic.occupancy"].value / 100 for uid in beyond if (uid, "traffic.occupancy") in fresh}
