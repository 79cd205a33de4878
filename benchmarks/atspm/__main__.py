# SPDX-License-Identifier: Apache-2.0
"""Measures of signals beside the package atspm on the sample it brings: counts equal, and CPU seconds of both."""

from __future__ import annotations

import os

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

import sys
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from benchmarks.atspm import package
from benchmarks.report import Report, options
from traffic.atspm import timeline
from traffic.atspm.log import Detectors, Log

T = TypeVar("T")
RUNS = 5
DAYS = 12  # copies of the sample's two hours, one after another: a day


def least_cpu(work: Callable[[], T], runs: int) -> tuple[T, float]:
    """The result, and the least CPU seconds of so many runs (all threads of this process)."""
    found, best = work(), float("inf")
    for _ in range(runs):
        began = time.process_time()
        found = work()
        best = min(best, time.process_time() - began)
    return found, best


def ours(log: Log, of: Detectors) -> dict[str, package.Rows]:
    made = {table.name: table.ours(log, of) for table in package.TABLES}
    timeline.timeline(log)
    return made


def a_day(log: Log) -> Log:
    shift = np.repeat(np.arange(DAYS) * 7_200_000, len(log))
    return Log.of(
        np.tile(log.at, DAYS) + shift,
        np.tile(log.device, DAYS),
        np.tile(log.code, DAYS),
        np.tile(log.parameter, DAYS),
    )


def main() -> int:
    args = options(__doc__).parse_args()
    try:
        log, of = package.sample()
    except ImportError:
        print("bench: the package atspm is not installed: script/bootstrap --test", file=sys.stderr)
        return 1
    report = Report("atspm")
    theirs, their_s = least_cpu(package.theirs, RUNS)
    made, our_s = least_cpu(lambda: ours(log, of), RUNS)
    unequal = 0
    for table in package.TABLES:
        rows = package.rows_of(theirs[table.name], table.columns)
        apart = package.differences(table, made[table.name], rows)
        unequal += bool(apart)
        report.add(table.name, apart[0] if apart else f"{len(rows)} rows equal")
    apart = package.intervals(log, theirs["timeline"])
    unequal += bool(apart)
    report.add("timeline", "; ".join(apart) or f"{len(theirs['timeline'])} intervals equal")
    report.add("tables_unequal", unequal, at_most=0)
    report.add("events", len(log))
    report.add("package_cpu_s", their_s)
    report.add("ours_cpu_s", our_s, at_most=their_s)
    report.add("times_faster", their_s / our_s)
    day = a_day(log)
    _, day_s = least_cpu(lambda: ours(day, of), 1)
    report.add("day_of_events", len(day))
    report.add("ours_day_cpu_s", day_s)
    report.add("ours_events_per_cpu_s", len(day) / day_s)
    report.finish(as_json=args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
