# SPDX-License-Identifier: Apache-2.0
"""Processes that belong to the city process: started, restarted with backoff, and ended with it.

A child lives in a session of its own and ends when its standard input closes, so even a killed parent leaves nothing.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

log = logging.getLogger(__name__)
LONGEST_PAUSE_S = 60.0
STEADY_S = 30.0
GRACE_S = 8.0


class Child:
    """One supervised process. `await run()` until cancelled; cancelling closes its input, waits, then kills.

    It works in `folder`, wherever the parent was started from.
    """

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name, self.arguments, self.environment, self.folder = name, arguments, environment, folder
        self.restarts = 0
        self.process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        loop, pause = asyncio.get_running_loop(), 1.0
        while True:
            began = loop.time()
            code = await self._once()
            if loop.time() - began > STEADY_S:
                pause = 1.0
            log.error("%s ended with %s; starting it again in %.0f s", self.name, code, pause)
            self.restarts += 1
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def again(self) -> None:
        """Ask it to end, so that `run` starts it anew: what it reads has changed."""
        if self.process and self.process.stdin:
            self.process.stdin.close()

    async def _once(self) -> int:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self.arguments,
            stdin=asyncio.subprocess.PIPE,
            env=dict(self.environment),
            cwd=self.folder,
            start_new_session=True,
        )
        try:
            return await self.process.wait()
        except asyncio.CancelledError:
            await self._end(self.process)
            raise

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), GRACE_S)
        except TimeoutError:
            process.kill()
            await process.wait()
