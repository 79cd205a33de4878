# SPDX-License-Identifier: Apache-2.0
"""The only place where energy reads the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from energy.controller import Picture, Policy, decide
from energy.history import local
from energy.kpis import Day
from energy.kpis import worth as day_worth
from energy.models import ConnectionPoint
from energy.plan import Evse, Site, Store
from energy.sessions import uncontrolled
from energy.tariffs import carbon, of, price
from smartcity.devices import time_zone
from smartcity.devices.models import Asset, CityImport, Series
from smartcity.forecasting import read as forecasts
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Loop, Mode, forecast, reading
from smartcity.kernel.worth import Evidence, Headline, Normal, Worth
from smartcity.telemetry import buckets, normal, read

Array = NDArray[np.float64]
STEP_MS, STEPS = 900_000, 96
HOUR_MS = 3_600_000
KINDS = ("connection_point", "pv_plant", "battery", "charger")


@dataclass(frozen=True, slots=True)
class Part:
    """A device behind a connection point: its ratings and the series it fills."""

    uid: str
    kind: str
    rated: Mapping[str, float]
    series: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A connection point with what stands behind it."""

    uid: str
    name: str
    contracted_kw: float
    tariff: Mapping[str, object]
    series: Mapping[str, int]
    parts: list[Part] = field(default_factory=list)

    def of(self, kind: str) -> list[Part]:
        return [part for part in self.parts if part.kind == kind]

    @property
    def is_steered(self) -> bool:
        return any(part.kind in ("battery", "charger") for part in self.parts)


