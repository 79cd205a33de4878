# SPDX-License-Identifier: Apache-2.0
"""The only place where lighting reads the database: the picture, the headline, the worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from lighting.classes import LEVELS, share
from lighting.controller import PROVEN_WITHIN_S, Lamp, Picture, Policy, Street, decide
from lighting.darkness import Programme, is_dark, local_hour, local_hours
from lighting.history import dark
from lighting.kpis import Night
from lighting.kpis import worth as night_worth
from lighting.models import LightingSegment
from smartcity.devices import time_zone
from smartcity.devices.models import Asset, CityImport, EngineeringRecord, Series
from smartcity.forecasting import read as forecasts
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Loop, Mode, forecast, reading
from smartcity.kernel.geo import distance_to_line
from smartcity.kernel.worth import Evidence, Headline, Normal, Worth
from smartcity.telemetry import context, normal, read
from smartcity.telemetry.context import Source

COUNTED_WITHIN_M = 40.0
FRESH_S = 20 * 60.0
HOUR_MS, QUARTER_MS = 3_600_000, 900_000
LATE_MS = 900_000  # what a quarter measured may arrive so much later: until then nobody calls a lamp silent
EDGE_MS = 120_000  # dusk and dawn come to the lamps of one town within this
PROVEN_WITHIN_MS = int(1000 * PROVEN_WITHIN_S)


@dataclass(frozen=True, slots=True)
class LampRow:
    """A luminaire with what its engineering data say and its series.

    Where nobody has said it `power_w` is None and `least`, the level in % of its minimum class, NaN.
    """

    uid: str
    lat: float
    lon: float
    power_w: float | None
    least: float
    programme: Programme | None
    series: dict[str, int]


@dataclass(frozen=True, slots=True)
class Design:
    """What a street was laid out for: its classes, its lanes, vehicles an hour in both directions."""

    normal_class: str
    minimum_class: str
    lanes: int
    capacity: float


@dataclass(frozen=True, slots=True)
class StreetRow:
    """A segment, its lamps, and who counts its traffic; `design` is None where any of it is unknown."""

    segment: LightingSegment
    design: Design | None
    lamps: tuple[LampRow, ...]
    counted_by: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the city context says of it, by series: the last fresh count, the forecast in force."""

    counted: Mapping[int, read.Value]
    foreseen: Mapping[int, forecasts.Forecast]


