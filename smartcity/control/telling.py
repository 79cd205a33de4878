# SPDX-License-Identifier: Apache-2.0
"""What the live view should hear: whoever changed it, the tables say so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.db.models import Max

from smartcity.control import shapes
from smartcity.control.models import Command, FastEvent, Transition
from smartcity.control.pool import Pool
from smartcity.devices.models import Zone
from smartcity.kernel.clock import CityClock, clock

log = logging.getLogger(__name__)

Item = dict[str, Any]
LOOK_BACK = 200
MOST = 2_000


class Tell(Protocol):
    """The hub's `tell`: news for one list; a standing item stays in snapshots."""

    def __call__(self, name: str, items: Iterable[Item], *, standing: bool = False) -> None: ...


@dataclass(slots=True)
class News:
    commands: list[Item] = field(default_factory=list)
    modes: list[Item] = field(default_factory=list)
    events: list[Item] = field(default_factory=list)


class Teller:
    """Reads what is new since it last looked: transitions, events of fast loops, modes. Three to five queries."""

    def __init__(self, tell: Tell, pool: Pool, *, every_s: float = 0.5, city: CityClock = clock) -> None:
        self._tell = tell
        self._pool = pool
        self._every_s = every_s
        self._city = city
        self._transitions: Seen | None = None
        self._events: Seen | None = None
        self._modes: Mapping[str, Item] = {}

    async def run(self) -> None:
        while True:
            try:
                self.announce(await self._pool.run(self.look))
            except Exception:  # the live view may miss a line, the loop may not die
                log.exception("the live view could not be told")
            await asyncio.sleep(self._every_s)

    def announce(self, news: News) -> None:
        if news.commands:
            self._tell("commands", news.commands)
        if news.modes:
            self._tell("modes", news.modes, standing=True)
        if news.events:
            self._tell("events", news.events)

    def look(self) -> News:
        return News(self._new_commands(), self._changed_modes(), self._new_events())

    def _new_commands(self) -> list[Item]:
        if self._transitions is None:
            self._transitions = Seen.now(Transition)
            return []
        rows = Transition.objects.filter(pk__gt=self._transitions.floor).order_by("pk")
        fresh = self._transitions.fresh(list(rows.values_list("pk", "command")[:MOST]))
        if not fresh:
            return []
        commands = Command.objects.filter(pk__in=set(fresh)).select_related("asset", "zone")
        return [shapes.live_command(row) for row in commands]

    def _new_events(self) -> list[Item]:
        if self._events is None:
            self._events = Seen.now(FastEvent)
            return []
        rows = FastEvent.objects.filter(pk__gt=self._events.floor).order_by("pk")
        fresh = self._events.fresh(list(rows.values_list("pk", "pk")[:MOST]))
        if not fresh:
            return []
        return [shapes.event(row) for row in FastEvent.objects.filter(pk__in=fresh).select_related("asset__zone")]

    def _changed_modes(self) -> list[Item]:
        zones = Zone.objects.order_by("name")
        found = {item["id"]: item for item in shapes.modes(zones, self._city.now(), self._city.is_simulation)}
        changed = [item for key, item in found.items() if self._modes.get(key) != item]
        gone = [{**item, "gone": True} for key, item in self._modes.items() if key not in found]
        self._modes = found
        return changed + gone


@dataclass(slots=True)
class Seen:
    """Row numbers known already. A slow transaction may show a lower number after a higher one: look back a little."""

    last: int
    known: set[int] = field(default_factory=set)

    @classmethod
    def now(cls, model: type[Transition] | type[FastEvent]) -> Seen:
        last = model._default_manager.aggregate(last=Max("pk"))["last"] or 0
        return cls(last, set(range(last - LOOK_BACK, last + 1)))

    @property
    def floor(self) -> int:
        return self.last - LOOK_BACK

    def fresh(self, rows: list[tuple[int, Any]]) -> list[Any]:
        new = [(pk, what) for pk, what in rows if pk not in self.known]
        self.known |= {pk for pk, _ in new}
        self.last = max([self.last, *(pk for pk, _ in new)])
        self.known = {pk for pk in self.known if pk > self.floor}
        return [what for _, what in new]
