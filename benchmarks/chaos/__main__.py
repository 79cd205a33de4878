# SPDX-License-Identifier: Apache-2.0
"""Real processes, real faults: whether anything a device saw acknowledged is lost; run it as script/chaos."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from benchmarks.report import Report, cpu_s, options

NOT_BUILT: Final = "not built yet"


@dataclass(frozen=True, slots=True)
class Entry:
    """`runs` is module:function; empty while the parts it would break do not exist."""

    name: str
    title: str
    runs: str = ""


ENTRIES: Final = (
    Entry("kill_sqlite", "kill -9 of the one process on SQLite, 20 times under load", "kills:on_sqlite"),
    Entry("kill_postgresql", "the same on PostgreSQL", "kills:on_postgresql"),
    Entry("database_killed", "kill -9 of PostgreSQL, 10 times under load", "outages:killed"),
    Entry("database_stopped", "PostgreSQL stopped for 60 s", "outages:stopped"),
    Entry("disk_full_postgresql", "the disk PostgreSQL lies on is full for 60 s", "outages:full_postgresql"),
    Entry("disk_full_sqlite", "the same for the files of SQLite", "outages:full_sqlite"),
    Entry("disorder_sqlite", "duplicates, late and future stamps: the tables of a run in order", "disorder:on_sqlite"),
    Entry("disorder_postgresql", "the same on PostgreSQL", "disorder:on_postgresql"),
    Entry("burst", "20 times the normal rate for 60 s", "burst:run"),
    Entry("hostile", "hostile payloads are refused quickly, in little memory", "hostile:run"),
    Entry("fuzz", "a million fuzzed payloads each over MQTT, HTTP and CoAP", "fuzz:run"),
    Entry("soak", "an hour at 70 % of a core: memory and answers stay as they are", "soak:run"),
    Entry("mosquitto", "for comparison: the same kills of a Mosquitto and the subscriber behind it", "mosquitto:run"),
    Entry("bridge", "a city behind a Mosquitto, both killed: listening, slow and away", "bridge:run"),
    Entry("redis", "a city of several processes, Redis stopped for 5 minutes", "apart:redis"),
    Entry("pause", "SIGSTOP for 30 s of each process in turn, two of each running", "apart:pause"),
)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("scenario", nargs="*", help="names from the list, or all; without any the list is printed")
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes, kept apart as chaos_quick")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long the soak lasts (60)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and the mutations (1)")
    parser.add_argument("--keep", type=Path, help="a folder to leave the cities' files and logs in")
    given = parser.parse_args()
    known = {entry.name: entry for entry in ENTRIES}
    unknown = [name for name in given.scenario if name not in known and name != "all"]
    if unknown:
        parser.error(f"there is no scenario {unknown[0]}; there are: {', '.join(known)}")
    if not given.scenario:
        for entry in ENTRIES:
            print(f"{entry.name:<20} {entry.title}{'' if entry.runs else f' ({NOT_BUILT})'}")
        return
    chosen = ENTRIES if "all" in given.scenario else [known[name] for name in given.scenario]
    report = Report("chaos_quick" if given.quick else "chaos")
    asked = {"quick": given.quick, "minutes": given.minutes, "seed": given.seed, "keep": given.keep}
    table = [row(entry, report, asked) for entry in chosen]
    report.finish(as_json=False)
    print("\n" + "\n".join(table))
    if given.json:
        print(report.line(), flush=True)


def row(entry: Entry, report: Report, asked: Mapping[str, Any]) -> str:
    """Run one; its line of the table. A scenario that cannot run here says why; one that breaks ends the run."""
    from benchmarks.chaos.findings import Findings, Options
    from benchmarks.chaos.victims import Skipped

    found = Findings(entry.name, report)
    verdict, began, cpu = NOT_BUILT, time.monotonic(), cpu_s()
    if entry.runs:
        print(f"{entry.name}: {entry.title}", file=sys.stderr, flush=True)
        module, _, function = entry.runs.partition(":")
        try:
            getattr(import_module(f"benchmarks.chaos.{module}"), function)(found, Options(**asked))
            verdict = found.verdict
        except Skipped as reason:
            verdict = f"skipped: {reason}"
        found.add("wall_s", round(time.monotonic() - began, 1))
        found.add("cpu_s", round(cpu_s() - cpu, 1))
    report.add(entry.name, verdict)
    return f"{entry.name:<20} {verdict:<14} {time.monotonic() - began:6.0f} s  {found.headline or entry.title}"


if __name__ == "__main__":
    main()
