# SPDX-License-Identifier: Apache-2.0
"""A simulated day of the whole city with three seeds, through every socket: each domain's KPI beside its baseline."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.foundation.page import DOMAINS, Live
from benchmarks.report import Report
from smartcity.kernel import clock as clocks
from tests.city import city

SEEDS = (1, 2, 3)
DAY = date(2026, 9, 22)  # a Tuesday with as much night as day
ZONE = ZoneInfo("Europe/Helsinki")
MIDNIGHT_MS = int(datetime.combine(DAY, datetime.min.time(), ZONE).timestamp() * 1000)
HOUR_MS = 3_600_000
WARM_UP_MS = 20 * 60_000
CLOSING_MS = 65 * 60_000


def measure(report: Report, map_file: Path, *, seeds: Sequence[int], hours: float) -> None:
    """Adds each KPI and baseline (median, range over the seeds), what loops had verified, and how long a day took."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    proved: dict[str, list[int]] = defaultdict(list)
    report.add("day", f"{DAY:%A %Y-%m-%d}, {hours:g} h from local midnight")
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="smartcity-day-") as folder:
            shutil.copy(map_file, folder)
            _begin_before(Path(folder), MIDNIGHT_MS)
            with city("--speed", "60", var=Path(folder), SMARTCITY_SEED=str(seed)) as running:
                began = time.monotonic()
                live = Live(running)
                rows = _live_through(live, hours)
                for domain in DOMAINS:
                    proved[domain].append(_proved(live, domain))
                report.add(f"day_seed_{seed}_wall_s", time.monotonic() - began)
        for row in rows:
            if row["simulated_value"] is not None and row["simulated_baseline"] is not None:
                name = f"{row['domain']}_{row['kpi']}_against_{row['baseline_name'].replace(' ', '_')}"
                found[name].append((row["simulated_value"], row["simulated_baseline"]))
                print(f"seed {seed}  {name}  {row['simulated_value']:.4g} {row['simulated_baseline']:.4g}", flush=True)
    for domain, counts in proved.items():
        report.add(f"{domain}_loop_commands_verified", min(counts), at_least=1)
    for name, pairs in sorted(found.items()):
        values, baselines = zip(*pairs, strict=True)
        report.add(name, statistics.median(values))
        report.add(f"{name}_baseline", statistics.median(baselines))
        report.add(f"{name}_range", f"{min(values):.4g} to {max(values):.4g} over {len(values)} seeds")


def _proved(live: Live, domain: str) -> int:
    """Commands of the domain's loop that were verified, at most 1,000 counted; of traffic's fast loop its leases."""
    query = f"domain={domain}&issuer=loop:{domain}&state=verified&limit=1000"
    return len(live.get(f"/api/v1/commands/?{query}")["results"])


def _begin_before(folder: Path, instant_ms: int) -> None:
    """A new city finds its clock a little before that instant."""
    clocks.save(
        clocks.Anchor(instant_ms - WARM_UP_MS, clocks.wall_ms(), 1.0, 60.0, simulated=True), folder / "clock.json"
    )


def _live_through(live: Live, hours: float) -> list[dict[str, Any]]:
    """Wait until that many hours of the day, and the hour in which the ledger closes it, are over; the day's rows."""
    until = MIDNIGHT_MS + int(hours * HOUR_MS) + CLOSING_MS
    while live.get("/api/v1/clock")["at"] < until:
        time.sleep(5)
    found = live.get(f"/api/v1/ledger/?from={MIDNIGHT_MS}&to={MIDNIGHT_MS + 24 * HOUR_MS}")
    rows = found["results"] if isinstance(found, dict) else found
    return [row for row in rows if row["from_at"] == MIDNIGHT_MS]
