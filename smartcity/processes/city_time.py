# SPDX-License-Identifier: Apache-2.0
"""City time in a process of its own: LIVE is the wall clock; simulated time goes as the file says that all share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from channels.db import database_sync_to_async
from django.conf import settings

from smartcity.devices.models import Asset
from smartcity.firstrun import CannotStart
from smartcity.hearts import Hearts
from smartcity.kernel import clock as clocks
from smartcity.kernel.clock import Anchor, clock
from smartcity.processes.part import Part, Work

FOLLOW_S: Final = 1.0
SAVE_S: Final = 10.0


def adopt() -> None:
    """Take the time that the file says, where the street is simulated. Raises firstrun.CannotStart."""
    if not Asset.objects.filter(simulated=True, missing_since=None).exists():
        return
    anchor = clocks.load(settings.VAR / "clock.json")
    if anchor is None:
        raise CannotStart(f"There is no city time in {settings.VAR}: run manage.py prepare first.")
    clock.adopt(anchor)


class CityTime(Part):
    """Simulated time runs at its ceiling here, and yields to nobody; `keeps` says whether this process writes down how
    far it has come, so that it goes on there after a stop."""

    def __init__(self, keeps: Callable[[], bool] = lambda: False) -> None:
        self._keeps = keeps
        self._path = settings.VAR / "clock.json"

    async def open(self) -> None:
        await database_sync_to_async(adopt, thread_sensitive=False)()

    def work(self, hearts: Hearts) -> list[Work]:
        return [hearts.every(FOLLOW_S, "clock", self._follow), hearts.every(SAVE_S, "clock file", self._save)]

    async def close(self) -> None:
        if self._keeps():
            await self._save()

    def vitals(self) -> Mapping[str, Callable[[], Any]]:
        return {"clock": lambda: {"at": clock.now_ms(), "speed": clock.speed, "ceiling": clock.anchor.ceiling}}

    async def _follow(self) -> None:
        told = await asyncio.to_thread(clocks.load, self._path) if clock.is_simulation else None
        if told and (told.speed, told.ceiling) != (clock.speed, clock.anchor.ceiling):
            clock.adopt(_not_back(told))

    async def _save(self) -> None:
        if clock.is_simulation and self._keeps():
            await self._follow()
            await asyncio.to_thread(clocks.save, clock.anchor, self._path)


def _not_back(told: Anchor) -> Anchor:
    """City time never runs backwards, whatever two processes wrote within the same second."""
    wall = clocks.wall_ms()
    return Anchor(max(told.at(wall), clock.now_ms()), wall, told.speed, told.ceiling, told.simulated)
