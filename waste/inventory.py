# SPDX-License-Identifier: Apache-2.0
"""What the city has for its waste, read once an import: containers, trucks, sites, the roads between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from smartcity.devices.models import Asset, CityImport, EngineeringRecord, Road, Series, TurnRestriction
from smartcity.kernel.clock import clock
from smartcity.kernel.imports import Turn
from smartcity.telemetry import read
from waste.cycles import learn_all
from waste.filling import Filling
from waste.models import Container, Truck, UnloadSite
from waste.roads import Piece, Place, Roads

Array = NDArray[np.float64]
TEN_MINUTES_MS, SIX_HOURS_MS, DAY_MS = 600_000, 6 * 3_600_000, 86_400_000
LEARNED_DAYS = 28
EMPTYING_S, TIPPING_S = 90.0, 900.0  # how long a call is taken to last where nobody has said it


@dataclass(frozen=True, slots=True)
class BinRow:
    """A container with its geometry, its fixed rota and the series it fills.

    What nobody has said is missing: `kg_full` is None, `geometry` lacks the name, `every_days` is 0 on no rota.
    """

    uid: str
    node: int
    off_m: float
    kg_full: float | None
    service_s: float
    access: tuple[float, float]
    every_days: int
    phase: int
    geometry: Mapping[str, float]
    series: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TruckRow:
    """A truck, the node of its depot, its signed capacity and shift."""

    pk: int
    uid: str
    node: int
    capacity_kg: float
    shift: tuple[float, float]
    series: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SiteRow:
    uid: str
    node: int
    service_s: float
    hours: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Inventory:
    """Rows and the matrices over their nodes, seconds and metres by road."""

    number: int
    bins: tuple[BinRow, ...]
    trucks: tuple[TruckRow, ...]
    sites: tuple[SiteRow, ...]
    seconds: Array
    metres: Array

    @property
    def speaking(self) -> list[int]:
        """The series of every container and truck."""
        return [pk for row in self._series() for pk in row.values()]

    def _series(self) -> list[Mapping[str, int]]:
        return [*(row.series for row in self.bins), *(row.series for row in self.trucks)]


def inventory() -> Inventory:
    """Seven queries, kept until the next import or ten minutes; the roads until the next import."""
    newest = CityImport.objects.order_by("-pk").values_list("pk", flat=True).first()
    return _inventory(newest or 0, clock.now_ms() // TEN_MINUTES_MS)


@lru_cache(maxsize=1)
def _inventory(number: int, ten_minutes: int) -> Inventory:
    containers = list(Container.objects.filter(missing_since=None).order_by("uid"))
    trucks = list(Truck.objects.filter(missing_since=None).order_by("uid"))
    sites = list(UnloadSite.objects.filter(missing_since=None).order_by("uid"))
    points = tuple((asset.geom.centroid.x, asset.geom.centroid.y) for asset in (*containers, *trucks, *sites))
    places, seconds, metres = _between(number, points)
    series: dict[int, dict[str, int]] = defaultdict(dict)
    rows = Series.objects.filter(metric__startswith="waste.", device__retired_at=None)
    for pk, asset, metric in rows.values_list("pk", "device__asset_id", "metric"):
        series[asset][metric] = pk
    records = EngineeringRecord.objects.filter(is_current=True, asset__domain="waste").values_list("asset_id", "data")
    signed = dict(records)
    first_truck, first_site = len(containers), len(containers) + len(trucks)
    return Inventory(
        number,
        tuple(_bin(c, i, places, signed.get(c.pk, {}), series[c.pk]) for i, c in enumerate(containers)),
        tuple(_truck(t, first_truck + i, signed.get(t.pk, {}), series[t.pk]) for i, t in enumerate(trucks)),
        tuple(row for i, s in enumerate(sites) if (row := _site(s, first_site + i, signed.get(s.pk, {})))),
        seconds,
        metres,
    )


def _bin(
    asset: Container, node: int, places: tuple[Place, ...], data: Mapping[str, object], own: Mapping[str, int]
) -> BinRow:
    geometry = {name: _number(name, asset, data) for name in ("empty_mm", "full_mm")}
    return BinRow(
        uid=asset.uid,
        node=node,
        off_m=places[node].off_m if places else 0.0,
        kg_full=_number("kg_full", asset, data),
        service_s=_number("service_s", asset, data) or EMPTYING_S,
        access=(_number("access_from", asset, data) or 0.0, _number("access_to", asset, data) or 24.0),
        every_days=int(_number("rota_every_days", asset, data) or 0),
        phase=int(_number("rota_phase", asset, data) or 0),
        geometry={name: value for name, value in geometry.items() if value is not None},
        series=own,
    )


def _number(name: str, asset: Asset, data: Mapping[str, object]) -> float | None:
    """What the engineering data say, else the column; None where neither knows."""
    value = data.get(name)
    if not isinstance(value, int | float):
        value = getattr(asset, name)
    return None if value is None else float(value)


def _site(asset: UnloadSite, node: int, data: Mapping[str, object]) -> SiteRow | None:
    """None where the opening hours are not known: no truck is sent to a closed gate."""
    begins, ends = _number("open_from", asset, data), _number("open_to", asset, data)
    if begins is None or ends is None:
        return None
    return SiteRow(asset.uid, node, _number("service_s", asset, data) or TIPPING_S, (begins, ends))


def _truck(asset: Truck, node: int, data: Mapping[str, object], own: Mapping[str, int]) -> TruckRow:
    def number(name: str) -> float:
        return _number(name, asset, data) or 0.0

    return TruckRow(asset.pk, asset.uid, node, number("capacity_kg"), (number("shift_from"), number("shift_to")), own)


@lru_cache(maxsize=1)
def _roads(number: int) -> Roads | None:
    """The current network, or None in a city without roads."""
    rows = Road.current.filter(drivable=True).values_list("way", "tail", "head", "geom", "length_m", "speed_ms", "name")
    pieces = [
        Piece(way, tail, head, tuple((x, y) for x, y in geom.coords), length, speed, name)
        for way, tail, head, geom, length, speed, name in rows
    ]
    turns = [Turn(*row) for row in TurnRestriction.current.values_list("from_way", "via_node", "to_way")]
    return Roads(pieces, turns) if pieces else None


@lru_cache(maxsize=2)
def _between(number: int, points: tuple[tuple[float, float], ...]) -> tuple[tuple[Place, ...], Array, Array]:
    roads = _roads(number) if points else None
    if roads is None:
        nowhere = np.full((len(points), len(points)), np.inf)
        return (), nowhere, nowhere
    places = tuple(roads.snap(point) for point in points)
    return places, *roads.matrix(places)


def levels(city: Inventory, from_ms: int, to_ms: int) -> tuple[NDArray[np.int64], Array]:
    """Hour starts, and the level in % at the end of each hour, a row per container; one query."""
    ids = level_series(city)
    times, grid = read.grid(ids, "1h", from_ms, to_ms, "last")
    return times, filled(city, grid) if grid.size else np.zeros((len(ids), 0))


def level_series(city: Inventory) -> tuple[int, ...]:
    """The series each container's level is read from, 0 where it has none."""
    return tuple(row.series.get("waste.fill_level") or row.series.get("waste.distance") or 0 for row in city.bins)


