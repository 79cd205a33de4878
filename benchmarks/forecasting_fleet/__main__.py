# SPDX-License-Identifier: Apache-2.0
"""Very many series forecast from store to store by a pool on this machine: wall, CPU and memory, on both engines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from benchmarks import report
from benchmarks.report import Report
from tests import servers

MANY = 100_000
MOST_MIN, MOST_MB = 10.0, 2048.0
CORES = 2  # what the goal is stated for


def measured(given: list[str], database_url: str) -> dict[str, float]:
    """One engine in a process of its own, because settings are read once."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "SMARTCITY_VAR": folder, "DATABASE_URL": database_url, "SMARTCITY_TIME_ZONE": "UTC",
            "SMARTCITY_SECRET_KEY": "of a benchmark", "DJANGO_SETTINGS_MODULE": "smartcity.settings",
        }  # fmt: skip
        command = [sys.executable, "-m", "benchmarks.forecasting_fleet.engine", *given]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def engines(only: str | None) -> Iterator[tuple[str, str]]:
    if only != "postgresql":
        yield "sqlite", ""
    if only != "sqlite":
        with servers.postgis(durable=True) as url:
            yield "postgresql", url


def told(found: Report, engine: str, values: dict[str, float]) -> None:
    """The measured, and what it makes of so many series as the goal is stated for."""
    for name, value in values.items():
        found.add(f"{engine}_{name}", value, at_most=MOST_MB if name == "issue_peak_mb" else None)
    for what in ("issue", "backtest"):
        minutes = MANY / values[f"{what}_series_per_s"] / 60
        found.add(f"{engine}_{what}_{MANY}_min", minutes, at_most=MOST_MIN if what == "issue" else None)
        whole = MANY / values[f"{what}_series_per_cpu_s"] / CORES / 60
        found.add(f"{engine}_{what}_{MANY}_min_were_{CORES}_cores_its_own", whole)


def main() -> None:
    parser = report.options(__doc__)
    parser.add_argument("--series", type=int, default=MANY, help=f"({MANY})")
    parser.add_argument("--weeks", type=int, default=8, help="of hourly history (8)")
    parser.add_argument("--backtested", type=int, default=960, help="so many; the others get copies of what was found")
    parser.add_argument("--executor", default="processes", help="(processes: as many as cores)")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one engine alone")
    asked = parser.parse_args()
    found = Report("forecasting_fleet")
    found.add("load_before", os.getloadavg()[0])
    for engine, url in engines(asked.only):
        told(found, engine, measured([str(asked.series), str(asked.weeks), str(asked.backtested), asked.executor], url))
    found.add("load_after", os.getloadavg()[0])
    found.finish(as_json=asked.json)


if __name__ == "__main__":
    main()