def inventory() -> list[StreetRow]:
    """Segments with lamps, in five queries; kept until the next import or signature."""
    newest = CityImport.objects.order_by("-pk").values_list("pk", flat=True).first()
    return _inventory(newest or 0, int(clock.now_ms() // (10 * 60_000)))


@lru_cache(maxsize=1)
def _inventory(import_number: int, ten_minutes: int) -> list[StreetRow]:
    lamps: dict[int, list[LampRow]] = defaultdict(list)
    found = Asset.objects.filter(domain="lighting", kind="luminaire", missing_since=None)
    records = EngineeringRecord.objects.filter(is_current=True, asset__domain="lighting")
    data: dict[int, dict[str, object]] = dict(records.values_list("asset_id", "data"))
    series: dict[int, dict[str, int]] = defaultdict(dict)
    for pk, asset_id, metric in Series.objects.filter(metric__startswith="lighting.").values_list(
        "pk", "device__asset_id", "metric"
    ):
        series[asset_id][metric] = pk
    rows = found.values_list("pk", "uid", "geom", "parent_id", "luminaire__power_w")
    for pk, uid, geom, parent, power_w in rows:
        lamps[parent].append(_lamp_row(uid, geom.coords, power_w, data.get(pk, {}), series[pk]))
    counters = context.sources("traffic.flow")
    return [
        StreetRow(segment, design, tuple(lamps[segment.pk]), _counted_by(segment, design, counters))
        for segment in LightingSegment.objects.filter(missing_since=None)
        if lamps.get(segment.pk)
        for design in [_design(segment, data.get(segment.pk, {}))]
    ]


def _design(segment: LightingSegment, data: dict[str, object]) -> Design | None:
    """From the engineering data, else from the columns."""
    normal, minimum, lanes, capacity = (
        data.get(name, getattr(segment, name)) for name in ("normal_class", "minimum_class", "lanes", "capacity")
    )
    if normal not in LEVELS or minimum not in LEVELS:
        return None
    if not isinstance(lanes, int) or not isinstance(capacity, int | float) or capacity <= 0:
        return None
    return Design(str(normal), str(minimum), lanes, float(capacity))


def _lamp_row(
    uid: str, at: tuple[float, float], power_w: float | None, data: dict[str, object], own: dict[str, int]
) -> LampRow:
    normal, minimum = str(data.get("normal_class", "")), str(data.get("minimum_class", ""))
    least = share(minimum, normal) if normal in LEVELS and minimum in LEVELS else np.nan
    rated = data.get("power_w", power_w)
    watts = float(rated) if isinstance(rated, int | float) else None
    return LampRow(uid, at[1], at[0], watts, least, Programme.read(data), own)


def _counted_by(segment: LightingSegment, design: Design | None, counters: Sequence[Source]) -> tuple[Source, ...]:
    """Counters whose approach runs along the segment; only carriageways are counted."""
    if design is None or not design.normal_class.startswith("M"):
        return ()
    line = tuple((x, y) for x, y in segment.geom.coords)
    middle = line[len(line) // 2]
    near = [source for source in counters if distance_to_line(middle, source.line) < 4 * COUNTED_WITHIN_M]
    return tuple(s for s in near if min(distance_to_line(p, line) for p in s.line) < COUNTED_WITHIN_M)


def gather(now_ms: int) -> Picture:
    """Streets at night; by day, and too late in the night to prove a command, an empty picture without a query more."""
    streets = inventory()
    if not streets or not all(_is_dark(streets[0].lamps[0], at) for at in (now_ms, now_ms + PROVEN_WITHIN_MS)):
        return Picture(False, ())
    counters = {source for street in streets for source in street.counted_by}
    traffic = Traffic(context.latest(counters, now_ms, FRESH_S), forecasts.foreseen(counters))
    levels = read.latest(
        [lamp.series["lighting.dim_level"] for street in streets for lamp in street.lamps if lamp.series]
    )
    seen = (
        _street(street, street.design, levels, traffic, now_ms)
        for street in streets
        if street.design and street.counted_by
    )
    return Picture(True, tuple(seen))


def _is_dark(lamp: LampRow, at_ms: int) -> bool:
    return is_dark(lamp.lat, lamp.lon, at_ms)


def _street(row: StreetRow, design: Design, levels: Mapping[int, read.Value], traffic: Traffic, now_ms: int) -> Street:
    segment, first = row.segment, row.lamps[0]
    hour = local_hour(now_ms, time_zone.city())
    now = {s.series: traffic.counted[s.series] for s in row.counted_by if s.series in traffic.counted}
    known = {s.series: traffic.foreseen[s.series] for s in row.counted_by if s.series in traffic.foreseen}
    highest = {pk: found.highest(0.9, now_ms, now_ms + HOUR_MS) for pk, found in known.items()}
    ahead = {pk: value for pk, value in highest.items() if value is not None}
    lamps = tuple(Lamp(lamp.uid, lamp.power_w, _level(lamp, levels)) for lamp in row.lamps)
    return Street(
        uid=segment.uid,
        name=segment.name,
        normal_class=design.normal_class,
        minimum_class=design.minimum_class,
        lanes=design.lanes,
        capacity=design.capacity,
        programme_level=100.0 if first.programme is None else first.programme.level(hour),
        flow=max((value.value for value in now.values()), default=None),
        expected=max(ahead.values(), default=None),
        basis=(
            *(reading(pk, value.at_ms) for pk, value in now.items()),
            *(forecast(pk, known[pk].issued_at_ms) for pk in ahead),
        ),
        lamps=lamps,
    )


def _level(lamp: LampRow, latest: Mapping[int, read.Value]) -> float | None:
    value = latest.get(lamp.series.get("lighting.dim_level", 0))
    return None if value is None else value.value


def worth(from_ms: int, to_ms: int) -> list[Worth]:
    """What the span cost beside both baselines; two queries of quarter-hour means."""
    named = ("lighting.dim_level", "lighting.power_w")
    lamps = [lamp for street in inventory() for lamp in street.lamps if all(name in lamp.series for name in named)]
    if not lamps:
        return []
    buckets, levels = read.grid([lamp.series["lighting.dim_level"] for lamp in lamps], "15m", from_ms, to_ms)
    _, power = read.grid([lamp.series["lighting.power_w"] for lamp in lamps], "15m", from_ms, to_ms)
    if not len(buckets):
        return []
    has_come_in = buckets + QUARTER_MS + LATE_MS <= clock.now_ms()
    is_dark_at = partial(dark, lamps[0].lat, lamps[0].lon)
    night = Night(
        levels=levels,
        power_w=power,
        rated_w=np.array([lamp.power_w for lamp in lamps], np.float64),
        least=np.array([lamp.least for lamp in lamps]),
        is_dark=is_dark_at(buckets),
        is_night=is_dark_at(buckets - EDGE_MS) & is_dark_at(buckets + QUARTER_MS + EDGE_MS) & has_come_in,
        local_hour=local_hours(buckets, time_zone.city()),
    )
    evidence = Evidence.SIMULATED if clock.is_simulation else Evidence.MEASURED
    return night_worth(night, from_ms, to_ms, evidence)


def headline(now_ms: int) -> Headline:
    """Mean dimming level of the lit lamps now, its course over 24 h, and the power drawn."""
    lamps = [lamp for street in inventory() for lamp in street.lamps if lamp.series]
    latest = read.latest([pk for lamp in lamps for pk in lamp.series.values()])
    levels = [v.value for lamp in lamps if (v := latest.get(lamp.series.get("lighting.dim_level", 0)))]
    power = sum(v.value for lamp in lamps if (v := latest.get(lamp.series.get("lighting.power_w", 0)))) / 1000
    ids = [lamp.series["lighting.power_w"] for lamp in lamps if "lighting.power_w" in lamp.series]
    _, grid = read.grid(ids, "1h", now_ms - 24 * HOUR_MS, now_ms)
    spark = tuple(round(float(v), 2) for v in np.nansum(grid, axis=0) / 1000) if grid.size else ()
    lit = [level for level in levels if level > 0]
    known = [lamp.power_w for lamp in lamps if lamp.power_w is not None]
    of_rated = f" of {sum(known) / 1000:.0f}" if len(known) == len(lamps) else ""
    mean = sum(lit) / len(lit) if lit else 0.0
    dimmed = tuple(lamp.series["lighting.dim_level"] for lamp in lamps if "lighting.dim_level" in lamp.series)
    line = f"{len(lit)} of {len(lamps)} lit · {power:.1f}{of_rated} kW" if lamps else "no luminaires yet"
    return Headline(
        title="dimming level",
        value=round(mean) if lamps else None,
        unit="%",
        normal=_usual(dimmed, now_ms // HOUR_MS),
        floor=0,
        ceiling=100,
        spark=spark,
        line=line,
    )


def _lit(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean level of the lamps that are lit in each hour, 0 where all are dark, NaN where none was heard."""
    shining = np.sum(levels > 0, axis=0)
    means = np.nansum(levels, axis=0) / np.maximum(1, shining)
    return np.where(np.isnan(levels).all(axis=0), np.nan, means)


@lru_cache(maxsize=1)
def _usual(series: tuple[int, ...], hour: int) -> Normal | None:
    """Of the levels at the end of the hour: a mean over dusk or dawn would mix lit lamps with dark ones."""
    return normal.of_hour(series, hour * HOUR_MS, _lit, column="last")


LOOPS = (
    Loop(
        name="lighting",
        domain="lighting",
        title="Adaptive lighting",
        every_s=120,
        most_per_min=1.5,
        gather=gather,
        decide=decide,
        policy=Policy(),
        words={Mode.LOCAL: "Programme", Mode.ADVISE: "Advise", Mode.AUTO: "Adaptive"},
        watches=("traffic.flow", "lighting.dim_level"),
        local_means="the signed programme",
        extra={"kinds": ("luminaire",), "noun": {"luminaire": "luminaires"}},
    ),
)