def inventory() -> list[SiteRow]:
    """Every connection point; three queries, kept until the next import or ten minutes."""
    newest = CityImport.objects.order_by("-pk").values_list("pk", flat=True).first()
    return _inventory(newest or 0, int(clock.now_ms() // (10 * 60_000)))


@lru_cache(maxsize=1)
def _inventory(import_number: int, ten_minutes: int) -> list[SiteRow]:
    series: dict[int, dict[str, int]] = defaultdict(dict)
    rows = Series.objects.filter(metric__startswith="energy.", device__asset__kind__in=KINDS)
    for pk, asset_id, metric in rows.values_list("pk", "device__asset_id", "metric"):
        series[asset_id][metric] = pk
    data = Asset.objects.filter(domain="energy", kind__in=KINDS, engineering__is_current=True, missing_since=None)
    signed = dict(data.values_list("pk", "engineering__data"))
    sites = {
        site.pk: SiteRow(site.uid, site.name, site.contracted_kw, of(signed.get(site.pk, {})), series[site.pk])
        for site in ConnectionPoint.objects.filter(missing_since=None).order_by("uid")
    }
    parts = Asset.objects.filter(domain="energy", kind__in=KINDS[1:], missing_since=None).order_by("uid")
    for pk, uid, kind, parent in parts.values_list("pk", "uid", "kind", "parent_id"):
        if parent in sites:
            numbers = {k: float(v) for k, v in signed.get(pk, {}).items() if isinstance(v, int | float)}
            sites[parent].parts.append(Part(uid, kind, numbers, series[pk]))
    return list(sites.values())


def gather(now_ms: int) -> Picture:
    """Sites with a battery or a charger that report: latest values, forecasts, peaks of month and day. Five queries."""
    rows = [row for row in inventory() if row.is_steered]
    ids = [pk for row in rows for part in row.parts for pk in part.series.values()]
    latest = read.latest([*ids, *(pk for row in rows for pk in row.series.values())])
    wanted = [row.series["energy.load_kw"] for row in rows if "energy.load_kw" in row.series]
    wanted += [part.series["energy.generation_kw"] for row in rows for part in row.of("pv_plant") if part.series]
    foreseen = forecasts.latest(wanted)
    times = now_ms + STEP_MS * np.arange(STEPS)
    hours, _ = local(times, time_zone.city())
    peaks = _peaks(rows, times)
    sites = (_site(row, latest, foreseen, peaks, times, hours, now_ms) for row in rows)
    return Picture(tuple(site for site in sites if site is not None), STEP_MS / HOUR_MS)


@dataclass(frozen=True, slots=True)
class Peaks:
    """Highest imports by series until now, kW: of the last 30 days, and of today; and when today ends, in steps."""

    month: Mapping[int, float]
    today: Mapping[int, float]
    tomorrow_from: int


def _peaks(rows: list[SiteRow], times: NDArray[np.int64]) -> Peaks:
    ids = [row.series["energy.import_kw"] for row in rows if "energy.import_kw" in row.series]
    now = int(times[0])
    midnight, tomorrow = buckets.day_starts(now, now, time_zone.city_zone()).tolist()
    return Peaks(
        _highest(ids, read.grid(ids, "1d", now - 30 * 24 * HOUR_MS, now, "high")[1]),
        _highest(ids, read.grid(ids, "15m", midnight, now)[1]),
        int(np.searchsorted(times, tomorrow)),
    )


def _highest(ids: list[int], grid: Array) -> dict[int, float]:
    """NaN is no reading."""
    if not grid.size:
        return {}
    return {pk: float(np.nanmax(line)) for pk, line in zip(ids, grid, strict=True) if not np.isnan(line).all()}


def _site(
    row: SiteRow,
    latest: Mapping[int, read.Value],
    foreseen: Mapping[int, forecasts.Forecast],
    peaks: Peaks,
    times: NDArray[np.int64],
    hours: Array,
    now_ms: int,
) -> Site | None:
    load_series = row.series.get("energy.load_kw", 0)
    load = _expected(load_series, latest, foreseen, times, now_ms)
    if load is None:
        return None
    pv = np.zeros(STEPS)
    for part in row.of("pv_plant"):
        found = _expected(part.series.get("energy.generation_kw", 0), latest, foreseen, times, now_ms)
        pv = pv if found is None else pv + found
    chargers = tuple(
        Evse(part.uid, part.rated.get("power_kw", 11.0), _now(part, "energy.charging_kw", latest, now_ms) or 0.0)
        for part in row.of("charger")
    )
    stores = tuple(
        Store(part.uid, part.rated.get("capacity_kwh", 0.0), part.rated.get("power_kw", 0.0), soc / 100)
        for part in row.of("battery")
        if (soc := _now(part, "energy.soc", latest, now_ms)) is not None
    )
    drawing = sum(charger.power_now_kw for charger in chargers)
    wish = np.where(np.arange(STEPS) < 8, max(drawing, 11.0 * (drawing > 0.5)), 0.0)
    meter = row.series.get("energy.import_kw", 0)
    return Site(
        uid=row.uid,
        name=row.name,
        contracted_kw=row.contracted_kw,
        load_kw=load,
        pv_kw=pv,
        charging_kw=wish,
        price=price(row.tariff, hours),
        capacity_price=float(str(row.tariff["capacity"])),
        month_peak_kw=min(peaks.month.get(meter, 0.0), row.contracted_kw),
        day_peak_kw=peaks.today.get(meter, 0.0),
        tomorrow_from=peaks.tomorrow_from,
        batteries=stores,
        chargers=chargers,
        basis=_basis(load_series, latest, foreseen),
    )


def _basis(
    series: int, latest: Mapping[int, read.Value], foreseen: Mapping[int, forecasts.Forecast]
) -> tuple[str, ...]:
    value, found = latest.get(series), foreseen.get(series)
    return (
        *(() if value is None else (reading(series, value.at_ms),)),
        *(() if found is None else (forecast(series, found.issued_at_ms),)),
    )


def _now(part: Part, metric: str, latest: Mapping[int, read.Value], now_ms: int) -> float | None:
    value = latest.get(part.series.get(metric, 0))
    return value.value if value and value.is_usable and now_ms - value.at_ms < STEP_MS else None


def _expected(
    series: int,
    latest: Mapping[int, read.Value],
    foreseen: Mapping[int, forecasts.Forecast],
    times: NDArray[np.int64],
    now_ms: int,
) -> Array | None:
    """Median forecast bent to the value measured now (the correction fades within two hours); else that value held."""
    value = latest.get(series)
    now = value.value if value and value.is_usable and now_ms - value.at_ms < STEP_MS else None
    forecast = foreseen.get(series)
    median = forecast.median_at(times) if forecast is not None else None
    if median is None:
        return None if now is None else np.full(STEPS, now)
    gap = 0.0 if now is None else now - float(median[0])
    return np.asarray(np.maximum(0.0, median + gap * np.exp(-np.arange(STEPS) / 8)))


def worth(from_ms: int, to_ms: int) -> list[Worth]:
    """Steered sites as measured beside the same without control: batteries idle, cars charge as they come.

    Three queries of quarter hours.
    """
    rows = [row for row in inventory() if row.is_steered and "energy.import_kw" in row.series]
    if not rows:
        return []
    times, measured = read.grid([row.series["energy.import_kw"] for row in rows], "15m", from_ms, to_ms)
    if not len(times):
        return []
    battery = _by_part(rows, "battery", "energy.battery_kw", from_ms, to_ms)
    charging = _by_part(rows, "charger", "energy.charging_kw", from_ms, to_ms)
    moved = {uid: kw - uncontrolled(kw, rated) for uid, (kw, rated) in charging.items()}
    moved |= {uid: kw for uid, (kw, _) in battery.items()}
    none = np.zeros(len(times))
    control = np.array([none + sum(moved.get(part.uid, none) for part in row.parts) for row in rows])
    hours, _ = local(times, time_zone.city())
    day = Day(
        measured,
        measured - control,
        np.array([price(row.tariff, hours) for row in rows]),
        np.array([carbon(row.tariff, hours) for row in rows]),
        np.array([float(str(row.tariff["capacity"])) for row in rows]),
    )
    return day_worth(day, from_ms, to_ms, Evidence.SIMULATED if clock.is_simulation else Evidence.MEASURED)


def _by_part(rows: list[SiteRow], kind: str, metric: str, from_ms: int, to_ms: int) -> dict[str, tuple[Array, float]]:
    """kW by quarter hour, and the rating, of every device of a kind that has such a series."""
    parts = [part for row in rows for part in row.of(kind) if metric in part.series]
    _, grid = read.grid([part.series[metric] for part in parts], "15m", from_ms, to_ms)
    return {part.uid: (kw, part.rated.get("power_kw", 0.0)) for part, kw in zip(parts, grid, strict=True)}


def headline(now_ms: int) -> Headline:
    """Import of all connection points now, its course over 24 h, and what the contracts allow."""
    ids = [row.series["energy.import_kw"] for row in inventory() if "energy.import_kw" in row.series]
    latest = read.latest(ids)
    total = sum(value.value for value in latest.values()) / 1000
    _, grid = read.grid(ids, "1h", now_ms - 24 * HOUR_MS, now_ms)
    spark = tuple(round(float(value), 3) for value in _course(grid) if not np.isnan(value))
    contracted = sum(row.contracted_kw for row in inventory()) / 1000
    peak = max(spark, default=total)
    return Headline(
        title="import",
        value=round(total, 2) if latest else None,
        unit="MW",
        normal=_usual(tuple(ids), now_ms // HOUR_MS),
        floor=0.0,
        ceiling=round(max(contracted, peak), 1),
        spark=spark,
        line=f"24 h peak {peak:.1f} · contract {contracted:.1f} MW" if ids else "no connection points yet",
        digits=1,
    )


def _course(grid: Array) -> Array:
    """Sum over the points in MW for every hour; NaN where not nine of ten have closed it."""
    if not grid.size:
        return np.full(grid.shape[1], np.nan)
    is_closed = np.mean(~np.isnan(grid), axis=0) > 0.9
    return np.where(is_closed, np.nansum(grid, axis=0) / 1000, np.nan)


@lru_cache(maxsize=1)
def _usual(series: tuple[int, ...], hour: int) -> Normal | None:
    return normal.of_hour(series, hour * HOUR_MS, _course)


LOOPS = (
    Loop(
        name="energy",
        domain="energy",
        title="Peak shaving and charging",
        every_s=300,
        most_per_min=2.5,
        gather=gather,
        decide=decide,
        policy=Policy(),
        words={Mode.LOCAL: "Local", Mode.ADVISE: "Advise", Mode.AUTO: "Optimised"},
        watches=("energy.import_kw", "energy.soc"),
        local_means="their default",
        extra={"kinds": ("battery", "charger"), "noun": {"battery": "batteries", "charger": "charging points"}},
    ),
)
