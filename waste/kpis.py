# SPDX-License-Identifier: Apache-2.0
"""What planned collection is worth: km, visits and overflow hours beside the fixed rota on the same waste."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartcity.kernel.worth import Evidence, Kpi, Worth
from waste import rota
from waste.filling import DROP, SATURATED
from waste.level import FULL

Array = NDArray[np.float64]
ROTA_FROM, ROTA_TO = 7, 13  # local hours over which the rota's day is spread
ROTA_HOUR = 10
ROTA = "fixed rota, same waste"
KPIS = (
    Kpi(name="distance", title="Driven", unit="km", baseline=ROTA),
    Kpi(name="visits", title="Emptyings", unit="1", baseline=ROTA),
    Kpi(name="overflow_hours", title="Overflow", unit="container-h", baseline=ROTA),
)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Matrices over nodes; node of each container [n], of depot and unload site; trucks and their capacity in kg."""

    seconds: Array
    metres: Array
    node: NDArray[np.int64]
    ends: tuple[int, int]
    trucks: int
    capacity_kg: float


@dataclass(frozen=True, slots=True)
class Past:
    """Hours [h] of containers [n]: levels in % at the end of each hour (NaN where silent), local hour and local day.

    `rate` is the % an hour that stands in where the sensor was saturated; `counted` marks the hours of the span, the
    others lead up to it. `km` is what the trucks drove within the span.
    """

    uids: tuple[str, ...]
    level: Array
    rate: Array
    kg_full: Array
    every_days: NDArray[np.int64]
    phase: NDArray[np.int64]
    hour: NDArray[np.int64]
    day: NDArray[np.int64]
    counted: NDArray[np.bool_]
    km: float


def held(level: Array) -> Array:
    """The last known level in each hour; NaN before the first."""
    known = ~np.isnan(level)
    last = np.maximum.accumulate(np.where(known, np.arange(level.shape[1]), -1), axis=1)
    rows = np.arange(len(level))[:, None]
    return np.where(last >= 0, level[rows, np.maximum(last, 0)], np.nan)


def emptied(level: Array) -> NDArray[np.bool_]:
    """Hours in which a container was emptied."""
    steps = np.diff(held(level), axis=1, prepend=np.nan)
    return np.asarray(steps <= -DROP)


def inflow(level: Array, rate: Array) -> Array:
    """% that came in each hour: growth as measured, the mean where the sensor was full or just emptied."""
    known = held(level)
    steps = np.diff(known, axis=1, prepend=np.nan)
    unknown = np.isnan(steps) | (steps <= -DROP) | (known >= SATURATED)
    return np.where(unknown, rate[:, None], np.maximum(steps, 0.0))


def replay(past: Past) -> tuple[Array, NDArray[np.bool_]]:
    """(level, visited) of each hour had the rota called, from the level measured first."""
    come = inflow(past.level, past.rate)
    first = np.nan_to_num(held(past.level)[:, 0]) if past.level.shape[1] else np.zeros(len(past.level))
    due = (past.day[None, :] + past.phase[:, None]) % past.every_days[:, None] == 0
    visited = due & (past.hour[None, :] == ROTA_HOUR)
    total = first[:, None] + np.cumsum(come, axis=1)
    last = np.maximum.accumulate(np.where(visited, np.arange(total.shape[1]), -1), axis=1)
    rows = np.arange(len(total))[:, None]
    level = np.where(last >= 0, total - total[rows, np.maximum(last, 0)], total)
    return level, visited


def rota_km(past: Past, fleet: Fleet, level_before: Array) -> float:
    """Kilometres of the rota within the counted hours; a day's tour is spread evenly over its hours."""
    share = 1.0 / (ROTA_TO - ROTA_FROM)
    counted = past.counted & (past.hour >= ROTA_FROM) & (past.hour < ROTA_TO)
    total = 0.0
    for day in np.unique(past.day[counted]):
        called = np.flatnonzero((day + past.phase) % past.every_days == 0)
        at = int(np.flatnonzero(past.day == day)[0])
        for truck in range(fleet.trucks):
            mine = [i for i in called if rota.driver(past.uids[i], fleet.trucks) == truck]
            calls = {int(fleet.node[i]): float(past.kg_full[i] * min(level_before[i, at], FULL) / FULL) for i in mine}
            length = rota.tour_m(fleet.seconds, fleet.metres, fleet.ends, calls, fleet.capacity_kg)
            total += length / 1000 * share * float(np.sum(counted & (past.day == day)))
    return total


def worth(past: Past, fleet: Fleet, span: tuple[int, int], evidence: Evidence) -> list[Worth]:
    """The three figures of the counted hours, each beside the rota's on the same inflow."""
    level, visited = replay(past)
    now = past.counted[None, :]
    figures = (
        ("distance", past.km, rota_km(past, fleet, level)),
        ("visits", float(np.sum(emptied(past.level) & now)), float(np.sum(visited & now))),
        ("overflow_hours", float(np.sum((held(past.level) >= SATURATED) & now)), float(np.sum((level >= FULL) & now))),
    )
    return [
        Worth(
            kpi=name, value=value, baseline=baseline, baseline_name="fixed rota", from_ms=span[0], to_ms=span[1],
            evidence=evidence, note="containers with a working sensor",
        )
        for name, value, baseline in figures
    ]  # fmt: skip
