# SPDX-License-Identifier: Apache-2.0
"""Numbers no two answers under one key may share, over any restart: a number used twice would break the cipher."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

AT_ONCE: Final = 10_000
BEGAN_MS: Final = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)


class Numbers:
    """One series for all devices. Reserved on disk by the ten thousand before the first of them is used.

    It begins no lower than the milliseconds since 2026, so that a file that was lost, or came back from an old
    copy, repeats nothing either: 2**40 of them last until 2060 (RFC 8613, section 7.2.1).
    """

    def __init__(self, path: Path, wall_ms: int) -> None:
        self.path = path
        reserved = int(path.read_text()) if path.exists() else 0
        self._next = self._reserved = max(reserved, wall_ms - BEGAN_MS, 0)

    def take(self) -> int:
        """Raises OSError when nothing can be reserved."""
        if self._next >= self._reserved:
            self._reserve(self._next + AT_ONCE)
        self._next += 1
        return self._next - 1

    def _reserve(self, until: int) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        with fresh.open("w") as file:
            file.write(str(until))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._reserved = until
