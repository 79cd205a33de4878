# SPDX-License-Identifier: Apache-2.0
"""CPU and memory of processes that are not ours to ask, from /proc."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

TICK: Final = os.sysconf("SC_CLK_TCK")


def used_s(pid: int) -> float:
    """CPU-seconds of a process, of its children and theirs, and of those of them that have ended."""
    return sum(_own_s(one) for one in _tree(pid))


def own_s(pid: int) -> float:
    """CPU-seconds of a process alone."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICK


def memory_mb(pid: int) -> float:
    """Resident memory of a process now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _own_s(pid: int) -> float:
    try:
        return sum(int(ticks) for ticks in _stat(pid)[11:15]) / TICK
    except OSError:  # it has ended; its parent has its seconds now
        return 0.0


def _tree(pid: int) -> list[int]:
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [one for child in children.read_text().split() for one in _tree(int(child))]
        except OSError:
            continue
    return found


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat from the third: state, parent, …; utime is number 11."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
