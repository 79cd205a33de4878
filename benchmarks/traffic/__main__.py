# SPDX-License-Identifier: Apache-2.0
"""Delay at signals on public SUMO networks: the planner beside fixed plans, actuated, greedy and max-pressure."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, geometric_mean

from benchmarks.report import Report, options
from benchmarks.traffic.jobs import Job, drive
from benchmarks.traffic.networks import DATA, Case, known, own
from traffic.street import anynet, trial

ADAPTIVE = "adaptive"
BASELINES = ("fixed", "actuated", "greedy", "max_pressure")
TARGETS = {"cologne1": 15.0, "cologne3": 15.5, "ingolstadt1": 11.5, "ingolstadt7": 20.0, "grid4x4": 19.5}
NUMBERS = tuple(f.name for f in fields(trial.Outcome) if f.name not in ("controller", "seed", "worst_approach"))


def main() -> int:
    asked = _asked()
    cases = own(asked) if asked.net else known(asked.networks)
    if not cases:
        raise SystemExit(f"There are no networks at {DATA}; give --net and --routes, or set SMARTCITY_TRAFFIC_DATA.")
    for case in cases:
        anynet.read(case.net)
    controllers = [word for word in asked.controllers.split(",") if word]
    unknown = set(controllers) - {ADAPTIVE, *BASELINES}
    if unknown:
        raise SystemExit(f"There is no controller {sorted(unknown)[0]}; there are {', '.join((ADAPTIVE, *BASELINES))}.")
    seeds = range(1, asked.seeds + 1)
    jobs = [Job(case, c, seed, noisy=False) for case in cases for c in controllers for seed in seeds]
    if asked.noise:
        jobs += [Job(case, ADAPTIVE, seed, noisy=True) for case in cases for seed in seeds]
    report = Report("traffic")
    done = _run(jobs, asked.workers)
    for case in cases:
        _tell(report, case, [(job, found) for job, found in done if job.case == case])
    _over_all(report, cases, done)
    _print(done)
    report.finish(as_json=asked.json)
    return 0


def _asked() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--net", type=Path, help="a network of SUMO's (.net.xml, may be gzipped); else the public five")
    parser.add_argument("--routes", type=Path, nargs="+", help="its demand (.rou.xml, may be gzipped)")
    parser.add_argument("--additional", type=Path, nargs="*", default=[], help="more files SUMO is to load")
    parser.add_argument("--begin", type=int, help="first simulated second (else of the .sumocfg beside it, or 0)")
    parser.add_argument("--end", type=int, help="last simulated second (else of the .sumocfg, or an hour later)")
    parser.add_argument("--networks", default="", help="of the public five, comma between them")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--controllers", default=",".join((*BASELINES, ADAPTIVE)))
    parser.add_argument("--noise", action="store_true", help="once more with bad detectors and late packets")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _run(jobs: Sequence[Job], workers: int) -> list[tuple[Job, trial.Outcome]]:
    found = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        begun = time.monotonic()
        for number, (job, outcome) in enumerate(zip(jobs, pool.map(drive, jobs), strict=True), start=1):
            found.append((job, outcome))
            name = f"{job.case.name} {job.controller}{' (noise)' if job.noisy else ''} seed {job.seed}"
            line = f"{number}/{len(jobs)}  {name}: {outcome.delay_s:.2f} s  [{time.monotonic() - begun:.0f} s]"
            print(line, file=sys.stderr, flush=True)
    return found


def _tell(report: Report, case: Case, done: Sequence[tuple[Job, trial.Outcome]]) -> None:
    """Means of each controller by name, and what the adaptive one is judged by."""
    means = _means(done)
    for name, delay in means.items():
        report.add(f"{case.name}_{name}_delay_s", delay, at_most=TARGETS.get(case.name) if name == ADAPTIVE else None)
    plain = [found for job, found in done if job.controller == ADAPTIVE and not job.noisy]
    if not plain:
        return
    mean = means[ADAPTIVE]
    report.add(f"{case.name}_adaptive_worst_seed_to_mean", max(o.delay_s for o in plain) / mean, at_most=1.1)
    report.add(f"{case.name}_adaptive_longest_red_s", max(o.longest_red_s for o in plain))
    report.add(f"{case.name}_adaptive_undeparted", float(sum(o.undeparted for o in plain)))
    if best := [delay for name, delay in means.items() if name in BASELINES]:
        report.add(f"{case.name}_adaptive_to_best_baseline", mean / min(best), at_most=0.9)
    if noisy := [found.delay_s for job, found in done if job.noisy]:
        report.add(f"{case.name}_noise_to_clean", fmean(noisy) / mean, at_most=1.1)


def _means(done: Sequence[tuple[Job, trial.Outcome]]) -> dict[str, float]:
    names = dict.fromkeys(job.controller for job, _ in done if not job.noisy)
    return {name: fmean(o.delay_s for job, o in done if job.controller == name and not job.noisy) for name in names}


def _over_all(report: Report, cases: Sequence[Case], done: Sequence[tuple[Job, trial.Outcome]]) -> None:
    adaptive = [found for job, found in done if job.controller == ADAPTIVE]
    if not adaptive:
        return
    ratios = []
    for case in cases:
        means = _means([(job, found) for job, found in done if job.case == case])
        best = [delay for name, delay in means.items() if name in BASELINES]
        if best:
            ratios.append(means[ADAPTIVE] / min(best))
    if ratios:
        report.add("adaptive_to_best_baseline_geometric", geometric_mean(ratios), at_most=0.73)
    report.add("refused", float(sum(o.refused for o in adaptive)), at_most=0)
    report.add("stopped_by_limit_checks", float(sum(o.stopped_by_checks for o in adaptive)))
    report.add("decision_p50_ms", fmean(o.decision_p50_ms for o in adaptive))
    report.add("decision_p99_ms", max(o.decision_p99_ms for o in adaptive), at_most=50)
    report.add("times_real_time_least", min(o.times_real_time for o in adaptive), at_least=20)


def _print(done: Sequence[tuple[Job, trial.Outcome]]) -> None:
    """Every run in one table, then as one line of JSON each for who wants to reckon with them."""
    shown = ("delay_s", "waiting_s", "p95_delay_s", "stops", "longest_red_s", "undeparted", "refused", "cpu_s")
    print(f"{'network':<14}{'controller':<16}{'seed':>4}" + "".join(f"{name:>15}" for name in shown))
    for job, found in done:
        values = "".join(f"{getattr(found, name):>15.4g}" for name in shown)
        print(f"{job.case.name:<14}{job.controller + (' noise' if job.noisy else ''):<16}{job.seed:>4}{values}")
    for job, found in done:
        row: Mapping[str, object] = {name: getattr(found, name) for name in NUMBERS}
        told = {"network": job.case.name, "controller": job.controller, "seed": job.seed, "noise": job.noisy}
        print(json.dumps(told | {"worst_approach": found.worst_approach} | dict(row)))


if __name__ == "__main__":
    sys.exit(main())
