# SPDX-License-Identifier: Apache-2.0
"""Forecasts of real city series: each method, the engine, Prophet and statsmodels side by side; bands, speed, M4."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np

from benchmarks import report
from benchmarks.forecasting import cases, columns, record, sets, weather
from benchmarks.forecasting.cases import LEVELS, Batch
from benchmarks.forecasting.columns import Column, Scores
from smartcity.forecasting.methods import METHODS, NAIVE
from smartcity.forecasting.series import Panel
from smartcity.kernel.forecasts import Target, Tier

DATA = Path(os.environ.get("SMARTCITY_FORECAST_DATA", Path(__file__).resolve().parents[3] / "shared/data/forecasting"))
STEPS = {"H": 3600, "30min": 1800, "15min": 900, "D": 86_400}
LIGHT = [name for name, method in METHODS.items() if method.tier is Tier.LIGHT and name != NAIVE]
HEAVY = [name for name, method in METHODS.items() if method.tier is Tier.HEAVY]
ENGINE = "engine"


def main() -> None:
    asked = _asked()
    told = report.Report("forecasting")
    horizons = sorted({int(part) for part in asked.horizon.split(",")})
    if asked.data.is_file():
        target = _target(asked.freq, horizons[-1])
        samples = sets.own(asked.data, name=asked.id, time=asked.time, value=asked.value, step_s=target.step_s)
        _side_by_side(told, "own", cases.rolling(samples, target, asked.origins, every=asked.every), horizons, asked)
    elif asked.data.is_dir():
        target = _target("H", horizons[-1])
        batches = cases.rolling(sets.city(asked.data), target, asked.origins, every=asked.every)
        _side_by_side(told, "city", batches, horizons, asked, goals=horizons == [24, 168])
        _record(told, asked)
        _m4(told, asked)
        _weather(told, asked)
    else:
        raise SystemExit(f"There is nothing at {asked.data}; point --data or SMARTCITY_FORECAST_DATA at the series.")
    _speed(told)
    told.finish(as_json=asked.json)


def _asked() -> argparse.Namespace:
    parser = report.options(__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the public series, or a Parquet or CSV file")
    parser.add_argument("--id", default="", help="column of the file that names the series")
    parser.add_argument("--time", default="time", help="column with the instants")
    parser.add_argument("--value", default="value", help="column with the values")
    parser.add_argument("--freq", default="H", choices=STEPS, help="step of the series")
    parser.add_argument("--horizon", default="24,168", help="steps ahead that are scored; the longest is foreseen")
    parser.add_argument("--origins", type=int, default=6)
    parser.add_argument("--every", type=int, default=1, help="use every n-th series")
    parser.add_argument("--heavy-every", type=int, default=8, help="Prophet and statsmodels on every n-th; 0: never")
    return parser.parse_args()


def _target(freq: str, horizon: int) -> Target:
    step = STEPS[freq]
    seasons = (7,) if step == 86_400 else (86_400 // step, 7 * 86_400 // step)
    return Target(metric="bench.value", step_s=step, horizon_steps=horizon, seasons_steps=seasons, levels=LEVELS)


def _side_by_side(
    told: report.Report,
    title: str,
    batches: list[Batch],
    horizons: list[int],
    asked: argparse.Namespace,
    *,
    goals: bool = False,
) -> None:
    """All columns over the same forecasts, in ratio to the naive of the longest season."""
    if not batches:
        raise SystemExit("None of the series is long enough: two of the longest season and a horizon are needed.")
    seasons = sorted(batches[0].target.seasons_steps)
    chosen: dict[str, Column] = {f"naive {season}": columns.naive(season) for season in reversed(seasons)}
    chosen |= {name: columns.single(name) for name in (NAIVE, *LIGHT)} | {ENGINE: columns.whole(Tier.LIGHT)}
    rows = {name: columns.measured(column, batches, horizons) for name, column in chosen.items()}
    _print(f"{title}: {len(rows[ENGINE].names)} forecasts of {len(set(rows[ENGINE].names))} series", rows, horizons)
    short, long = f"MASE{horizons[0]}", f"SQL{horizons[-1]}"
    best, base = rows[ENGINE], next(iter(rows.values()))
    told.add(f"{title}_forecasts", len(best.names))
    told.add(f"{title}_rel_{long}", best.ratio(base, long), at_most=0.64 if goals else None)
    told.add(f"{title}_rel_{short}", best.ratio(base, short), at_most=0.62 if goals else None)
    for share, low in (("c80", 0.78), ("c95", 0.94)):
        told.add(f"{title}_{share}", best.mean(share), at_least=low if goals else None)
        told.add(
            f"{title}_{share}_at_most",
            best.mean(share),
            at_most=low + (0.04 if share == "c80" else 0.02) if goals else None,
        )
    told.add(f"{title}_worst_series_c80", best.worst("c80"))
    worst = max(_beside_naive(rows, seasons, group, short, long) for group in set(best.groups))
    told.add(f"{title}_worst_class_beside_better_naive", worst, at_most=1.0 if goals else None)
    told.add(f"{title}_engine_series_per_cpu_s", len(best.names) / best.cpu_s)
    if asked.heavy_every:
        _heavy(told, title, batches, horizons, asked.heavy_every)


def _beside_naive(rows: dict[str, Scores], seasons: list[int], group: str, short: str, long: str) -> float:
    """Of one class, the engine's worse ratio (error near, loss far) to whichever naive is better there."""
    mine = np.array([one == group for one in rows[ENGINE].groups])
    naives = [rows[f"naive {season}"].of(mine) for season in seasons]
    base = naives[-1]
    return max(
        rows[ENGINE].of(mine).ratio(base, key) / min(one.ratio(base, key) for one in naives) for key in (short, long)
    )


