# SPDX-License-Identifier: Apache-2.0
"""What a benchmark measured: a table for people, one line of JSON for programs, a dated copy for later."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True, slots=True)
class Goal:
    """A value beside its bound; `at_most` says which side of it is good."""

    value: float
    bound: float
    at_most: bool

    @property
    def met(self) -> bool:
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    def told(self) -> dict[str, object]:
        return {"value": self.value, "goal": f"{'≤' if self.at_most else '≥'} {self.bound:g}", "met": self.met}


@dataclass(slots=True)
class Report:
    """Collects results, and the goals among them, by name; a name ends in its unit: `lag_ms`, `messages_per_cpu_s`."""

    benchmark: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    results: dict[str, float | str] = field(default_factory=dict)
    goals: dict[str, Goal] = field(default_factory=dict)

    def add(
        self, name: str, value: float | str, *, at_most: float | None = None, at_least: float | None = None
    ) -> None:
        self.results[name] = value
        bound = at_most if at_most is not None else at_least
        if bound is not None and not isinstance(value, str):
            self.goals[name] = Goal(value, bound, at_most is not None)

    @contextmanager
    def timed(self, name: str, *, at_most: float | None = None) -> Iterator[None]:
        """Adds `<name>_s` (wall) and `<name>_cpu_s` (this process and its ended children)."""
        wall, cpu = time.monotonic(), cpu_s()
        yield
        self.add(f"{name}_s", time.monotonic() - wall, at_most=at_most)
        self.add(f"{name}_cpu_s", cpu_s() - cpu)

    def line(self) -> str:
        goals = {name: goal.told() for name, goal in self.goals.items()}
        told = {"benchmark": self.benchmark, "at": self.at.isoformat(timespec="seconds"), "machine": machine()}
        return json.dumps(told | {"results": self.results, "goals": goals}, ensure_ascii=False)

    def table(self) -> str:
        width = max((len(name) for name in self.results), default=0)
        return "\n".join(self._row(name, width) for name in self.results)

    def _row(self, name: str, width: int) -> str:
        value = self.results[name]
        shown = value if isinstance(value, str) else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
        goal = self.goals.get(name)
        verdict = f"  {goal.told()['goal']}: {'met' if goal.met else 'NOT MET'}" if goal else ""
        return f"{name:<{width}}  {shown:>12}{verdict}"

    def keep(self, folder: Path = RESULTS) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.at:%Y-%m-%dT%H%M%SZ}-{self.benchmark}.json"
        path.write_text(self.line() + "\n")
        return path

    def finish(self, *, as_json: bool) -> None:
        """Table, dated copy, and with `as_json` the JSON as the last line."""
        print(self.table())
        self.keep()
        if as_json:
            print(self.line(), flush=True)


def options(about: str | None) -> argparse.ArgumentParser:
    """The options every benchmark has; add your own."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    return parser


def cpu_s() -> float:
    """CPU seconds of this process and of its children that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def machine() -> str:
    """Enough to know whether two results may be compared; names no host."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = next(
        (line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine()
    )
    return f"{model}, {os.cpu_count()} cores, {memory_gb:.0f} GB, Python {platform.python_version()}"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
