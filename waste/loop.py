# SPDX-License-Identifier: Apache-2.0
"""The only place where waste reads the database: the picture, the headline, the worth."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from smartcity.devices import time_zone
from smartcity.devices.models import Device
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Loop, Mode, forecast, reading
from smartcity.kernel.worth import Evidence, Headline, Normal, Worth
from smartcity.telemetry import normal, read
from waste import inflow, kpis, rota
from waste.controller import decide
from waste.filling import SATURATED, Filling
from waste.inventory import (
    BinRow,
    Inventory,
    TruckRow,
    filled,
    inventory,
    learned,
    learned_at_ms,
    level_series,
    levels,
)
from waste.level import emptied, from_distance
from waste.metrics import REPORT_S, TRUCK_STATES
from waste.models import StopReport
from waste.picture import Bin, Lorry, Picture, Site
from waste.planning import Policy
from waste.reports import Said, latest_reports

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
FRESH_TRUCK_MS = 300_000
PROVING_MS = int(3 * REPORT_S * 1000)  # a sensor that has missed more reports proves nothing
BLOCKED_FOR = timedelta(hours=4)
LEAD_UP_DAYS = 8
Latest = Mapping[int, read.Value]


def gather(now_ms: int) -> Picture:
    """Containers with their level and risk, trucks with their state; three queries beside the inventory."""
    city = inventory()
    hours, _, days = inflow.local(np.array([now_ms], np.int64), time_zone.city())
    if not city.trucks or not city.bins:
        return Picture(float(hours[0]), (), (), (), np.zeros((0, 0)), np.zeros((0, 0)))
    fillings = learned(city, now_ms)
    latest = read.latest(city.speaking)
    said = latest_reports(now_ms, BLOCKED_FOR)
    day, promised = int(days[0]), _promised(city)
    return Picture(
        hour=float(hours[0]),
        bins=tuple(_bin(row, fillings.get(row.uid), latest, said.get(row.uid), now_ms, day) for row in city.bins),
        trucks=tuple(_truck(row, latest, now_ms, promised.get(row.pk, ())) for row in city.trucks),
        sites=tuple(Site(site.uid, site.node, site.service_s, site.hours) for site in city.sites),
        seconds=city.seconds,
        metres=city.metres,
    )


def level_now(row: BinRow, latest: Latest) -> tuple[float, int] | None:
    """(fill level in %, instant) of the newest usable reading, from an echo where the sensor knows no level."""
    found = _measured(row, latest)
    return None if found is None else found[:2]


def _measured(row: BinRow, latest: Latest) -> tuple[float, int, int] | None:
    """(fill level in %, instant, series)."""
    series = row.series.get("waste.fill_level", 0)
    value = latest.get(series)
    if value is not None and value.is_usable:
        return value.value, value.at_ms, series
    series = row.series.get("waste.distance", 0)
    echo = latest.get(series)
    fill = from_distance(echo.value, row.geometry) if echo is not None and echo.is_usable else None
    return None if fill is None or echo is None else (fill, echo.at_ms, series)


def _bin(row: BinRow, filling: Filling | None, latest: Latest, said: Said | None, now_ms: int, day: int) -> Bin:
    """What the crew said counts until the sensor speaks again."""
    measured = _measured(row, latest)
    found = None if measured is None else measured[:2]
    is_heard = found is not None and now_ms - found[1] <= PROVING_MS
    basis = () if measured is None else (reading(measured[2], measured[1]),)
    blocked = ""
    if said is not None and said.outcome == StopReport.Outcome.BLOCKED:
        blocked = f"the crew of {said.truck} found it blocked"
    elif said is not None and (found is None or said.at_ms > found[1]):
        found = (0.0 if said.outcome == StopReport.Outcome.DONE else 100.0), said.at_ms
        basis = (f"{said.outcome} by {said.truck}@{said.at_ms}",)
    is_echo = "waste.distance" in row.series and "waste.fill_level" not in row.series
    return Bin(
        uid=row.uid,
        node=row.node,
        level=found[0] if found else None,
        age_h=max(0.0, (now_ms - found[1]) / HOUR_MS) if found else 0.0,
        filling=filling,
        kg_full=row.kg_full,
        service_s=row.service_s,
        off_m=row.off_m,
        access=row.access,
        blocked=blocked,
        proof=emptied(row.geometry, is_echo=is_echo) if is_heard else None,
        basis=(*basis, *_foreseen(row, filling, now_ms)),
        on_rota_today=row.every_days > 0 and bool(rota.is_due(day, row.every_days, row.phase)),
    )


def _foreseen(row: BinRow, filling: Filling | None, now_ms: int) -> tuple[str, ...]:
    """The time to full it is planned by, with the instant up to which it was learned."""
    series = row.series.get("waste.fill_level") or row.series.get("waste.distance")
    return () if filling is None or series is None else (forecast(series, learned_at_ms(now_ms)),)


def _promised(city: Inventory) -> dict[int, tuple[str, ...]]:
    """What each truck announced to be still on its route, the container it is at included."""
    rows = Device.objects.filter(asset__in=[row.pk for row in city.trucks], retired_at=None)
    routes = {pk: said.get("route") or {} for pk, said in rows.values_list("asset_id", "announced")}
    return {
        pk: tuple(uid for uid in (route.get("next", ""), *route.get("left", ())) if uid) for pk, route in routes.items()
    }


def _truck(row: TruckRow, latest: Latest, now_ms: int, promised: tuple[str, ...] = ()) -> Lorry:
    def value(metric: str) -> float | None:
        found = latest.get(row.series.get(metric, 0))
        return found.value if found and found.is_usable and now_ms - found.at_ms < FRESH_TRUCK_MS else None

    state, load = value("waste.truck_state"), value("waste.load")
    return Lorry(
        uid=row.uid,
        state=None if state is None or load is None else TRUCK_STATES[round(state)],
        load_kg=load or 0.0,
        stops_left=round(value("waste.stops_left") or 0.0),
        capacity_kg=row.capacity_kg,
        shift=row.shift,
        depot=row.node,
        promised=promised,
    )


def worth(from_ms: int, to_ms: int) -> list[Worth]:
    """The hours in which trucks were heard beside the fixed rota on the same inflow; eight days of lead-up included.

    Containers without a rota or a weight have nothing to be compared with.
    """
    city = inventory()
    if not city.trucks or not city.sites:
        return []
    times, fills = levels(city, from_ms - LEAD_UP_DAYS * DAY_MS, to_ms)
    known = [i for i, row in enumerate(city.bins) if row.every_days and row.kg_full is not None]
    heard = [i for i in known if fills.size and not np.isnan(fills[i]).all()]
    km, since_ms = _km(city, from_ms, to_ms)
    if not heard or not np.any(times >= since_ms):
        return []
    bins, fillings = [city.bins[i] for i in heard], learned(city, to_ms)
    hour, _, day = inflow.local(times + HOUR_MS // 2, time_zone.city())
    past = kpis.Past(
        uids=tuple(row.uid for row in bins),
        level=fills[heard],
        rate=np.array([found.mean / 24 if (found := fillings.get(row.uid)) else 0.5 for row in bins]),
        kg_full=np.array([row.kg_full for row in bins], np.float64),
        every_days=np.array([row.every_days for row in bins]),
        phase=np.array([row.phase for row in bins]),
        hour=hour.astype(int),
        day=day,
        counted=times >= since_ms,
        km=km,
    )
    fleet = kpis.Fleet(
        city.seconds,
        city.metres,
        np.array([row.node for row in bins]),
        (city.trucks[0].node, city.sites[0].node),
        len(city.trucks),
        city.trucks[0].capacity_kg,
    )
    evidence = Evidence.SIMULATED if clock.is_simulation else Evidence.MEASURED
    return kpis.worth(past, fleet, (since_ms, to_ms), evidence)


def _km(city: Inventory, from_ms: int, to_ms: int) -> tuple[float, int]:
    """What the odometers grew, and since when in the span a truck was heard (`to_ms` when none was).

    A new odometer (smaller than before) counts from zero.
    """
    ids = [row.series["waste.odometer"] for row in city.trucks if "waste.odometer" in row.series]
    times, grid = read.grid(ids, "1h", from_ms - HOUR_MS, to_ms, "last")
    heard = times[~np.isnan(grid).all(axis=0)] if grid.size else times[:0]
    since = max(from_ms, int(heard[0])) if len(heard) else to_ms
    return sum(_grown(line) for line in grid), since


def _grown(line: NDArray[np.float64]) -> float:
    known = line[~np.isnan(line)]
    by = np.diff(known)
    return float(np.where(by < 0, known[1:], by).sum())


def headline(now_ms: int) -> Headline:
    """Mean fill level now and over 24 h, how many are full, how many trucks are out; two queries."""
    city = inventory()
    latest = read.latest(city.speaking)
    found = [known[0] for row in city.bins if (known := level_now(row, latest))]
    states = [_truck(row, latest, now_ms).state for row in city.trucks]
    out = sum(state in TRUCK_STATES[2:] for state in states)
    _, fills = levels(city, now_ms - DAY_MS, now_ms)
    spark = tuple(round(float(value), 1) for value in _mean(fills) if not np.isnan(value))
    full = sum(value >= SATURATED for value in found)
    line = f"{full} of {len(found)} full · {out} of {len(states)} trucks out" if found else "no containers yet"
    return Headline(
        title="fill level",
        value=round(sum(found) / len(found), 1) if found else None,
        unit="%",
        normal=_usual(city.number, level_series(city), now_ms // HOUR_MS),
        floor=0,
        ceiling=100,
        spark=spark,
        line=line,
    )


def _mean(fills: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean level of the containers heard in each hour, NaN where none was."""
    heard = np.sum(~np.isnan(fills), axis=0)
    return np.where(heard > 0, np.nansum(fills, axis=0) / np.maximum(1, heard), np.nan)


@lru_cache(maxsize=1)
def _usual(number: int, series: tuple[int, ...], hour: int) -> Normal | None:
    city = inventory()
    return normal.of_hour(series, hour * HOUR_MS, lambda grid: _mean(filled(city, grid)), column="last")


LOOPS = (
    Loop(
        name="waste",
        domain="waste",
        title="Collection routes",
        every_s=600,
        most_per_min=2.0,
        gather=gather,
        decide=decide,
        policy=Policy(),
        words={Mode.LOCAL: "Fixed rota", Mode.ADVISE: "Advise", Mode.AUTO: "Planned routes"},
        watches=("waste.fill_level", "waste.distance", "waste.truck_state"),
        local_means="the fixed rota",
        extra={"kinds": ("truck",), "noun": {"truck": "collection trucks"}},
    ),
)
