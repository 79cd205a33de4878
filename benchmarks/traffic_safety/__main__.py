# SPDX-License-Identifier: Apache-2.0
"""Safety of the field controller: a million random sequences of requests, an independent judge beside it."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from benchmarks.report import Report, options
from benchmarks.traffic_safety import sequences
from benchmarks.traffic_safety.sequences import REQUESTS, TICKS, Counts
from traffic.metrics import RUNGS

A_JOB = 20_000


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--sequences", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    given = parser.parse_args()
    report = Report("traffic_safety")
    sizes = _sizes(given.sequences)
    seeds = [given.seed * 1_000_000 + number for number in range(len(sizes))]
    with report.timed("run"), ProcessPoolExecutor(given.jobs, get_context("spawn")) as pool:
        found = list(pool.map(sequences.run, sizes, seeds))
    _tell(report, found)
    report.finish(as_json=given.json)


def _sizes(sequences_: int) -> list[int]:
    whole, rest = divmod(sequences_, A_JOB)
    return [A_JOB] * whole + ([rest] if rest else [])


def _tell(report: Report, found: list[Counts]) -> None:
    done = sum(one.sequences for one in found)
    broken = [what for one in found for what in one.broken]
    report.add("sequences", float(done))
    report.add("requests_a_sequence", float(REQUESTS))
    report.add("seconds_a_sequence", float(TICKS))
    report.add("requests", float(sum(one.requests for one in found)))
    report.add("accepted", float(sum(one.accepted for one in found)))
    report.add("changes_of_stage", float(sum(one.switches for one in found)))
    report.add("longest_wait_s", float(max(one.longest_wait_s for one in found)))
    for number, rung in enumerate(RUNGS):
        report.add(f"share_on_{rung.replace(' ', '_')}_pct", 100 * sum(c.rungs.get(number, 0) for c in found) / done)
    report.add("rules_broken", float(len(broken)), at_most=0)
    for what in broken[:10]:
        print(what)


if __name__ == "__main__":
    main()
