# SPDX-License-Identifier: Apache-2.0
"""Delay on the adaptive plan against the fixed plan, same vehicles, in SUMO on the demo town (SIMULATION)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.report import Report, options
from smartcity.devices import osm_read
from traffic import osm

ROOT = Path(__file__).resolve().parents[2]
MAP = ROOT / "var" / "Helsinki.osm.pbf"
SEEDS, HOURS, FROM_HOUR = 3, 0.5, 16.0


def devices() -> list[dict[str, Any]]:
    """The demo town's traffic devices as the importer would write them down."""
    uids: dict[str, str] = {}
    found = []
    for number, draft in enumerate(osm.draft(osm_read.read(MAP), True), start=1):
        uids[draft.external_id] = f"{draft.prefix}-{number:03d}"
        lon, lat = draft.points[len(draft.points) // 2]
        twin = dict(draft.device.twin) if draft.device else {}
        own = {"uid": uids[draft.external_id], "kind": draft.kind, "name": draft.name, "lon": lon, "lat": lat}
        found.append(
            own | {"secret": "", "domain": "traffic", "codec": "", "parent": uids.get(draft.parent, ""), "twin": twin}
        )
    return found


def runs(folder: str) -> list[dict[str, Any]]:
    """Both plans with each seed."""
    told: dict[str, Any] = {"devices": devices(), "map": str(MAP), "folder": folder}
    told |= {"hours": HOURS, "seeds": SEEDS, "from_hour": FROM_HOUR}
    done = subprocess.run(
        [sys.executable, "-m", "traffic.street", "compare"],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> int:
    args = options(__doc__).parse_args()
    report = Report("traffic_worth")
    with tempfile.TemporaryDirectory() as folder:
        found = runs(folder)
    for controller in ("fixed plan", "adaptive"):
        own = [run for run in found if run["controller"] == controller]
        name = controller.replace(" ", "_")
        for figure in ("delay_s", "tram_delay_s", "on_foot_s"):
            report.add(f"{name}_{figure}", mean(run[figure] for run in own))
        report.add(f"{name}_worst_delay_s", max(run["delay_s"] for run in own))
        report.add(f"{name}_never_entered", float(sum(run["never_entered"] for run in own)))
    pairs = list(zip(found[0::2], found[1::2], strict=True))
    for figure, goal in (("delay_s", 0.85), ("tram_delay_s", 1.0), ("on_foot_s", 1.0)):
        ratio = mean(adaptive[figure] / fixed[figure] for fixed, adaptive in pairs)
        report.add(f"adaptive_to_fixed_{figure.removesuffix('_s')}", ratio, at_most=goal)
    adaptive = [run for run in found if run["controller"] == "adaptive"]
    report.add("refused", float(sum(run["refused"] for run in adaptive)), at_most=0)
    report.add("longest_red_s", float(max(run["longest_red_s"] for run in adaptive)), at_most=130)
    seconds = sum(run["wall_s"] for run in adaptive)
    report.add("times_real_time", SEEDS * (HOURS * 3600 + 300) / seconds, at_least=10)
    report.finish(as_json=args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
