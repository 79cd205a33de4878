# SPDX-License-Identifier: Apache-2.0
"""How the running process is: every part says it in a function, whoever asks gets them all."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

log = logging.getLogger(__name__)
sources: dict[str, Callable[[], Any]] = {}


def gather() -> dict[str, Any]:
    """Name → what that part says of itself, in plain JSON types. A part that cannot answer says why."""
    return {name: _ask(source) for name, source in sources.items()}


def gather_one(name: str) -> dict[str, Any]:
    """What one part says; empty where this process has no such part."""
    found = _ask(sources[name]) if name in sources else {}
    return found if isinstance(found, dict) else {}


def _ask(source: Callable[[], Any]) -> Any:
    try:
        return msgspec.to_builtins(source(), str_keys=True)
    except Exception as error:
        log.exception("A part of the process cannot say how it is")
        return {"error": f"{type(error).__name__}: {error}"}


def memory_mb() -> float:
    """Memory this process holds now, MB (resident set, from the kernel)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
