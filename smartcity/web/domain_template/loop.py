# SPDX-License-Identifier: Apache-2.0
"""The only place where this domain reads the database."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from smartcity.devices.models import Series
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Loop, Mode
from smartcity.kernel.worth import Evidence, Headline, Worth
from smartcity.telemetry import read

from . import kpis
from .controller import Picture, Policy, Soil, decide
from .models import Bed

FRESH_MS = 30 * 60_000
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Row:
    """A bed with the series its device fills, by metric."""

    bed: Bed
    series: dict[str, int]


def inventory() -> list[Row]:
    """Beds that are measured; two queries."""
    series: dict[int, dict[str, int]] = defaultdict(dict)
    found = Series.objects.filter(device__asset__domain="newdomain", device__retired_at=None)
    for pk, asset, metric in found.values_list("pk", "device__asset_id", "metric"):
        series[asset][metric] = pk
    return [Row(bed, series[bed.pk]) for bed in Bed.objects.filter(missing_since=None) if len(series[bed.pk]) == 2]


def gather(now_ms: int) -> Picture:
    rows = inventory()
    latest = read.latest(row.series["newdomain.moisture"] for row in rows)
    return Picture(tuple(_soil(row, latest.get(row.series["newdomain.moisture"]), now_ms) for row in rows))


def _soil(row: Row, value: read.Value | None, now_ms: int) -> Soil:
    is_fresh = value is not None and value.is_usable and now_ms - value.at_ms < FRESH_MS
    moisture = value.value if value is not None and is_fresh else None
    basis = (f"series:{row.series['newdomain.moisture']}",)
    return Soil(row.bed.uid, row.bed.name, moisture, row.bed.flow_l_min, basis)


def worth(from_ms: int, to_ms: int) -> list[Worth]:
    rows = inventory()
    if not rows:
        return []
    _, flow = read.grid([row.series["newdomain.flow"] for row in rows], "15m", from_ms, to_ms)
    evidence = Evidence.SIMULATED if clock.is_simulation else Evidence.MEASURED
    return kpis.worth(flow, np.array([row.bed.flow_l_min for row in rows]), from_ms, to_ms, evidence)


def headline(now_ms: int) -> Headline:
    """Mean soil moisture now, and its course over 24 h."""
    rows = inventory()
    ids = [row.series["newdomain.moisture"] for row in rows]
    values = [value.value for value in read.latest(ids).values()]
    _, grid = read.grid(ids, "1h", now_ms - DAY_MS, now_ms)
    heard = grid[:, ~np.isnan(grid).all(axis=0)] if grid.size else grid
    return Headline(
        title="soil moisture",
        value=sum(values) / len(values) if values else None,
        unit="%",
        floor=0,
        ceiling=60,
        spark=tuple(round(float(value), 1) for value in np.nanmean(heard, axis=0)) if heard.size else (),
        line=f"{sum(value < Policy().dry for value in values)} of {len(rows)} beds dry",
    )


LOOPS = (
    Loop(
        name="newdomain",
        domain="newdomain",
        title="Watering by need",
        every_s=300,
        gather=gather,
        decide=decide,
        policy=Policy(),
        words={Mode.LOCAL: "Programme", Mode.ADVISE: "Advise", Mode.AUTO: "By need"},
        watches=("newdomain.moisture",),
        local_means="their own programme",
        extra={"kinds": ("bed",), "noun": {"bed": "beds"}},
    ),
)