def _heavy(told: report.Report, title: str, batches: list[Batch], horizons: list[int], every: int) -> None:
    """The costly methods on a part, the engine's scores on the same part beside them."""
    part = [one for batch in batches[::3] if (one := _every(batch, every)) is not None]
    chosen = {f"naive {max(batches[0].target.seasons_steps)}": columns.naive(max(batches[0].target.seasons_steps))}
    chosen |= {name: columns.single(name) for name in HEAVY} | {ENGINE: columns.whole(Tier.LIGHT)}
    rows = {name: columns.measured(column, part, horizons) for name, column in chosen.items()}
    _print(f"{title}, the costly ones on {len(rows[ENGINE].names)} of them", rows, horizons)
    base = next(iter(rows.values()))
    for name in (*HEAVY, ENGINE):
        told.add(f"{title}_part_{name}_rel_SQL{horizons[-1]}", rows[name].ratio(base, f"SQL{horizons[-1]}"))
        told.add(f"{title}_part_{name}_series_per_cpu_s", len(rows[name].names) / rows[name].cpu_s)


def _every(batch: Batch, every: int) -> Batch | None:
    rows = range(0, len(batch.names), every)
    return Batch(
        tuple(batch.names[k] for k in rows), batch.group, batch.target, tuple(batch.pasts[k] for k in rows),
        batch.now_ms, batch.truth[list(rows)], batch.scale[list(rows)],
    ) if len(rows) else None  # fmt: skip


def _m4(told: report.Report, asked: argparse.Namespace) -> None:
    """M4 hourly under GIFT-Eval's rules, with the last 48 h of the training set as test."""
    batches = cases.last(list(sets.m4(asked.data, asked.every)), _target("H", 48))
    chosen = {"naive 24": columns.naive(24)} | {name: columns.single(name) for name in LIGHT}
    rows = {name: columns.measured(column, batches, [48]) for name, column in chosen.items()}
    rows[ENGINE] = columns.measured(columns.whole(Tier.LIGHT), batches, [48])
    _print(f"M4 hourly: {len(rows[ENGINE].names)} series, 48 h", rows, [48])
    told.add("m4_mase", rows[ENGINE].mean("MASE48"))
    told.add("m4_mase_beside_naive24", rows[ENGINE].mean("MASE48") / rows["naive 24"].mean("MASE48"), at_most=0.67)
    told.add("m4_wql", _wql(rows[ENGINE]), at_most=0.0235)
    told.add("m4_wql_naive24", _wql(rows["naive 24"]))


