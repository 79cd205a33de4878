# SPDX-License-Identifier: Apache-2.0
"""The only place where traffic reads the database: the picture, the headline, the worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from django.db.models import Count, Max
from numpy.typing import NDArray

from smartcity.devices.models import Device, Series
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Loop, Mode
from smartcity.kernel.worth import Evidence, Headline, Normal, Worth
from smartcity.telemetry import normal, read
from traffic import kpis
from traffic.controller import Policy, decide
from traffic.picture import Junction, Seen, Town, see
from traffic.plans import is_same

SEEN = (
    "traffic.flow",
    "traffic.queue",
    "traffic.occupancy",
    "traffic.stage",
    "traffic.green_s",
    "traffic.status",
    "traffic.door",
    "traffic.mains",
    "traffic.longest_red_s",
    "traffic.waiting_stage",
)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Inventory:
    """Intersections with what their devices announced, names of all traffic assets, and series by (uid, metric)."""

    announced: Mapping[str, Mapping[str, Any]]
    names: Mapping[str, str]
    series: Mapping[tuple[str, str], int]

    def of(self, metric: str, *, signals_only: bool = True) -> dict[str, int]:
        """Asset uid → series of one metric."""
        found = {uid: pk for (uid, name), pk in self.series.items() if name == metric}
        return {uid: pk for uid, pk in found.items() if uid in self.announced} if signals_only else found


def inventory() -> Inventory:
    """One query while nothing is announced anew, three when something is."""
    signals = Device.objects.filter(asset__domain="traffic", asset__kind="intersection", retired_at=None)
    state = signals.aggregate(newest=Max("announced_at"), last=Max("pk"), many=Count("pk"))
    return _inventory(tuple(state.values()))


@lru_cache(maxsize=1)
def _inventory(state: tuple[Any, ...]) -> Inventory:
    del state
    devices = Device.objects.filter(asset__domain="traffic", asset__missing_since=None, retired_at=None)
    rows = list(devices.values_list("asset__uid", "asset__name", "asset__kind", "announced"))
    series = Series.objects.filter(device__in=devices).values_list("device__asset__uid", "metric", "pk")
    return Inventory(
        announced={uid: announced or {} for uid, _, kind, announced in rows if kind == "intersection"},
        names={uid: name for uid, name, _, _ in rows},
        series={(uid, metric): pk for uid, metric, pk in series},
    )


def gather(now_ms: int) -> Town:
    """Every junction that can be decided for: two queries."""
    stock = inventory()
    wanted = {key: pk for key, pk in stock.series.items() if key[1] in SEEN}
    latest = read.latest(wanted.values())
    by_asset: dict[str, dict[str, Seen]] = defaultdict(dict)
    for (uid, metric), pk in wanted.items():
        value = latest.get(pk)
        if value is not None and value.is_usable:
            by_asset[uid][metric] = Seen(value.value, value.at_ms)
    junctions, alone = [], []
    for uid, announced in sorted(stock.announced.items()):
        found = see(uid, announced, stock.names, _readings(uid, announced, by_asset), now_ms)
        if isinstance(found, Junction):
            junctions.append(found)
        else:
            alone.append((uid, found))
    return Town(now_ms // 1000, tuple(junctions), tuple(alone))


def _readings(
    uid: str, announced: Mapping[str, Any], by_asset: Mapping[str, Mapping[str, Seen]]
) -> dict[tuple[str, str], Seen]:
    """Readings of a junction, its approaches, and the approaches beyond them."""
    approaches = announced.get("approaches", {})
    beyond = {after for data in approaches.values() for after in data.get("downstream", ())}
    near = {uid, *approaches, *beyond}
    return {(asset, metric): seen for asset in near for metric, seen in by_asset.get(asset, {}).items()}


def worth(from_ms: int, to_ms: int) -> list[Worth]:
    """What the span cost vehicles, trams and people on foot beside the fixed plan, where a twin ran it alongside."""
    evidence = Evidence.SIMULATED if clock.is_simulation else Evidence.MEASURED
    stock = inventory()
    uids = sorted(stock.of("traffic.flow"))
    wanted = {kpi.name: (kpi.metric, kpi.baseline_metric, kpi.weight_metric) for kpi in kpis.COMPARED}
    names = sorted({name for row in wanted.values() for name in row})
    ids = [stock.series.get((uid, name), 0) for name in names for uid in uids]
    buckets, grid = read.grid([pk or -1 for pk in ids], "15m", from_ms, to_ms)
    if not len(buckets) or not uids:
        return []
    by_name = dict(zip(names, grid.reshape(len(names), len(uids), len(buckets)), strict=True))
    found = [kpis.compare(kpi, by_name, from_ms, to_ms, evidence) for kpi in kpis.COMPARED]
    return [one for one in found if one is not None]


def headline(now_ms: int) -> Headline:
    """Mean control delay of all vehicles now, its course over 24 h, and what that means."""
    stock = inventory()
    delays, flows = stock.of("traffic.control_delay"), stock.of("traffic.flow")
    sources = stock.of("traffic.control_source")
    latest = read.latest([*delays.values(), *flows.values(), *sources.values()])
    uids = [uid for uid in delays if delays[uid] in latest and flows.get(uid) in latest]
    now = kpis.weighted_mean(
        np.array([latest[delays[uid]].value for uid in uids]), np.array([latest[flows[uid]].value for uid in uids])
    )
    both = tuple(pk for uid in delays for pk in (delays[uid], flows.get(uid, -1)))
    _, grid = read.grid(both, "1h", *_day(now_ms))
    spark = tuple(round(float(value), 1) for value in _course(grid) if not np.isnan(value))
    by_centre = sum(1 for pk in sources.values() if pk in latest and round(latest[pk].value) == 1)
    return Headline(
        title="control delay",
        value=None if now is None else round(now, 1),
        unit="s/veh",
        normal=_usual(both, now_ms // HOUR_MS),
        floor=0,
        ceiling=60,
        spark=spark,
        line=_line(by_centre, len(sources), sum(latest[flows[uid]].value for uid in uids)),
        digits=1,
    )


def _course(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean delay of all vehicles per hour; rows are delay and flow of each junction in turn."""
    means = (kpis.weighted_mean(hour[0::2], hour[1::2]) for hour in grid.T)
    return np.array([np.nan if mean is None else mean for mean in means])


@lru_cache(maxsize=1)
def _usual(series: tuple[int, ...], hour: int) -> Normal | None:
    return normal.of_hour(series, hour * HOUR_MS, _course)


def _day(now_ms: int) -> tuple[int, int]:
    return now_ms - DAY_MS, now_ms


def _line(by_centre: int, junctions: int, flow: float) -> str:
    if not junctions:
        return "no signals yet"
    return f"{by_centre} of {junctions} adaptive · {flow:,.0f} veh/h"


LOOPS = (
    Loop(
        name="traffic",
        domain="traffic",
        title="Adaptive signals",
        every_s=5,
        gather=gather,
        decide=decide,
        policy=Policy(),
        words={Mode.LOCAL: "Fixed plan", Mode.ADVISE: "Advise", Mode.AUTO: "Adaptive"},
        watches=("traffic.queue", "traffic.stage"),
        fast=True,
        lease_s=900.0,
        most_per_min=12.0,
        local_means="their fixed plan",
        extra={"kinds": ("intersection",), "noun": {"intersection": "junctions"}, "is_same": is_same},
    ),
)
