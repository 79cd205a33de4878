# SPDX-License-Identifier: Apache-2.0
"""The whole product: start, memory, event loop, sensor to pixel, first paint, import, history; with --day the KPIs."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.foundation import day, page, process
from benchmarks.report import Report, options
from tests.city import City, city

ROOT = Path(__file__).resolve().parents[2]
SECOND_TOWN = ROOT.parent / "shared" / "data" / "waste" / "krems"
SETTLE_S = 45.0


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--day", action="store_true", help="also a simulated day with three seeds (hours)")
    parser.add_argument("--only-day", action="store_true", help="the simulated day and nothing else")
    parser.add_argument("--seeds", type=int, nargs="+", default=day.SEEDS, help="of that day (1 2 3)")
    parser.add_argument("--hours", type=float, default=24.0, help="city hours of that day (24)")
    parser.add_argument("--speed", default="10", help="ceiling of simulated time while measuring (10)")
    chosen = parser.parse_args()
    report = Report("foundation")
    demo_map = ROOT / "var" / "Helsinki.osm.pbf"
    if not chosen.only_day:
        with tempfile.TemporaryDirectory(prefix="smartcity-bench-") as folder:
            shutil.copy(demo_map, folder)
            imports(report)
            running(report, Path(folder), chosen.speed)
    if chosen.day or chosen.only_day:
        day.measure(report, demo_map, seeds=chosen.seeds, hours=chosen.hours)
    report.finish(as_json=chosen.json)


def imports(report: Report) -> None:
    """The map of Helsinki and of a second town, each into an empty city."""
    towns = {"helsinki": ROOT / "var" / "Helsinki.osm.pbf"}
    extract = next(iter(sorted(SECOND_TOWN.glob("*.osm.*"))), None) if SECOND_TOWN.is_dir() else None
    if extract:
        towns["second_town"] = extract
    else:
        report.add("import_second_town", "skipped: no extract of a second town beside the project")
    for name, path in towns.items():
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"SMARTCITY_VAR": folder, "SMARTCITY_SECRET_KEY": "benchmark"}
            process.manage(environment, "migrate", "--verbosity", "0")
            with report.timed(f"import_{name}"):
                process.manage(environment, "importcity", str(path), "--demo")


def running(report: Report, var: Path, speed: str) -> None:
    """A first start, what a settled city costs, what a browser gets, and a second start."""
    began = time.monotonic()
    with city("--speed", speed, var=var) as first:
        report.add("first_start_answers_s", time.monotonic() - began)
        live = page.Live(first)
        report.add("first_start_live_map_s", live.first_fresh_values() - began, at_most=300)
        report.add("history_days_per_s", process.days_per_second(first.said()))
        password = first.password
        time.sleep(SETTLE_S)
        settled(report, first)
        page.measure(report, first, password)
    began = time.monotonic()
    with city("--speed", speed, var=var, SMARTCITY_BENCH_PASSWORD=password) as second:
        report.add("warm_start_answers_s", time.monotonic() - began)
        report.add("warm_start_live_map_s", page.Live(second, password).first_fresh_values() - began)


def settled(report: Report, running_city: City) -> None:
    """Memory by process, CPU over 20 s, lag of the event loop, speed reached, readings per second."""
    for name, megabytes in process.memory_mb(running_city.process.pid).items():
        report.add(f"memory_{name}_mb", megabytes)
    before = process.cpu_by_name(running_city.process.pid)
    lags, speeds, rates = [], [], []
    live = page.Live(running_city)
    for _ in range(20):
        time.sleep(1)
        health = live.health()
        lags.append(health["event_loop"]["worst_lag_ms"])
        speeds.append(health["clock"]["speed"])
        rates.append(health["pipeline"]["readings_s"])
    after = process.cpu_by_name(running_city.process.pid)
    for name in after:
        report.add(f"cpu_{name}_share", (after[name] - before.get(name, 0.0)) / 20)
    report.add("event_loop_lag_median_ms", statistics.median(lags), at_most=50)
    report.add("event_loop_lag_worst_ms", max(lags))
    report.add("speed_reached", statistics.median(speeds), at_least=10)
    report.add("readings_per_s", statistics.median(rates))


if __name__ == "__main__":
    main()
