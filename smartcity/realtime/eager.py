# SPDX-License-Identifier: Apache-2.0
"""Send here and now; only what has to wait becomes a task. As asyncio.eager_task_factory of Python 3.12 does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


def at_once(work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """None when it has ended without waiting. An OSError ends it too: the other end has gone, which its owner hears."""
    try:
        waits_for = work.send(None)
    except (StopIteration, OSError):
        return None
    return asyncio.get_running_loop().create_task(_rest(work, waits_for))


async def _rest(work: Coroutine[Any, Any, None], waits_for: Any) -> None:
    with suppress(OSError):
        await _Rest(work, waits_for)


@dataclass(frozen=True, slots=True)
class _Rest:
    """Hands the loop what the work waits for, and the work what the loop answers, until it ends."""

    work: Coroutine[Any, Any, None]
    waits_for: Any

    def __await__(self) -> Generator[Any, Any, None]:
        waits_for = self.waits_for
        while True:
            try:
                try:
                    answer = yield waits_for
                except BaseException as problem:  # noqa: BLE001 - it is the work's own affair, a cancellation too
                    waits_for = self.work.throw(problem)
                else:
                    waits_for = self.work.send(answer)
            except StopIteration:
                return
