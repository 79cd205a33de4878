# SPDX-License-Identifier: Apache-2.0
"""Being the one process that acts: take the lease, keep it, and know at every moment whether it still holds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from time import monotonic

from django.db import DatabaseError

from smartcity.control import leases
from smartcity.control.pool import Pool

log = logging.getLogger(__name__)


class Leader:
    """`epoch` is None unless this process leads right now.

    The database decides (leases.insist in every writing transaction); `epoch` also ends by this process's own
    monotonic clock, which counts on while the process is stopped, so that one that wakes up sends nothing more.
    """

    def __init__(
        self, pool: Pool, *, lease: str = leases.CONTROL, ttl_s: float = 10.0, clock: Callable[[], float] = monotonic
    ) -> None:
        self.name = leases.myself()
        self._lease = lease
        self._pool = pool
        self._ttl_s = ttl_s
        self._clock = clock
        self._epoch: int | None = None
        self._until = 0.0

    @property
    def epoch(self) -> int | None:
        return self._epoch if self._clock() < self._until else None

    def insist(self) -> None:
        """Inside a transaction that writes, from any thread. Raises LostLeadership unless this process leads."""
        if self._epoch is None:
            raise leases.LostLeadership(f"{self._lease}: not leading")
        leases.insist(self._lease, self._epoch)

    def lost(self) -> None:
        """Somebody found in the database that another leads."""
        self._until = 0.0

    async def attempt(self) -> int | None:
        """Take or renew the lease once; the epoch held now."""
        asked_at = self._clock()
        if self._epoch is not None and not await self._pool.run(leases.renew, self._lease, self._epoch, self._ttl_s):
            self._epoch = None
        if self._epoch is None:
            self._epoch = await self._pool.run(leases.acquire, self._lease, self.name, self._ttl_s)
        self._until = asked_at + self._ttl_s if self._epoch is not None else 0.0
        return self.epoch

    async def run(self) -> None:
        """Until cancelled; the lease is given up on the way out, so that a successor need not wait."""
        try:
            while True:
                try:
                    await self.attempt()
                except DatabaseError:
                    log.exception("the lease %s could not be renewed", self._lease)
                await asyncio.sleep(self._ttl_s / 4)
        finally:
            epoch, self._epoch = self._epoch, None
            if epoch is not None:
                with contextlib.suppress(DatabaseError):
                    await self._pool.run(leases.give_up, self._lease, epoch)
