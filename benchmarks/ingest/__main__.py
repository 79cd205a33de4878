# SPDX-License-Identifier: Apache-2.0
"""What a reading costs on its way in and in keeping, beside the raw limit of the same run; CPU of all processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.report import Report, options
from tests import servers

ROOT: Final = Path(__file__).resolve().parents[2]
AT_MOST: Final = {
    "sealed_bytes_per_reading": 4, "sealed_series_year_ms": 5,
    "sqlite_rollup_cost_ratio": 0.35, "postgresql_rollup_cost_ratio": 0.35,
    "commit_p50_ms": 50, "commit_p99_ms": 250, "loaded_commit_p50_ms": 50, "loaded_commit_p99_ms": 250,
    "loaded_browser_p50_ms": 300, "loaded_browser_p99_ms": 1_000, "live_view_ratio": 1.5, "outage_catch_up_s": 60,
}  # fmt: skip
AT_LEAST: Final = {
    "sqlite_insert_ratio": 0.70, "http_1000_rows_ratio": 0.5,
    "mqtt_50_cpu_ratio": 0.70, "mqtt_50_wall_ratio": 0.90, "mqtt_1_cpu_ratio": 0.50, "mqtt_1_wall_ratio": 0.70,
    "durable_messages_per_cpu_s": 5_000, "ours_over_victoriametrics": 0.6, "ours_over_influxdb": 2,
}  # fmt: skip
SHOWN: Final = ("tls_50_over_clear_cpu",)
QUICK_S: Final = 1.0
Found = dict[str, float | str]
Row = Callable[[float, Path], Found]


def part(name: str, seconds: float, data: Path, database_url: str = "") -> Found:
    """A row, in a process and a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "SMARTCITY_VAR": folder, "DATABASE_URL": database_url, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
            "SMARTCITY_SECRET_KEY": "of a benchmark", "DJANGO_SETTINGS_MODULE": "smartcity.settings",
        }  # fmt: skip
        command = [sys.executable, "-m", "benchmarks.ingest.part", name, str(seconds), str(data)]
        done = subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found


def stored(seconds: float, data: Path) -> Found:
    found = part("sqlite", seconds, data)
    with servers.postgis(durable=True) as url:
        return found | part("postgresql", seconds, data, url)


def alone(name: str) -> Row:
    """A row that needs no server, or starts its own."""
    return partial(part, name)


def on_postgresql(name: str) -> Row:
    return partial(_on_postgresql, name)


def _on_postgresql(name: str, seconds: float, data: Path) -> Found:
    with servers.postgis(durable=True) as url:
        return part(name, seconds, data, url)


ROWS: Final[dict[str, Row]] = {
    "sealed": alone("sealed"),
    "stored": stored,
    "http": alone("http"),
    "mqtt": on_postgresql("mqtt"),
    "tls": on_postgresql("tls"),
    "peers": on_postgresql("peers"),
    "whole": on_postgresql("whole"),
    "delays": on_postgresql("delays"),
    "live": alone("live"),
    "outage": alone("outage"),
    "capacity": on_postgresql("capacity"),
}


def report(found: Found, benchmark: str = "ingest") -> Report:
    made = Report(benchmark)
    for name, value in found.items():
        goal = "sealed_bytes_per_reading" if name.startswith("sealed_") and name.endswith("_per_reading") else name
        made.add(name, value, at_most=AT_MOST.get(goal), at_least=AT_LEAST.get(name))
    for name in (*AT_MOST, *AT_LEAST, *SHOWN):
        if name not in made.results:
            made.add(name, "not measured yet")
    return made


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="to spend on each figure (default 3)")
    parser.add_argument("--only", choices=list(ROWS), action="append", help="one row alone; may be repeated")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of public series")
    parser.add_argument("--quick", action="store_true", help="a second each, the outage 10 s; kept as ingest_quick")
    given = parser.parse_args()
    found: Found = {"load_average_before": load()}
    for name in given.only or ROWS:
        found |= ROWS[name](QUICK_S if given.quick else given.seconds, given.data)
    found["load_average_after"] = load()
    report(found, "ingest_quick" if given.quick else "ingest").finish(as_json=given.json)


def load() -> str:
    """Of the last 1, 5 and 15 minutes: what else this machine had to do."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


if __name__ == "__main__":
    main()
