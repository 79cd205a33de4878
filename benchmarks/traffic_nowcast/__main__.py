# SPDX-License-Identifier: Apache-2.0
"""The next hour of a road's flow and speed in steps of five minutes, beside persistence and beside the usual day."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.report import Report, options
from traffic.nowcast import STEPS, nowcast

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "forecasting"
ROAD = "traffic_aarhus_road_158324_5min.parquet"
DAY = 288
PAST = 72  # six hours of today
LEARN_DAYS, EVERY = 14, 6
LEAST_USUAL = 2
Floats = NDArray[np.float64]


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, default=DATA / ROAD)
    args = parser.parse_args()
    if not args.data.exists():
        print(f"{args.data} is not here: one road section of Aarhus, 5 minutes, CityPulse (CC BY 4.0)")
        return 0
    report = Report("traffic_nowcast")
    for column, values in series(args.data).items():
        measure(report, column, values)
    report.finish(as_json=args.json)
    return 0


def series(path: Path) -> dict[str, pd.Series[float]]:
    """Flow (vehicles in 5 minutes) and speed on an even grid; gaps are NaN."""
    table = pd.read_parquet(path)
    table = table.set_index(pd.DatetimeIndex(table["ts"]).round("5min"))
    numbers = table.select_dtypes("number")
    return {
        label: numbers[next(c for c in numbers.columns if word in c.lower())].groupby(level=0).mean().asfreq("5min")
        for label, word in (("flow", "count"), ("speed", "speed"))
    }


def usual_day(values: Floats, at: int, weekdays: NDArray[np.int64]) -> Floats:
    """The mean of the same minutes (and the ten before and after) on past days of the same kind; NaN where unknown."""
    span = np.arange(at - PAST, at + STEPS)
    alike = [back for back in range(1, 29) if (weekdays[at - back * DAY] >= 5) == (weekdays[at] >= 5)] if at else []
    rows = [
        values[span - back * DAY + shift]
        for back in alike
        for shift in (-2, -1, 0, 1, 2)
        if (span - back * DAY + shift).min() >= 0
    ]
    if not rows:
        return np.full(len(span), np.nan)
    known = np.array(rows)
    enough = (~np.isnan(known)).sum(axis=0) >= LEAST_USUAL * 5
    total = np.nansum(known, axis=0) / np.maximum(1, (~np.isnan(known)).sum(axis=0))
    return np.where(enough, total, np.nan)


def measure(report: Report, name: str, given: pd.Series[float]) -> None:
    values = np.asarray(given.to_numpy(), np.float64)
    weekdays = np.asarray(pd.DatetimeIndex(given.index).dayofweek, np.int64)
    ours, stays, usually, inside = [], [], [], []
    for at in range(LEARN_DAYS * DAY, len(values) - STEPS, EVERY):
        usual = usual_day(values, at, weekdays)
        came, last = values[at : at + STEPS], values[at - 3 : at]
        if np.isnan(last).all() or np.isnan(came).all():
            continue
        found = nowcast(values[at - PAST : at], usual)
        if found is None:
            continue
        ours.append(np.abs(came - found.values))
        stays.append(np.abs(came - np.nanmean(last)))
        usually.append(np.abs(came - usual[PAST:]))
        held = (came >= found.low) & (came <= found.high)
        inside.append(np.where(np.isnan(came) | np.isnan(found.low), np.nan, held))
    report.add(f"{name}_origins", float(len(ours)))
    tables = {"nowcast": ours, "persistence": stays, "usual_day": usually}
    means = {method: np.nanmean(np.array(rows), axis=0) for method, rows in tables.items()}
    for step in (1, 3, 6, 12):
        for method, mae in means.items():
            report.add(f"{name}_{method}_mae_{5 * step}min", float(mae[step - 1]))
    for other in ("persistence", "usual_day"):
        report.add(f"{name}_mae_to_{other}", float(means["nowcast"].mean() / means[other].mean()), at_most=1.0)
    report.add(f"{name}_band_80_held", float(np.nanmean(np.array(inside))), at_least=0.75)


if __name__ == "__main__":
    sys.exit(main())
