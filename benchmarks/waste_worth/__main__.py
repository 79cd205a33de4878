# SPDX-License-Identifier: Apache-2.0
"""Km, emptyings and overflow hours of planned routes against the fixed rota, same waste (SIMULATION)."""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import mean

from benchmarks.report import Report, options
from benchmarks.waste_worth.city import MONDAY_MS, City

ROOT = Path(__file__).resolve().parents[2]
MAP = ROOT / "var" / "Helsinki.osm.pbf"
SEEDS, DAYS, STEP_S = (1, 2, 3), 3, 30.0


def figures(seed: int, *, centre: bool) -> tuple[dict[str, float], City]:
    """One run of three days after one that warms up."""
    city = City(MAP, seed, centre)
    city.run(MONDAY_MS - 86_400_000, 24, STEP_S)
    before = city.km, city.visits, city.overflow_h
    city.run(MONDAY_MS, 24 * DAYS, STEP_S)
    after = city.km, city.visits, city.overflow_h
    names = ("km", "visits", "overflow_h")
    return {name: b - a for name, a, b in zip(names, before, after, strict=True)}, city


def main() -> int:
    args = options(__doc__).parse_args()
    report = Report("waste_worth")
    ratios: dict[str, list[float]] = {"km": [], "visits": [], "overflow_h": []}
    refused, heaviest = 0, 0.0
    for seed in SEEDS:
        fixed, _ = figures(seed, centre=False)
        planned, city = figures(seed, centre=True)
        refused, heaviest = refused + len(city.refusals), max(heaviest, city.heaviest_kg)
        for name in ratios:
            report.add(f"seed_{seed}_rota_{name}", fixed[name])
            report.add(f"seed_{seed}_planned_{name}", planned[name])
            ratios[name].append(planned[name] / max(fixed[name], 1.0))
    for name, goal in (("km", 0.85), ("visits", 0.8), ("overflow_h", 1.0)):
        report.add(f"planned_to_rota_{name}", mean(ratios[name]), at_most=goal)
    report.add("refused", float(refused), at_most=0)
    report.add("heaviest_planned_kg", heaviest, at_most=3500)
    report.finish(as_json=args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
