# SPDX-License-Identifier: Apache-2.0
"""What a tree of processes uses, read from /proc."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from tests.city import ROOT, descendants

TICKS = os.sysconf("SC_CLK_TCK")
NAMES = {"runcity": "city", "smartcity.twin": "twin", "refreshforecasts": "forecasts"}


def manage(environment: Mapping[str, str], *arguments: str) -> str:
    """Run a management command; its output."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def memory_mb(pid: int) -> dict[str, float]:
    """Resident memory by process name, MB."""
    found: dict[str, float] = defaultdict(float)
    for member in {pid} | descendants(pid):
        status = Path(f"/proc/{member}/status").read_text()
        resident = re.search(r"VmRSS:\s+(\d+)", status)
        found[name(member)] += int(resident[1]) / 1024 if resident else 0.0
    return dict(found)


def cpu_by_name(pid: int) -> dict[str, float]:
    """CPU seconds so far by process name."""
    found: dict[str, float] = defaultdict(float)
    for member in {pid} | descendants(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        found[name(member)] += (int(fields[11]) + int(fields[12])) / TICKS
    return dict(found)


def name(pid: int) -> str:
    """What the process is for."""
    command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return next((short for part, short in NAMES.items() if part in command), "other")


def days_per_second(said: str) -> float:
    """From what the first start printed of its history."""
    found = re.search(r"over (\d+) days in (\d+(?:\.\d+)?) s", said)
    return float(found[1]) / float(found[2]) if found else 0.0
