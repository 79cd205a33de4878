# SPDX-License-Identifier: Apache-2.0
"""The base map is drawn by a process of its own while the rows are written, and put in place when they are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

PATIENCE_S = 1800


@dataclass(frozen=True, slots=True)
class Drawing:
    process: subprocess.Popen[str]
    drawn: Path


def file() -> Path:
    return Path(settings.VAR) / "basemap" / "city.pmtiles"


@contextmanager
def drawing(source: Path) -> Iterator[Drawing]:
    """Draw beside the import; when that fails, stop and leave the map that stands."""
    begun = _start(source)
    try:
        yield begun
    finally:
        begun.process.kill()
        begun.process.communicate()
        begun.drawn.unlink(missing_ok=True)


def _start(source: Path) -> Drawing:
    """Never in this process: GDAL's PROJ and SpatiaLite's must not meet."""
    drawn = file().with_name("next.pmtiles")
    command = [sys.executable, "-m", "smartcity.basemap", str(source.resolve()), str(drawn)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=settings.ROOT, start_new_session=True
    )
    return Drawing(process, drawn)


def put_in_place(begun: Drawing) -> str:
    """Empty when the new base map stands, else the reason why the old one still does."""
    try:
        _, errors = begun.process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        return f"it took longer than {PATIENCE_S // 60} minutes"
    if begun.process.returncode != 0:
        return (errors.strip().splitlines() or ["the process ended without a word"])[-1]
    os.replace(begun.drawn, file())
    return ""
