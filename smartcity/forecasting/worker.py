# SPDX-License-Identifier: Apache-2.0
"""What other processes call to make forecasts: importable without Django and numpy, which are loaded when needed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """What one refresh did. `left` series are due but did not fit into the budget; `failed` targets are in the log."""

    issued: int = 0
    empty: int = 0
    calibrated: int = 0
    scored: int = 0
    summed: int = 0
    left: int = 0
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def words(self) -> str:
        said = [
            f"{self.issued:,} forecasts issued",
            f"{self.empty:,} of them empty for want of data" if self.empty else "",
            f"{self.calibrated:,} series backtested" if self.calibrated else "",
            f"{self.scored:,} earlier forecasts scored" if self.scored else "",
            f"{self.summed:,} places of the city foreseen as sums" if self.summed else "",
            f"{self.left:,} series left for the next time" if self.left else "",
            f"failed: {', '.join(self.failed)}" if self.failed else "",
        ]
        return f"{', '.join(part for part in said if part)} in {self.seconds:.1f} s."


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one job (its number). All zero where somebody else had done it; `error` in words where it failed."""

    job: int
    series: int = 0
    issued: int = 0
    empty: int = 0
    calibrated: int = 0
    scored: int = 0
    error: str = ""


THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def pin() -> None:
    """One numeric thread, for this process and those it starts; numpy heeds it only when it is loaded after this."""
    os.environ.update(dict.fromkeys(THREADS, "1"))


def begin() -> None:
    """First thing in a process of a pool: Ctrl-C is its parent's affair, and with its parent it ends."""
    pin()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def partition(job: int) -> Done:
    """partition.work in this process."""
    pin()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcity.settings")
    _set_up()
    from smartcity.forecasting import partition

    return partition.work(job)


def refresh(now_ms: int, budget_s: float = 60.0, metrics: Sequence[str] = ()) -> Report:
    """runner.refresh in this process."""
    _set_up()
    from smartcity.forecasting import runner

    return runner.refresh(now_ms, budget_s=budget_s, metrics=metrics)


def _set_up() -> None:
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()
