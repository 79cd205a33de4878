# SPDX-License-Identifier: Apache-2.0
"""What only one of several like processes may do: it runs in the one that holds a lease, and moves when that ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from smartcity.control.leader import Leader
from smartcity.control.pool import Pool
from smartcity.hearts import Hearts
from smartcity.processes.part import Part, Work

LOOK_S: Final = 0.5
Job = Callable[[], Awaitable[object]]


class Keeper(Part):
    """`jobs` by name; each is begun when this process comes to hold the lease and cancelled when it does not."""

    def __init__(self, lease: str, jobs: Mapping[str, Job], *, ttl_s: float = 15.0) -> None:
        self._lease, self._jobs = lease, jobs
        self._pool = Pool(threads=1)
        self.leader = Leader(self._pool, lease=lease, ttl_s=ttl_s)

    def work(self, hearts: Hearts) -> list[Work]:
        return [
            hearts.run(f"lease {self._lease}", self._hold),
            hearts.run(f"keeper {self._lease}", lambda: self._run(hearts)),
        ]

    def vitals(self) -> Mapping[str, Callable[[], Any]]:
        return {f"keeps_{self._lease}": lambda: {"epoch": self.leader.epoch or 0}}

    async def _hold(self) -> None:
        try:
            await self.leader.run()
        finally:
            await self._pool.close()

    async def _run(self, hearts: Hearts) -> None:
        tasks: Sequence[asyncio.Task[None]] = ()
        try:
            while True:
                if self.leader.epoch is None:
                    tasks = await _end(tasks)
                elif not tasks:
                    tasks = [asyncio.create_task(hearts.run(name, job)) for name, job in self._jobs.items()]
                await asyncio.sleep(LOOK_S)
        finally:
            await _end(tasks)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> Sequence[asyncio.Task[None]]:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return ()
