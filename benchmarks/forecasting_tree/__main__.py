# SPDX-License-Identifier: Apache-2.0
"""Forecasts that add up, on public series: each level's error and band by MinT, bottom-up and as first foreseen."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np

from benchmarks import report
from benchmarks.forecasting import sets
from benchmarks.forecasting.sets import Sample
from smartcity.forecasting import coherent, retrospect, scores, tree
from smartcity.forecasting.coherent import Way
from smartcity.forecasting.series import Array, History
from smartcity.forecasting.tree import Leaf
from smartcity.kernel.forecasts import Target

DATA = Path(os.environ.get("SMARTCITY_FORECAST_DATA", Path(__file__).resolve().parents[3] / "shared/data/forecasting"))
LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
TARGET = Target(metric="bench.value", step_s=3600, horizon_steps=24, seasons_steps=(24, 168), low=0.0, levels=LEVELS)
HOUR_MS = 3_600_000
WAYS = ("as foreseen", "bottom-up", "MinT", "chosen")
LEARN = 0.6
STREETS = ("Quay", "Queen", "High", "Darby", "K Road")


@dataclass(slots=True)
class Tally:
    """By way and level: errors beside the scale, losses beside the scale, shares inside 80 %."""

    error: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    loss: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    inside: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    ways: list[Way] = field(default_factory=list)
    shrinkages: list[float] = field(default_factory=list)
    gap: float = 0.0
    reconciling_s: float = 0.0


def main() -> None:
    asked = _asked()
    if not asked.data.is_dir():
        raise SystemExit(f"There is nothing at {asked.data}; point --data or SMARTCITY_FORECAST_DATA at the series.")
    told = report.Report("forecasting_tree")
    samples = sets.city(asked.data, m4_every=10_000)
    for title, start, level in (("people", "people ", _people), ("homes", "home ", lambda sample: ())):
        chosen = [one for one in samples if one.name.startswith(start)]
        leaves = [Leaf(k, one.name, one.name, "", level(one)) for k, one in enumerate(chosen)]
        _show(told, title, _tallied(tree.grow(leaves), chosen, asked.origins, asked.every_h))
    _cost(told)
    told.finish(as_json=asked.json)


def _asked() -> argparse.Namespace:
    parser = report.options(__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the public series")
    parser.add_argument("--origins", type=int, default=40)
    parser.add_argument("--every-h", type=int, default=53, help="hours between origins")
    return parser.parse_args()


def _people(sample: Sample) -> tuple[tuple[str, str, str], ...]:
    """Auckland's sensors by street and, roughly, by how far up the hill the street is."""
    street = next((name for name in STREETS if name in sample.name), sample.name)
    near_water = any(word in sample.name for word in ("Quay", "Commerce", "Custom", "Tahuhu", "45 Queen", "30 Queen"))
    place = "harbour" if near_water else "hill"
    return (("district", place, place), ("street", street, street))


def _tallied(grown: tree.Tree, samples: Sequence[Sample], origins: int, every_h: int) -> Tally:
    """Each origin knows eight weeks; what is scored is the day after it."""
    end = min(sample.history.end_ms for sample in samples)
    start = max(sample.history.start_ms for sample in samples)
    steps = (end - start) // HOUR_MS
    values = np.stack([sample.history.window(end, steps) for sample in samples])
    whole = [History(start, 3600, tree.summed(values[list(node.members)])) for node in grown.nodes]
    tally = Tally()
    for back in reversed(range(origins)):
        now_ms = end - (24 + back * every_h) * HOUR_MS
        if now_ms - start < 5 * 168 * HOUR_MS:
            continue
        _one(tally, grown, whole, now_ms)
    return tally


