# SPDX-License-Identifier: Apache-2.0
"""How the running process is: every part says it in a function, whoever asks gets them all."""

from __future__ import annotations

import logging
import resource
from collections.abc import Callable
from typing import Any

import msgspec

log = logging.getLogger(__name__)
sources: dict[str, Callable[[], Any]] = {}


def gather() -> dict[str, Any]:
    """Name → what that part says of itself, in plain JSON types. A part that cannot answer says why."""
    return {name: _ask(source) for name, source in sources.items()}


def _ask(source: Callable[[], Any]) -> Any:
    try:
        return msgspec.to_builtins(source(), str_keys=True)
    except Exception as error:
        log.exception("A part of the process cannot say how it is")
        return {"error": f"{type(error).__name__}: {error}"}


def memory_mb() -> float:
    """The most memory this process ever held, MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
