# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and SIGTERM for long work: noted when they come, obeyed where the work may be left."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Final, Self

from smartcity.telemetry.headway import Progress

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class BreakingOff:
    """Between its two ends a signal is only noted, and `here()` raises KeyboardInterrupt.

    A handler that raises wherever Python happens to be is lost where that is a finaliser or a weak reference's
    callback, and can strike between a file's making and the `try` that removes it. A second signal does raise at once,
    for work that does not come to its next step. What is ignored (a command in the background) stays so.
    """

    def __init__(self) -> None:
        self._is_asked = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._note) for number in heeded}
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def here(self) -> None:
        """Raises KeyboardInterrupt where it was asked for."""
        if self._is_asked:
            raise KeyboardInterrupt

    def watching(self, progress: Progress) -> Progress:
        """The same, broken off there."""

        def told(rows: int, share: float) -> None:
            progress(rows, share)
            self.here()

        return told

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.here()
        self._is_asked = True