def _record(told: report.Report, asked: argparse.Namespace) -> None:
    """Whether bands hold what they say in the long run, for each series: what its owner looks back on."""
    native, kept = record.coverage(asked.data, _target("H", 168))
    print(f"\nA forecast a day, {len(kept)} series, the last thirteen weeks: inside 80 %, 95 %, worst series, mean gap")
    for name, rows in (("without record", native), ("with record", kept)):
        inside, gap = rows[:, 0], np.abs(rows[:, 0] - 0.8).mean()
        print(f"{name:<16}{inside.mean():>10.3f}{rows[:, 1].mean():>10.3f}{inside.min():>10.3f}{gap:>10.3f}")
    told.add("record_c80", float(kept[:, 0].mean()))
    told.add("record_c95", float(kept[:, 1].mean()))
    told.add("record_worst_series_c80", float(kept[:, 0].min()), at_least=0.74)
    told.add("record_worst_series_c80_without", float(native[:, 0].min()))


def _weather(told: report.Report, asked: argparse.Namespace) -> None:
    found = weather.errors(asked.data, replace(_target("H", 168), low=0.0))
    base = found["without"]
    print("\nVictoria's demand and what is known of temperature and holidays: MASE 24 h, MASE 168 h, beside without; "
          "the second half of the windows, which nothing was chosen by, alone")  # fmt: skip
    for name, row in found.items():
        late, late_base = row.held_out, base.held_out
        print(f"{name:<16}{row.near:>10.3f}{row.far:>10.3f}{row.near / base.near:>10.3f}{row.far / base.far:>10.3f}"
              f"{late.near / late_base.near:>14.3f}{late.far / late_base.far:>10.3f}")  # fmt: skip
        told.add(f"weather_{name}_mase24", row.near)
        if name != "without":
            goal = 0.65 if name == "actual" else None
            told.add(f"weather_{name}_mase24_beside_without", row.near / base.near, at_most=goal)
            told.add(f"weather_{name}_mase168_beside_without", row.far / base.far)
            told.add(f"weather_{name}_held_out_mase24_beside_without", late.near / late_base.near)
            told.add(f"weather_{name}_held_out_mase168_beside_without", late.far / late_base.far)


def _wql(row: Scores) -> float:
    """Summed quantile loss over the summed size of what came (GIFT-Eval's mean_weighted_sum_quantile_loss)."""
    return float(np.nansum(row.values["loss"]) / np.nansum(row.values["size"]))


def _speed(told: report.Report, count: int = 2_000) -> None:
    """Series per CPU second: eight weeks of hours in, a week with nine quantiles out, no backtest."""
    rng = np.random.default_rng(1)
    hours = np.arange(8 * 168)
    values = 100 + 40 * np.sin(2 * np.pi * hours / 24) + rng.normal(0, 5, (count, len(hours)))
    batch, target = Panel(0, 3600, values), _target("H", 168)
    for name, at_least in (("closed_form", 20_000.0), ("direct_ridge", None), ("profile", None)):
        began = columns.cpu_s()
        for start in range(0, count, 250):
            part = batch.rows(range(start, start + 250))
            METHODS[name].predict(METHODS[name].fit(part, target), 168, LEVELS[1:-1])
        told.add(f"{name}_series_per_cpu_s", count / (columns.cpu_s() - began), at_least=at_least)


def _print(title: str, rows: dict[str, Scores], horizons: list[int]) -> None:
    base = next(iter(rows.values()))
    shown = [f"MASE{horizons[0]}", f"SQL{horizons[-1]}", "c80", "c95"]
    print(f"\n{title}\n{'':<16}" + "".join(f"{key:>10}" for key in shown) + "".join(
        f"{'rel ' + key:>14}" for key in shown[:2]) + f"{'worst c80':>11}{'CPU ms':>9}")  # fmt: skip
    for name, row in rows.items():
        values = "".join(f"{row.mean(key):>10.3f}" for key in shown)
        ratios = "".join(f"{row.ratio(base, key):>14.3f}" for key in shown[:2])
        print(
            f"{name:<16}{values}{ratios}{row.worst('c80'):>11.2f}{row.cpu_s / len(row.names) * 1000:>9.2f}", flush=True
        )


if __name__ == "__main__":
    main()
