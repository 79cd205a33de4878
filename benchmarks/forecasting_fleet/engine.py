# SPDX-License-Identifier: Apache-2.0
"""The figures of one engine as a line of JSON; its arguments: series, weeks, how many are backtested, executor."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.forecasting_fleet import city  # declares what is measured, in processes of the pool too
from benchmarks.report import cpu_s

if __name__ == "__main__":
    import django

    django.setup()

from django.core.management import call_command
from django.db import connections

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")


class Memory:
    """The most that this process and all its children held at once, shared pages counted once (PSS)."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(0.3):
            self.peak_mb = max(self.peak_mb, sum(map(pss_mb, family(os.getpid()))))


def family(root: int) -> list[int]:
    """A process and all that descend from it."""
    found = [root]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                continue
    return found


def pss_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def server() -> int | None:
    """PostgreSQL's first process."""
    if connections["telemetry"].vendor == "sqlite":
        return None
    with connections["telemetry"].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(_stat(cursor.fetchone()[0])[1])


def server_cpu_s(root: int | None) -> float:
    """CPU-seconds of the server: its first process with its ended children, and the living ones."""
    if root is None:
        return 0.0
    ticks = sum(int(value) for value in _stat(root)[11:15])
    for pid in family(root)[1:]:
        try:
            ticks += sum(int(value) for value in _stat(pid)[11:13])
        except OSError:
            continue
    return ticks / TICK


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


@contextmanager
def measured(found: dict[str, float], name: str, count: int) -> Iterator[None]:
    """Wall, CPU, memory and speed of what is done meanwhile with so many series."""
    root = server()
    wall, cpu, theirs = time.monotonic(), cpu_s(), server_cpu_s(root)
    with Memory() as memory:
        yield
    seconds, spent, served = time.monotonic() - wall, cpu_s() - cpu, server_cpu_s(root) - theirs
    found |= {
        f"{name}_s": seconds, f"{name}_cpu_s": spent + served, f"{name}_peak_mb": memory.peak_mb,
        f"{name}_series_per_s": count / seconds, f"{name}_series_per_cpu_s": count / (spent + served),
    }  # fmt: skip
    if root is not None:
        found[f"{name}_server_cpu_s"] = served


def main(count: int, weeks: int, backtested: int, executor: str) -> dict[str, float]:
    from smartcity.forecasting import executors, fleet
    from smartcity.forecasting.models import Calibration, FleetJob, IssuedForecast
    from smartcity.forecasting.worker import Report

    for alias in ("default", "telemetry"):
        call_command("migrate", database=alias, verbosity=0)
    found: dict[str, float] = {"series": count, "weeks": weeks}
    ids = city.series(count)
    wall, cpu, readings, root = time.monotonic(), cpu_s(), 0, server()
    theirs = server_cpu_s(root)
    for rows in city.history(ids, weeks):
        readings += rows
        told(f"history: {readings:,} readings, {time.monotonic() - wall:.0f} s")
    found |= {"history_readings": readings, "history_s": time.monotonic() - wall}
    found["history_cpu_s"] = cpu_s() - cpu + server_cpu_s(root) - theirs

    def carry_out(what: str, chosen: list[int], now_ms: int) -> Report:
        report = Report()
        plan = fleet.plan(city.TARGET, chosen, FleetJob.What(what), now_ms)
        with executors.opened(executor) as runner:
            fleet.carry_out([plan], runner, report, progress)
        if report.failed or plan.series != len(chosen):
            raise SystemExit(f"failed: {report.failed}")
        return report

    some = ids[:backtested]
    with measured(found, "backtest", len(some)):
        carry_out("calibrate", some, city.NOW)
    if len(some) < count:
        copies = list(Calibration.objects.order_by("pk"))
        for start in range(len(some), count, 2_000):
            chosen = [copies[n % len(copies)] for n in range(start, min(start + 2_000, count))]
            Calibration.objects.bulk_create(renumbered(chosen, ids[start : start + 2_000]))
    with measured(found, "issue", count):
        report = carry_out("issue", ids, city.NOW)
    if IssuedForecast.objects.filter(is_current=True, issued_at=city.NOW).count() != count or report.empty:
        raise SystemExit(f"not all were foreseen: {report.words()}")
    began = time.monotonic()
    carry_out("issue", ids, city.NOW)
    found["issue_again_s"] = time.monotonic() - began
    return found


def renumbered(rows: list[Any], ids: list[int]) -> list[Any]:
    """Copies of standings for other series."""
    import copy

    made = []
    for row, pk in zip(rows, ids, strict=True):
        one = copy.copy(row)
        one.pk, one.series_id = None, pk
        made.append(one)
    return made


def progress(series: int, share: float) -> None:
    told(f"{series:,} series, {share:.0%}")


def told(text: str) -> None:
    """A line now and then."""
    if time.monotonic() - _told[-1] > 10:
        _told.append(time.monotonic())
        print(text, file=sys.stderr, flush=True)


_told = [time.monotonic()]


if __name__ == "__main__":
    count, weeks, backtested = map(int, sys.argv[1:4])
    print(json.dumps(main(count, weeks, min(backtested, count), sys.argv[4])))
