# SPDX-License-Identifier: Apache-2.0
"""Incidents and spillback as alarms: gathers what the detectors say, beside what is usual, and keeps the memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smartcity.devices.models import Device, Series
from smartcity.devices.time_zone import city_zone
from smartcity.kernel.alarms import AlarmRule, Finding, Severity, Watched
from smartcity.telemetry import normal, read
from traffic import board, incidents
from traffic.incidents import BLOCKED, SPILLED, Found, Seen, Track
from traffic.service import greens

EVERY_MS: Final = 10_000
ROSTER_S: Final = 60.0  # wall
FRESH_MS: Final = 60_000
SERVED_MS: Final = 180_000
HOUR_MS: Final = 3_600_000
USUAL_DAYS, ENOUGH = 28, 4
SENT = ("traffic.flow", "traffic.occupancy", "traffic.queue")

_judged = partial(
    AlarmRule,
    metric="",
    kinds=("approach",),
    is_bad=lambda value, _: value > 0,
    is_good=lambda value, _: value <= 0,
    on_delay_s=0,
    off_delay_s=0,
    call="traffic signal desk",
)
INCIDENT = _judged(
    name=BLOCKED,
    severity=Severity.HIGH,
    text="{name}: little passes though vehicles wait",
    cause="A lane is blocked before the stop line or just behind it: a breakdown, a crash, works, a delivery; or its "
    "detector counts too few.",
    consequence="The queue grows and soon reaches the junction before; green given here serves nobody.",
    response="Look at the place by camera or ask a patrol; tell the neighbours; close the approach in the plan if it "
    "lasts. If vehicles do pass, have the detector looked at.",
    respond_within_s=600,
)
SPILLBACK = _judged(
    name=SPILLED,
    severity=Severity.MEDIUM,
    text="{name}: the queue fills its room",
    cause="More arrives than its green lets through, or it is held up from beyond.",
    consequence="The queue blocks the junction before, and crossing traffic with it.",
    response="See whether the next junction is blocked first; give more green here or hold traffic back before it.",
    respond_within_s=900,
)


@dataclass(frozen=True, slots=True)
class Watch:
    """One approach that is watched: its rows and what its junction announced about it."""

    pk: int
    uid: str
    series: Mapping[str, int]
    stage_series: int
    stages: frozenset[int]
    storage: float
    lanes: int
    downstream: tuple[str, ...]


@dataclass(slots=True)
class Watcher:
    """One memory for both rules; looks every EVERY_MS of city time."""

    policy: incidents.Policy = field(default_factory=incidents.Policy)
    tracks: dict[str, Track] = field(default_factory=dict)
    found: list[tuple[int, Found]] = field(default_factory=list)
    looked: int = -1
    roster: list[Watch] = field(default_factory=list)
    roster_at: float = float("-inf")
    usual: dict[str, dict[str, float]] = field(default_factory=dict)
    usual_hour: int = -1

    def forget(self) -> None:
        """Everything remembered, as after a restart."""
        self.tracks, self.found, self.roster, self.usual = {}, [], [], {}
        self.looked, self.roster_at, self.usual_hour = -1, float("-inf"), -1

    def judge(self, rule: str, now_ms: int, standing: frozenset[int]) -> Sequence[Finding] | None:
        if not self.looked <= now_ms < self.looked + EVERY_MS or self.looked < 0:
            self._look(now_ms)
        self._resume(rule, standing, now_ms)
        return [
            Finding(asset=pk, text=one.text, value=round(one.value, 1), unit=one.unit)
            for pk, one in self.found
            if one.rule == rule
        ]

    def _resume(self, rule: str, standing: frozenset[int], now_ms: int) -> None:
        """What stands in the table and is not remembered here stood before a restart: it goes on until it is over."""
        known = {pk for pk, one in self.found if one.rule == rule}
        for watch in self.roster:
            track = self.tracks.get(watch.uid)
            if watch.pk in standing - known and (track is None or track.first == track.at):
                self.tracks[watch.uid] = incidents.resumed(frozenset({rule}), now_ms)
                words = "stood before the last restart; not yet seen to be over"
                self.found.append((watch.pk, Found(rule, watch.uid, words, now_ms, 0.0, "")))

    def _look(self, now_ms: int) -> None:
        if monotonic() - self.roster_at >= ROSTER_S:
            self.roster, self.roster_at = roster(), monotonic()
        if self.usual_hour != now_ms // HOUR_MS:
            self.usual, self.usual_hour = usual(self.roster, now_ms), now_ms // HOUR_MS
        self.looked, self.found = now_ms, []
        for watch, seen in see(self.roster, self.usual, now_ms):
            track = incidents.step(self.tracks.get(watch.uid), seen, now_ms, self.policy)
            if track is not None:
                self.tracks[watch.uid] = track
                self.found += [(watch.pk, one) for one in incidents.found(watch.uid, track, seen)]


def roster() -> list[Watch]:
    """Every approach with a detector. Two queries."""
    devices = Device.objects.filter(asset__domain="traffic", asset__missing_since=None, retired_at=None)
    rows = list(devices.values_list("asset_id", "asset__uid", "asset__kind", "asset__parent__uid", "announced"))
    series: dict[int, dict[str, int]] = {}
    for asset, metric, pk in Series.objects.filter(device__in=devices).values_list("device__asset_id", "metric", "pk"):
        series.setdefault(asset, {})[metric] = pk
    signals = {uid: (pk, said or {}) for pk, uid, kind, _, said in rows if kind == "intersection"}
    found = []
    for pk, uid, kind, parent, _ in rows:
        own = series.get(pk, {})
        if kind != "approach" or not all(metric in own for metric in SENT):
            continue
        signal, announced = signals.get(parent, (0, {}))
        data: Mapping[str, Any] = announced.get("approaches", {}).get(uid, {})
        groups = data.get("groups", ())
        found.append(
            Watch(
                pk,
                uid,
                own,
                series.get(signal, {}).get("traffic.stage", 0),
                frozenset(int(stage) for group in groups for stage, rate in group["rates"].items() if rate),
                float(data.get("storage", 0.0)),
                sum(int(group["lanes"]) for group in groups) or 1,
                tuple(data.get("downstream", ())),
            )
        )
    return found


def see(roster: Sequence[Watch], usual: Mapping[str, Mapping[str, float]], now_ms: int) -> list[tuple[Watch, Seen]]:
    """Two queries."""
    latest = read.latest(watch.series[metric] for watch in roster for metric in SENT)
    courses = board.stages({watch.stage_series for watch in roster if watch.stage_series}, now_ms, SERVED_MS)
    shares = {series: greens(course, now_ms) for series, course in courses.items()}

    def value(watch: Watch, metric: str) -> float | None:
        found = latest.get(watch.series[metric])
        return found.value if found and found.is_usable and now_ms - found.at_ms <= FRESH_MS else None

    full = {watch.uid: value(watch, "traffic.occupancy") for watch in roster}
    told = []
    for watch in roster:
        seen, own = shares.get(watch.stage_series), usual.get(watch.uid, {})
        known = seen is not None and seen.known_s >= SERVED_MS / 2000
        told.append(
            (
                watch,
                Seen(
                    flow=value(watch, "traffic.flow"),
                    occupancy=full[watch.uid],
                    queue=value(watch, "traffic.queue"),
                    storage=watch.storage,
                    lanes=watch.lanes,
                    usual_flow=own.get("traffic.flow"),
                    usual_occupancy=own.get("traffic.occupancy"),
                    served=sum(seen.share.get(s, 0.0) for s in watch.stages) if seen is not None and known else None,
                    beyond={uid: share for uid in watch.downstream if (share := full.get(uid)) is not None},
                ),
            )
        )
    return told


def usual(roster: Sequence[Watch], now_ms: int) -> dict[str, dict[str, float]]:
    """Uid → metric → median of this hour on the days of the same kind within four weeks, where enough are known."""
    zone = city_zone()
    hours = normal.same_hours(now_ms, zone, USUAL_DAYS)

    def is_off(at_ms: int) -> bool:
        return datetime.fromtimestamp(at_ms / 1000, zone).weekday() >= 5

    alike = np.array([is_off(int(hour)) == is_off(now_ms) for hour in hours], bool)
    found: dict[str, dict[str, float]] = {}
    for metric in ("traffic.flow", "traffic.occupancy"):
        rows = read.grid_at([watch.series[metric] for watch in roster], "1h", hours[alike])
        for watch, row in zip(roster, rows, strict=True):
            if (median := _median(row)) is not None:
                found.setdefault(watch.uid, {})[metric] = median
    return found


def _median(row: NDArray[np.float64]) -> float | None:
    known = row[~np.isnan(row)]
    return float(np.median(known)) if len(known) >= ENOUGH else None


WATCHER = Watcher()
WATCHED = (Watched(INCIDENT, partial(WATCHER.judge, BLOCKED)), Watched(SPILLBACK, partial(WATCHER.judge, SPILLED)))
