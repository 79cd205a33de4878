# SPDX-License-Identifier: Apache-2.0
"""One import at a time on this machine."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings


class Busy(Exception):
    """Another import is running."""


@contextmanager
def alone() -> Iterator[None]:
    """Raises Busy. The lock ends with its process, whatever ends that."""
    Path(settings.VAR).mkdir(parents=True, exist_ok=True)
    with (Path(settings.VAR) / "import.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("Another import is running; wait until it has finished.") from None
        yield
