# SPDX-License-Identifier: Apache-2.0
"""Forecast methods side by side on real city series: error, band and CPU seconds."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np

from benchmarks.forecasting_basic import sets
from smartcity.forecasting import engine, quantiles, scores
from smartcity.forecasting.backtest import attempt
from smartcity.forecasting.clean import clean
from smartcity.forecasting.methods import METHODS, NAIVE, suited
from smartcity.forecasting.series import Array, History, panel
from smartcity.kernel.forecasts import Target, Tier

HOUR_MS = 3_600_000
WEEK = 168
LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
TARGET = Target(metric="bench.value", step_s=3600, horizon_steps=WEEK, seasons_steps=(24, WEEK), low=0.0, levels=LEVELS)
DATA = Path(os.environ.get("SMARTCITY_FORECAST_DATA", Path(__file__).resolve().parents[3] / "shared/data/forecasting"))


@dataclass(frozen=True, slots=True)
class Case:
    """One series seen from one origin: what was known, what came, and the MASE scale of the past."""

    name: str
    target: Target
    past: History
    now_ms: int
    truth: Array
    scale: float


def cpu_s() -> float:
    """CPU seconds of this process and of the children it has waited for (Prophet's Stan runs in one)."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def cases(samples: Sequence[sets.Sample], origins: int) -> list[Case]:
    """The last `origins` weeks of each series, at most eight weeks of history before each."""
    found = []
    for sample in samples:
        values, start = sample.history.values, sample.history.start_ms
        for back in range(origins, 0, -1):
            cut = len(values) - back * WEEK
            past, truth = values[max(cut - 8 * WEEK, 0) : cut], values[cut : cut + WEEK]
            if cut < 2 * WEEK or np.isfinite(truth).sum() < WEEK // 2 or np.isfinite(past).sum() < 2 * WEEK:
                continue
            scale = float(scores.seasonal_scale(past[None], 24)[0])
            if scale > 0:
                history = History(start + (cut - len(past)) * HOUR_MS, 3600, past)
                target = replace(TARGET, low=sample.low)
                found.append(Case(sample.name, target, history, start + cut * HOUR_MS, truth, scale))
    return found


def by_method(name: str, case: Case) -> Array:
    known, _ = clean(panel([case.past], now_ms=case.now_ms, steps=len(case.past.values)), case.target)
    band = attempt(METHODS[name], known, case.target, LEVELS)[0]
    return quantiles.orderly(band, case.target.low, case.target.high)


def by_engine(tier: Tier, case: Case) -> Array:
    return engine.forecast(case.past, case.target, suited(tier), case.now_ms).values


def measure(column: str, chosen: Sequence[Case]) -> dict[str, Array | float]:
    """Scores `[cases]` of one method ('engine light', 'engine heavy' for the whole engine) and its CPU seconds."""
    began = cpu_s()
    bands = [
        by_engine(Tier(column.split()[1]), case) if column.startswith("engine") else by_method(column, case)
        for case in chosen
    ]
    spent = cpu_s() - began
    out: dict[str, Array | float] = {"cpu_s": spent / len(chosen)}
    for hours in (24, WEEK):
        each = [(band[:, :hours], case.truth[:hours], case.scale) for band, case in zip(bands, chosen, strict=True)]
        out[f"MASE{hours}"] = np.array([scores.absolute_error(b, LEVELS, t) / s for b, t, s in each])
        out[f"SQL{hours}"] = np.array([scores.quantile_loss(b, LEVELS, t) / s for b, t, s in each])
    out["c80"] = np.array([scores.coverage(b, LEVELS, c.truth, band=0.8) for b, c in zip(bands, chosen, strict=True)])
    out["c95"] = np.array([scores.coverage(b, LEVELS, c.truth, band=0.95) for b, c in zip(bands, chosen, strict=True)])
    return out


def weekly_naive(chosen: Sequence[Case]) -> dict[str, Array]:
    """MASE of last week's values and SQL of their weekly differences: the 1.000 of the rel columns (SNaive168)."""
    out: dict[str, list[Array]] = {"MASE24": [], "MASE168": [], "SQL24": [], "SQL168": []}
    for case in chosen:
        weekly = replace(case.target, seasons_steps=(WEEK,))
        band = by_method(NAIVE, replace(case, target=weekly))
        for hours in (24, WEEK):
            out[f"MASE{hours}"].append(scores.absolute_error(band[:, :hours], LEVELS, case.truth[:hours]) / case.scale)
            out[f"SQL{hours}"].append(scores.quantile_loss(band[:, :hours], LEVELS, case.truth[:hours]) / case.scale)
    return {key: np.array(value) for key, value in out.items()}


def summary(measured: dict[str, Array | float], naive: dict[str, Array]) -> dict[str, float]:
    """Means, and geometric means of the ratio to weekly naive over cases where both are defined."""
    out = {key: float(scores.mean_known(np.atleast_1d(np.asarray(value)), axis=0)) for key, value in measured.items()}
    for key in ("MASE24", "MASE168", "SQL168"):
        ratio = np.asarray(measured[key]) / naive[key]
        usable = ratio[np.isfinite(ratio) & (ratio > 0)]
        out[f"rel{key}"] = float(np.exp(np.log(usable).mean())) if len(usable) else float("nan")
    out["failed"] = float(np.isnan(np.asarray(measured["MASE168"])).sum())
    return out


def table(rows: dict[str, dict[str, float]]) -> str:
    keys = list(next(iter(rows.values())))
    lines = [f"{'method':<16}" + "".join(f"{key:>11}" for key in keys)]
    lines += [f"{name:<16}" + "".join(f"{row[key]:>11.4f}" for key in keys) for name, row in rows.items()]
    return "\n".join(lines)


def batch_speed(count: int = 2000) -> float:
    """Series per CPU second of the closed form: eight weeks of hours in, a week with nine quantiles out."""
    rng = np.random.default_rng(1)
    hours = np.arange(8 * WEEK)
    values = 100 + 40 * np.sin(2 * np.pi * hours / 24) + rng.normal(0, 5, (count, len(hours)))
    batch = panel([History(0, 3600, one) for one in values], now_ms=len(hours) * HOUR_MS, steps=len(hours))
    method = METHODS["closed_form"]
    began = cpu_s()
    method.predict(method.fit(batch, TARGET), WEEK, LEVELS[1:-1])
    return count / (cpu_s() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the public series")
    parser.add_argument("--origins", type=int, default=4)
    parser.add_argument("--every", type=int, default=1, help="use every n-th case")
    parser.add_argument("--methods", nargs="*", default=[*METHODS, "engine light"])
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if not asked.data.is_dir():
        raise SystemExit(f"There is no folder {asked.data}; point --data or SMARTCITY_FORECAST_DATA at the series.")
    chosen = cases(sets.city(asked.data), asked.origins)[:: asked.every]
    naive = weekly_naive(chosen)
    rows = {name: summary(measure(name, chosen), naive) for name in asked.methods}
    print(f"{len(chosen)} forecasts of {len({case.name for case in chosen})} series, one week ahead")
    print(table(rows))
    speed = batch_speed()
    print(f"closed form in one batch: {speed:,.0f} series a CPU second")
    if asked.json:
        print(json.dumps(_report(rows, speed)))


def _report(rows: dict[str, dict[str, float]], speed: float) -> dict[str, object]:
    goals: dict[str, object] = {"closed form series/s": {"value": round(speed), "goal": 1000, "met": speed >= 1000}}
    if "engine light" in rows:
        value = rows["engine light"]["relSQL168"]
        goals["engine light relSQL168"] = {"value": round(value, 3), "goal": 0.83, "met": value <= 0.83}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    machine = f"{platform.machine()} {os.cpu_count()} cores"
    return {"benchmark": "forecasting_basic", "at": at, "machine": machine, "results": rows, "goals": goals}


if __name__ == "__main__":
    main()
