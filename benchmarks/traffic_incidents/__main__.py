# SPDX-License-Identifier: Apache-2.0
"""How long until a stopped vehicle is found from detectors, and false alarms in a normal peak (SIMULATION)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from statistics import median
from typing import Any

from benchmarks.report import Report, options
from benchmarks.traffic_worth.__main__ import MAP, ROOT, devices
from traffic.incidents import BLOCKED, SPILLED

LASTS_S = 600
SHORT = {"usual_seed": 90, "quiet_seeds": [1], "broken_seeds": [2], "minutes": 60}
LONG = {"usual_seed": 90, "quiet_seeds": [1, 2, 3], "broken_seeds": [4, 5, 6], "minutes": 60}


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--long", action="store_true", help="three normal hours and three with incidents")
    args = parser.parse_args()
    plan: dict[str, Any] = LONG if args.long else SHORT
    report = Report("traffic_incidents")
    with tempfile.TemporaryDirectory() as folder:
        found = run({"devices": devices(), "map": str(MAP), "folder": folder} | plan)
    hours = len(plan["quiet_seeds"]) * plan["minutes"] / 60
    for rule, name in ((BLOCKED, "incident"), (SPILLED, "spillback")):
        alarms = sum(kind == rule for one in found["quiet"] for _, kind, _ in one)
        report.add(
            f"normal_peak_{name}_alarms_per_hour", alarms / hours, **({"at_most": 1.0} if rule == BLOCKED else {})
        )
    waits, missed, elsewhere = judged(found)
    report.add("approaches_watched", float(found["approaches"]))
    report.add("vehicles_stopped", float(len(waits) + missed))
    report.add("found_share", len(waits) / max(1, len(waits) + missed), at_least=0.8)
    report.add("time_to_detect_median_s", median(waits) if waits else float("nan"), at_most=300)
    report.add("time_to_detect_worst_s", max(waits, default=float("nan")))
    report.add("alarms_elsewhere", float(elsewhere))
    report.finish(as_json=args.json)
    return 0


def judged(found: dict[str, Any]) -> tuple[list[int], int, int]:
    """(seconds to detect, not found, alarms of neither the place nor one that leads to it)."""
    waits, missed, elsewhere = [], 0, 0
    for one in found["broken"]:
        explained = set()
        for uid, began in one["closed"]:
            near = {uid, *found["near"].get(uid, ())}
            mine = [(at, name) for at, _, name in one["risen"] if name in near and began <= at <= began + LASTS_S + 120]
            explained |= set(mine)
            own = [at - began for at, name in mine if name == uid]
            waits += own[:1]
            missed += not own
        elsewhere += sum((at, name) not in explained for at, _, name in one["risen"])
    return waits, missed, elsewhere


def run(told: dict[str, Any]) -> dict[str, Any]:
    """SUMO in a process of its own: it must not share one with the city's geometry libraries."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.traffic_incidents.street"],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    sys.exit(main())
