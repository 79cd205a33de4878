# SPDX-License-Identifier: Apache-2.0
"""What browsers see live: a snapshot, then numbered deltas, encoded once for everybody with the same rights.

Everybody is told on the tick itself, without a task each. Who cannot take a frame misses deltas and gets a fresh
snapshot instead, so a slow phone costs nobody anything and nothing queues. Cost per tick: O(changed values + scopes x
encode).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from smartcity.api.access import NOWHERE, Scope
from smartcity.realtime.eager import at_once

Value = tuple[int, float, int, int]
Place = tuple[str, str]
Tell = Callable[[str], Coroutine[Any, Any, None]]
_encode = msgspec.json.Encoder().encode
LISTS = ("alarms", "modes", "commands", "events")


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see: everything of `view` but personal data, and those of `personal`."""

    view: Scope
    personal: Scope = NOWHERE


@dataclass(slots=True, eq=False)
class Client:
    """One browser: how it is told, and whether it must hear everything because a delta of its was dropped."""

    sight: Sight
    tell: Tell
    behind: bool = True
    telling: asyncio.Task[None] | None = None

    def offer(self, frame: str, snapshot: Callable[[Sight], str]) -> bool:
        """Whether it is told something; not while it still takes the last frame."""
        if self.telling is not None and not self.telling.done():
            self.behind = True
            return False
        if self.behind:
            frame, self.behind = snapshot(self.sight), False
        self.telling = at_once(self.tell(frame))
        return True


@dataclass(slots=True)
class Group:
    """Clients with equal rights share a sequence and every encoded byte."""

    sight: Sight
    clients: set[Client] = field(default_factory=set)
    seq: int = 0
    snapshot: tuple[int, str] = (-1, "")


class Hub:
    """Marks what changed, and once a tick tells everyone. Runs on the event loop only."""

    def __init__(self, frame: Callable[[], dict[str, Any]]) -> None:
        self._frame = frame
        self._groups: dict[Sight, Group] = {}
        self._values: dict[int, Value] = {}
        self._changed: dict[int, Value] = {}
        self._standing: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in LISTS}
        self._news: dict[str, list[dict[str, Any]]] = {}
        self._kpis: dict[str, dict[str, Any]] = {}
        self._new_kpis = False
        self.places: Mapping[int, Place] = {}
        self.personal: Collection[int] = frozenset()
        self.frames_sent = 0

    def values(self, changed: Iterable[Value]) -> None:
        """(series, value, at_ms, quality) as committed; older instants than the known one are ignored."""
        for value in changed:
            known = self._values.get(value[0])
            if known is None or known[2] <= value[2]:
                self._values[value[0]] = self._changed[value[0]] = value

    def tell(self, name: str, items: Iterable[dict[str, Any]], *, standing: bool = False) -> None:
        """News for one list. Each item has id, domain and zone; a standing item stays in snapshots until \
it comes with `gone` true."""
        for item in items:
            self._news.setdefault(name, []).append(item)
            if standing and not item.get("gone"):
                self._standing[name][str(item["id"])] = item
            elif standing:
                self._standing[name].pop(str(item["id"]), None)

    def kpis(self, figures: dict[str, dict[str, Any]]) -> None:
        self._kpis, self._new_kpis = figures, True

    def join(self, sight: Sight, tell: Tell) -> Client:
        """It gets a snapshot at once. `tell` sends a frame; an OSError of it says that the browser has gone."""
        client = Client(sight, tell)
        self._groups.setdefault(sight, Group(sight)).clients.add(client)
        self.resync(client)
        return client

    def leave(self, client: Client) -> None:
        group = self._groups.get(client.sight)
        if group is None:
            return
        group.clients.discard(client)
        if not group.clients:
            del self._groups[client.sight]

    def resync(self, client: Client) -> None:
        client.behind = True
        self.frames_sent += client.offer("", self.snapshot)

    def tick(self) -> None:
        """Send one delta to everybody; call it about every half second."""
        changed, news, kpis = self._changed, self._news, self._kpis if self._new_kpis else {}
        self._changed, self._news, self._new_kpis = {}, {}, False
        for group in self._groups.values():
            group.seq += 1
            body = {"t": "delta", "seq": group.seq, **self._frame()}
            frame = _encode(body | self._visible(group.sight, changed.values(), news, kpis)).decode()
            self.frames_sent += sum([client.offer(frame, self.snapshot) for client in group.clients])

    def snapshot(self, sight: Sight) -> str:
        """Everything such a client may see, encoded once per tick and sight."""
        group = self._groups.setdefault(sight, Group(sight))
        if group.snapshot[0] != group.seq or not group.snapshot[1]:
            standing = {name: list(items.values()) for name, items in self._standing.items()}
            body = {"t": "snapshot", "seq": group.seq, **self._frame()}
            body |= self._visible(sight, self._values.values(), standing, self._kpis)
            group.snapshot = (group.seq, _encode(body).decode())
        return group.snapshot[1]

    def _visible(
        self,
        sight: Sight,
        values: Iterable[Value],
        lists: Mapping[str, list[dict[str, Any]]],
        kpis: Mapping[str, dict[str, Any]],
    ) -> dict[str, Any]:
        scope, everywhere = sight.view, sight.view.allows("", "")
        seen = values if everywhere and sight.personal.allows("", "") else filter(partial(self._is_seen, sight), values)
        body: dict[str, Any] = {"values": [(s, round(v, 4), at, q) for s, v, at, q in seen]}
        for name, items in lists.items():
            body[name] = [item for item in items if everywhere or scope.allows(item["domain"], item.get("zone", "?"))]
        body["kpis"] = {name: kpi for name, kpi in kpis.items() if scope.touches(name)}
        return {key: value for key, value in body.items() if value}

    def _is_seen(self, sight: Sight, value: Value) -> bool:
        """What a series is shows with `places`; until then it is for nobody who may not see all."""
        place = self.places.get(value[0])
        if place is None:
            return False
        return (sight.personal if value[0] in self.personal else sight.view).allows(*place)
