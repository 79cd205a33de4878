# SPDX-License-Identifier: Apache-2.0
"""Where city time is the wall's, this server's clock must be the database server's too: how far it is ahead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from channels.db import database_sync_to_async

from smartcity import timekeeping
from smartcity.hearts import Hearts
from smartcity.kernel.clock import clock
from smartcity.processes.part import Part, Work

EVERY_S: Final = 60.0


class ServerClock(Part):
    def __init__(self) -> None:
        self.ahead_s: float | None = None

    def work(self, hearts: Hearts) -> list[Work]:
        return [hearts.every(EVERY_S, "server clock", self._compare)]

    def vitals(self) -> Mapping[str, Callable[[], Any]]:
        return {"server_clock": lambda: {"ahead_s": self.ahead_s}}

    async def _compare(self) -> None:
        self.ahead_s = None
        if not clock.is_simulation:
            self.ahead_s = await database_sync_to_async(timekeeping.ahead_s, thread_sensitive=False)()