def filled(city: Inventory, grid: Array) -> Array:
    """Levels in %, a row per container, from what those series measured: a level or the way to an echo."""
    fills = np.array(grid)
    for i, row in enumerate(city.bins):
        if "waste.fill_level" not in row.series:
            empty, full = row.geometry.get("empty_mm", np.nan), row.geometry.get("full_mm", np.nan)
            fills[i] = np.clip(100 * (empty - fills[i]) / np.maximum(1.0, empty - full), 0, 100)
    return fills


def learned(city: Inventory, now_ms: int) -> dict[str, Filling]:
    """How each container fills, from its last four weeks; learned anew every six hours."""
    return _learned(city.number, len(city.bins), now_ms // SIX_HOURS_MS)


def learned_at_ms(now_ms: int) -> int:
    """Up to when the readings go that `learned` rests on."""
    return now_ms // SIX_HOURS_MS * SIX_HOURS_MS


@lru_cache(maxsize=2)
def _learned(number: int, count: int, six_hours: int) -> dict[str, Filling]:
    city, now_ms = inventory(), six_hours * SIX_HOURS_MS
    _, fills = levels(city, now_ms - LEARNED_DAYS * DAY_MS, now_ms)
    found = learn_all(list(fills)) if fills.size else []
    return {row.uid: filling for row, filling in zip(city.bins, found, strict=False) if filling is not None}
