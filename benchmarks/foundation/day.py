# SPDX-License-Identifier: Apache-2.0
"""A simulated day of the whole city with three seeds, through every socket: each domain's KPI beside its baseline."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.foundation.page import Live
from benchmarks.report import Report
from tests.city import city

SEEDS = (1, 2, 3)
HOUR_MS = 3_600_000


def measure(report: Report, map_file: Path, *, hours: float) -> None:
    """Adds value and baseline of every KPI, median and range over the seeds, and how long a day took."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for seed in SEEDS:
        with tempfile.TemporaryDirectory(prefix="smartcity-day-") as folder:
            shutil.copy(map_file, folder)
            with city("--speed", "60", var=Path(folder), SMARTCITY_SEED=str(seed)) as running:
                began = time.monotonic()
                for row in _live_through(Live(running), hours):
                    if row["simulated_value"] is not None and row["simulated_baseline"] is not None:
                        figures = (row["simulated_value"], row["simulated_baseline"])
                        found[f"{row['domain']}_{row['kpi']}_{row['unit']}"].append(figures)
                report.add(f"day_seed_{seed}_wall_s", time.monotonic() - began)
    for name, pairs in sorted(found.items()):
        values, baselines = zip(*pairs, strict=True)
        report.add(f"{name}", statistics.median(values))
        report.add(f"{name}_baseline", statistics.median(baselines))
        report.add(f"{name}_range", f"{min(values):.4g} to {max(values):.4g} over {len(values)} seeds")


def _live_through(live: Live, hours: float) -> list[dict[str, Any]]:
    """Wait until that many city hours are over; the ledger's rows since the beginning."""
    began = live.get("/api/v1/clock")["at"]
    until = began + int(hours * HOUR_MS)
    while live.get("/api/v1/clock")["at"] < until:
        time.sleep(5)
    answer = live.get(f"/api/v1/ledger/?from={began - 24 * HOUR_MS}&to={until}")
    rows = answer["results"] if isinstance(answer, dict) else answer
    newest: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row["to_at"]):
        newest[row["domain"], row["kpi"], row.get("baseline_name", "")] = row
    return list(newest.values())
