# SPDX-License-Identifier: Apache-2.0
"""City context: values of metrics a domain declares shared, by name, so that no domain need know another.

`shared` and `nearest` answer at once; whoever asks again and again keeps `sources` and asks for their `latest`, and for
what is foreseen of them (`forecasting.read.foreseen`).

Where the other domain is not installed, or silent, there is nothing: whoever asks needs a fallback anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from smartcity import declared
from smartcity.devices.models import Series
from smartcity.kernel.geo import EARTH_M, LonLat
from smartcity.kernel.metrics import Metric
from smartcity.telemetry import read
from smartcity.telemetry.arrays import Floats

FRESH_INTERVALS: Final = 3
FRESH_FLOOR_MS: Final = 60_000


class NotShared(Exception):
    """The metric exists, but its domain keeps it to itself: declare it `shared=True` or do without."""


@dataclass(frozen=True, slots=True)
class Context:
    """One usable value and where it was measured; a line's middle stands for the line."""

    asset_uid: str
    lon: float
    lat: float
    value: float
    at_ms: int


@dataclass(frozen=True, slots=True)
class Source:
    """One series of a shared metric and where it is measured: a point, or the points of a line (lon, lat)."""

    series: int
    asset_uid: str
    line: tuple[LonLat, ...]


def sources(metric: str) -> list[Source]:
    """Where a shared metric is measured, ordered; nothing where no domain declares it. One query. Raises NotShared."""
    if _declared(metric) is None:
        return []
    return [Source(pk, uid, _line(geom)) for pk, uid, geom in _rows(metric)]


def latest(of: Iterable[Source], now_ms: int, within_s: float) -> dict[int, read.Value]:
    """By series: the last usable value, not older than so many city seconds. One query."""
    values = read.latest(source.series for source in of)
    oldest = now_ms - round(1000 * within_s)
    return {pk: value for pk, value in values.items() if value.is_usable and value.at_ms >= oldest}


def shared(metric: str, now_ms: int) -> list[Context]:
    """Every usable value not older than three expected intervals. Two queries. Raises NotShared."""
    found = _declared(metric)
    if found is None:
        return []
    rows = _rows(metric)
    values = read.latest(pk for pk, _, _ in rows)
    oldest = now_ms - max(FRESH_FLOOR_MS, round(FRESH_INTERVALS * found.every_s * 1000))
    told = []
    for pk, uid, geom in rows:
        value = values.get(pk)
        if value is not None and value.is_usable and value.at_ms >= oldest:
            middle = geom if geom.geom_type == "Point" else geom.centroid
            told.append(Context(uid, middle.x, middle.y, value.value, value.at_ms))
    return told


def nearest(metric: str, points: Sequence[LonLat], within_m: float, now_ms: int) -> list[Context | None]:
    """For each point the nearest value within so many metres, else None. Two queries, O(points x values)."""
    if not points:
        return []
    there = shared(metric, now_ms)
    if not there:
        return [None] * len(points)
    away = _metres(np.array(points, float), np.array([(context.lon, context.lat) for context in there]))
    best = away.argmin(axis=1)
    return [there[n] if away[row, n] <= within_m else None for row, n in enumerate(best.tolist())]


def _rows(metric: str) -> list[tuple[int, str, Any]]:
    found = Series.objects.filter(metric=metric, device__retired_at=None, device__asset__missing_since=None)
    return list(found.order_by("pk").values_list("pk", "device__asset__uid", "device__asset__geom"))


def _line(geom: Any) -> tuple[LonLat, ...]:
    found = geom if geom.geom_type in ("Point", "LineString") else geom.centroid
    coords = found.coords if found.geom_type == "LineString" else (found.coords,)
    return tuple((x, y) for x, y, *_ in coords)


def _declared(name: str) -> Metric | None:
    metric = declared.metrics().get(name)
    if metric is not None and not metric.shared:
        raise NotShared(f"{name} is not shared")
    return metric


def _metres(a: Floats, b: Floats) -> Floats:
    """Distances of each of `a` to each of `b` (lon, lat); equirectangular, better than 0.1 % within 20 km."""
    lat = np.radians(a[:, 1])
    x = np.radians(b[None, :, 0] - a[:, None, 0]) * np.cos(lat)[:, None]
    y = np.radians(b[None, :, 1] - a[:, None, 1])
    away: Floats = EARTH_M * np.hypot(x, y)
    return away
