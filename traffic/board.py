# SPDX-License-Identifier: Apache-2.0
"""Junctions as they stand now, for pages and other systems: five queries however many are asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smartcity.devices.models import Device, Series
from smartcity.kernel.clock import clock
from smartcity.kernel.imports import LonLat
from smartcity.telemetry import read
from traffic.metrics import METRICS
from traffic.models import Approach, Intersection
from traffic.service import Greens, Served, greens, mean_delay, served

EVERY_S = {metric.name: metric.every_s for metric in METRICS}
COURSE_MS = 15 * 60_000  # of stages
Reading = tuple[float, int]
"""(value, ms)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One approach: the road in travel direction up to the stop line; `readings` are usable and fresh, by metric."""

    uid: str
    name: str
    zone: str
    line: tuple[LonLat, ...]
    heading: float
    length_m: float
    lanes: int | None
    speed_kmh: float | None
    announced: Mapping[str, Any]
    readings: Mapping[str, Reading]
    served: Served

    def value(self, metric: str) -> float | None:
        found = self.readings.get(metric)
        return None if found is None else found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Junction:
    """One signal with its approaches; `course` are (ms, stage) of the last quarter hour."""

    number: int
    uid: str
    name: str
    zone: str
    point: LonLat
    streets: tuple[str, ...]
    version: int
    announced: Mapping[str, Any]
    readings: Mapping[str, Reading]
    course: tuple[tuple[int, int], ...]
    greens: Greens
    sections: tuple[Section, ...]

    def value(self, metric: str) -> float | None:
        found = self.readings.get(metric)
        return None if found is None else found[0]

    @property
    def delay_s(self) -> float | None:
        """As the controller measured it, else of its approaches by formula."""
        measured = self.value("traffic.control_delay")
        found = [(section.served, section.value("traffic.flow")) for section in self.sections]
        return mean_delay(found) if measured is None else measured

    @property
    def saturation(self) -> float | None:
        """Of the fullest approach."""
        known = [one.served.saturation for one in self.sections if one.served.saturation is not None]
        return max(known, default=None)


def look(rows: Sequence[Intersection], now_ms: int, span_ms: int = COURSE_MS) -> list[Junction]:
    """In the order asked for; select `zone` with them."""
    approaches = list(
        Approach.objects.filter(parent__in=[row.pk for row in rows], missing_since=None).select_related("zone")
    )
    pks = [row.pk for row in (*rows, *approaches)]
    devices = {
        asset: (announced or {}, version)
        for asset, announced, version in Device.objects.filter(asset__in=pks, retired_at=None).values_list(
            "asset_id", "announced", "announced_version"
        )
    }
    series = _series(pks)
    fresh = _fresh(series, now_ms)
    courses = stages([ids["traffic.stage"] for ids in series.values() if "traffic.stage" in ids], now_ms, span_ms)
    children: dict[int, list[Approach]] = defaultdict(list)
    for approach in sorted(approaches, key=lambda one: one.uid):
        children[approach.parent_id or 0].append(approach)
    found = []
    for row in rows:
        announced, version = devices.get(row.pk, ({}, 0))
        course = courses.get(series[row.pk].get("traffic.stage", -1), ())
        seen = greens(course, now_ms)
        found.append(
            Junction(
                number=row.pk,
                uid=row.uid,
                name=row.name,
                zone=row.zone.code,
                point=(row.geom.x, row.geom.y),
                streets=tuple(row.streets),
                version=version,
                announced=announced,
                readings=fresh[row.pk],
                course=course,
                greens=seen,
                sections=tuple(_section(one, announced, fresh[one.pk], seen) for one in children[row.pk]),
            )
        )
    return found


def stages(series: Iterable[int], until_ms: int, span_ms: int = COURSE_MS) -> dict[int, tuple[tuple[int, int], ...]]:
    """(ms, stage) of each series over the span up to `until_ms`. One query."""
    courses: dict[int, list[tuple[int, int]]] = defaultdict(list)
    ids, at, values, _ = read.raw(series, until_ms - span_ms, until_ms + 1)
    for pk, instant, value in zip(ids.tolist(), at.tolist(), values.tolist(), strict=True):
        courses[pk].append((instant, round(value)))
    return {pk: tuple(course) for pk, course in courses.items()}


def _series(assets: Sequence[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {pk: {} for pk in assets}
    rows = Series.objects.filter(device__asset__in=assets, device__retired_at=None)
    for asset, metric, pk in rows.values_list("device__asset_id", "metric", "pk"):
        found[asset][metric] = pk
    return found


def _fresh(series: Mapping[int, Mapping[str, int]], now_ms: int) -> dict[int, dict[str, Reading]]:
    """Usable and not older than three intervals, or a minute, or what three seconds of a fast city clock are."""
    latest = read.latest(pk for ids in series.values() for pk in ids.values())
    least = max(60.0, 3 * clock.speed)
    found: dict[int, dict[str, Reading]] = {}
    for asset, ids in series.items():
        found[asset] = {}
        for metric, pk in ids.items():
            seen = latest.get(pk)
            limit_ms = 1000 * max(least, 3 * EVERY_S.get(metric, 0.0))
            if seen is not None and seen.is_usable and now_ms - seen.at_ms <= limit_ms:
                found[asset][metric] = (seen.value, seen.at_ms)
    return found


def _section(row: Approach, announced: Mapping[str, Any], readings: Mapping[str, Reading], seen: Greens) -> Section:
    own = announced.get("approaches", {}).get(row.uid, {})
    values = {metric: value for metric, (value, _) in readings.items()}
    coords = row.geom.coords if row.geom.geom_type == "LineString" else (row.geom.coords,)
    return Section(
        uid=row.uid,
        name=row.name,
        zone=row.zone.code,
        line=tuple((x, y) for x, y, *_ in coords),
        heading=row.heading,
        length_m=row.length_m,
        lanes=row.lanes,
        speed_kmh=row.speed_kmh,
        announced=own,
        readings=readings,
        served=served(own, values, seen, length_m=row.length_m, lanes=row.lanes, speed_kmh=row.speed_kmh),
    )