def _one(tally: Tally, grown: tree.Tree, whole: Sequence[History], now_ms: int) -> None:
    pasts = [History(past.start_ms, 3600, past.values[: (now_ms - past.start_ms) // HOUR_MS]) for past in whole]
    truth = np.stack([past.window(now_ms + 24 * HOUR_MS, 24) for past in whole])
    trusted = retrospect.standings(pasts, TARGET, now_ms)
    said = retrospect.said(pasts, trusted, TARGET, now_ms)
    errors = retrospect.errors(pasts, trusted, TARGET, now_ms)
    if len(said) < len(pasts) or not np.isfinite(truth).all():
        return
    base = np.stack([said[k].values for k in range(len(pasts))])
    to_bottoms, bottoms = tree.sums(grown), grown.bottoms
    began = time.process_time()
    by_mint = coherent.mint(to_bottoms, bottoms, errors)
    sizes = np.array([max(float(np.nanmean(np.abs(past.values))), 1e-9) for past in pasts])
    way, _ = coherent.choose(to_bottoms, bottoms, errors, sizes, learn=int(LEARN * errors.shape[1]))
    found = {
        "as foreseen": (coherent.quantile_mean(base, LEVELS), base),
        "bottom-up": coherent.draws(base, LEVELS, errors, (to_bottoms, bottoms), None, (0.0, np.inf)),
        "MinT": coherent.draws(base, LEVELS, errors, (to_bottoms, bottoms), by_mint, (0.0, np.inf)),
    }
    tally.reconciling_s += time.process_time() - began
    found["chosen"] = found["MinT" if way is Way.MINT else "bottom-up"]
    tally.ways.append(way)
    tally.shrinkages.append(by_mint.shrinkage)
    means = found["chosen"][0]
    tally.gap = max(tally.gap, float(np.abs(to_bottoms @ means[bottoms] - means).max()))
    scale = np.array([float(scores.seasonal_scale(past.values[None, -1344:], 24)[0]) for past in pasts])
    for name, (mean, band) in found.items():
        _score(tally, name, grown, (mean, band, truth, scale))


def _score(tally: Tally, way: str, grown: tree.Tree, of: tuple[Array, Array, Array, Array]) -> None:
    means, band, truth, scale = of
    error = np.abs(means - truth).mean(axis=1) / scale
    loss = scores.quantile_loss(band, LEVELS, truth) / scale
    inside = scores.coverage(band, LEVELS, truth, band=0.8)
    for k, node in enumerate(grown.nodes):
        for level in (node.level, "all"):
            tally.error.setdefault((way, level), []).append(float(error[k]))
            tally.loss.setdefault((way, level), []).append(float(loss[k]))
            tally.inside.setdefault((way, level), []).append(float(inside[k]))


def _show(told: report.Report, title: str, tally: Tally) -> None:
    levels = list(dict.fromkeys(level for _, level in tally.error))
    levels = [level for level in levels if level != "all"] + ["all"]
    print(f"\n{title}: MASE of the mean / scaled loss / inside 80 %, by level; {len(tally.ways)} origins")
    print(f"{'':<12}" + "".join(f"{level:>24}" for level in levels))
    for way in WAYS:
        of = [[np.mean(part[way, level]) for part in (tally.error, tally.loss, tally.inside)] for level in levels]
        cells = [f"{error:.3f} {loss:.3f} {inside:.2f}" for error, loss, inside in of]
        print(f"{way:<12}" + "".join(f"{cell:>24}" for cell in cells))
        name = way.replace(" ", "_").replace("-", "_").lower()
        for level in levels:
            told.add(f"{title}_{level}_{name}_mase", float(np.mean(tally.error[way, level])))
            told.add(f"{title}_{level}_{name}_loss", float(np.mean(tally.loss[way, level])))
        told.add(f"{title}_all_{name}_c80", float(np.mean(tally.inside[way, "all"])))
    for other in ("as foreseen", "bottom-up"):
        beside = np.mean(tally.error["chosen", "all"]) / np.mean(tally.error[other, "all"])
        told.add(f"{title}_chosen_beside_{other.replace(' ', '_').replace('-', '_')}", float(beside), at_most=1.0)
    told.add(f"{title}_mint_share", float(np.mean([way is Way.MINT for way in tally.ways])))
    told.add(f"{title}_shrinkage", float(np.mean(tally.shrinkages)))
    told.add(f"{title}_largest_gap", tally.gap, at_most=1e-6)
    told.add(f"{title}_reconciling_cpu_ms", 1000 * tally.reconciling_s / max(1, len(tally.ways)))


def _cost(told: report.Report, streets: int = 250, sensors: int = 20) -> None:
    """5,000 series on 250 streets of 10 districts, 96 steps: the adding up alone, without the base forecasts."""
    leaves = [
        Leaf(k, f"s{k}", f"s{k}", "", (("district", f"d{k // sensors % 10}", ""), ("street", f"{k // sensors}", "")))
        for k in range(streets * sensors)
    ]
    grown = tree.grow(leaves)
    to_bottoms, bottoms = tree.sums(grown), grown.bottoms
    rng = np.random.default_rng(1)
    errors = to_bottoms @ rng.normal(0, 1, (len(bottoms), 80))
    middle = to_bottoms @ rng.uniform(5, 20, (len(bottoms), 96))
    spread = errors.std(axis=1)[:, None, None] * np.array([-1.96, -1.28, -0.67, 0, 0.67, 1.28, 1.96])[None, :, None]
    with told.timed("five_thousand_series"):
        by_mint = coherent.mint(to_bottoms, bottoms, errors)
        coherent.draws(middle[:, None, :] + spread, LEVELS, errors, (to_bottoms, bottoms), by_mint, (0.0, np.inf))


if __name__ == "__main__":
    main()
