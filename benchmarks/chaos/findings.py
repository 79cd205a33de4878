# SPDX-License-Identifier: Apache-2.0
"""What a scenario found: measures with their bounds, and from those the word in the table."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.chaos import judge
from benchmarks.chaos.history import Heard, Log
from benchmarks.chaos.holdings import Holdings
from benchmarks.report import Goal, Report


@dataclass(frozen=True, slots=True)
class Options:
    """`quick` takes seconds and says so in its name; `minutes` is for the soak; `keep` is a folder to leave the city's
    files in, for who wants to look for himself."""

    quick: bool = False
    minutes: float = 60.0
    seed: int = 1
    keep: Path | None = None

    @contextmanager
    def room(self, scenario: str) -> Iterator[Path]:
        """A folder for the city's files."""
        if self.keep is None:
            with tempfile.TemporaryDirectory(prefix="smartcity-chaos-") as folder:
                yield Path(folder)
        else:
            folder = f"{scenario}-{int(time.time())}"
            (self.keep / folder).mkdir(parents=True)
            yield self.keep / folder


@dataclass(slots=True)
class Findings:
    """Goes into the common report under the scenario's name; `headline` is what the table says beside the verdict."""

    scenario: str
    report: Report
    headline: str = ""
    goals: dict[str, Goal] = field(default_factory=dict)

    def add(
        self, name: str, value: float | str, *, at_most: float | None = None, at_least: float | None = None
    ) -> None:
        whole = f"{self.scenario}_{name}"
        self.report.add(whole, value, at_most=at_most, at_least=at_least)
        if whole in self.report.goals:
            self.goals[name] = self.report.goals[whole]

    @property
    def verdict(self) -> str:
        missed = [name for name, goal in self.goals.items() if not goal.met]
        return f"FAILED: {', '.join(missed)}" if missed else "passed"


Scenario = Callable[[Findings, Options], None]


def judged(found: Findings, log: Log, held: Holdings, *, others_speak: bool = False) -> None:
    """The history checker's measures and both ledgers; the same for every scenario that loses a process. Others than
    the fleet may speak, but say no readings."""
    verdict = judge.compare(log, held.readings)
    found.add("acknowledged_readings", verdict.acknowledged, at_least=1)
    found.add("lost", verdict.lost, at_most=0)
    found.add("duplicated", verdict.duplicated, at_most=0)
    found.add("altered", verdict.altered, at_most=0)
    found.add("unsaid", verdict.unsaid, at_most=0)
    found.add("kept_though_refused", verdict.kept_though_refused, at_most=0)
    found.add("unheard", verdict.unheard)
    found.add("wrong_rollups", judge.wrong_quarters(held.readings, held.quarters), at_most=0)
    found.add("wrong_latest", judge.wrong_latest(held.readings, held.latest), at_most=0)
    imbalances = judge.imbalances(held.runs, log, held.readings, others_speak=others_speak)
    found.add("ledger_imbalances", len(imbalances), at_most=0)
    found.add("database_faults", len(held.faults), at_most=0)
    for words in (*imbalances, *held.faults):
        print(f"  {found.scenario}: {words}")
    lost, twice, all_of_them = verdict.lost, verdict.duplicated, verdict.acknowledged
    found.headline = f"{lost:,} lost, {twice:,} duplicated of {all_of_them:,} acknowledged"


def answers(found: Findings, log: Log) -> None:
    """How long devices waited for their acknowledgement, from when they first said it."""
    heard = log.that_heard(Heard.ACKNOWLEDGED)
    waited = (heard.heard_at - heard.sent) * 1000
    for share in (50, 99):
        found.add(f"acknowledged_p{share}_ms", round(float(np.percentile(waited, share)), 1) if len(heard) else 0.0)
