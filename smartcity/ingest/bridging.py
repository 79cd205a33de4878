# SPDX-License-Identifier: Apache-2.0
"""The bridge of this city, where a mapping file is named: it knows how often devices speak and when they last did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Final

from django.conf import settings

from smartcity import declared
from smartcity.devices import time_zone
from smartcity.ingest.registry import Registry
from smartcity.telemetry import read
from smartcity.transports.bridge import mapping
from smartcity.transports.bridge.bridge import Bridge
from smartcity.transports.bridge.mapping import BadMapping
from smartcity.transports.messages import Inbox

SEEN_S: Final = 60.0


def build(inbox: Inbox, registry: Registry, *, city_ms: Callable[[], int]) -> Bridge | None:
    """None where SMARTCITY_BRIDGE names no file. Raises BadMapping."""
    if not settings.BRIDGE:
        return None
    path = Path(settings.BRIDGE)
    found = mapping.read(path)
    _check_codecs(path, found)
    devices = _Devices(registry)
    return Bridge(
        found,
        inbox,
        city_ms=city_ms,
        client_id=settings.BRIDGE_CLIENT_ID,
        every_s=devices.every_s,
        last_ms=devices.last_ms,
        time_of_day=time_of_day,
    )


class _Devices:
    """Used from any thread. When devices were last heard is read for all at once, and again after a minute."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._seen: Mapping[int, int] = {}
        self._seen_until = 0.0

    def every_s(self, uid: str) -> float:
        """How often it is expected to speak: as its quickest metric declares; 0 for a stranger."""
        known = self._registry.device(uid)
        metrics = declared.metrics()
        return min((metrics[name].every_s for name in known.series if name in metrics), default=0.0) if known else 0.0

    def last_ms(self, uid: str) -> int:
        """When it was last heard, by whoever heard it; 0 when never."""
        known = self._registry.device(uid)
        if known is None:
            return 0
        if monotonic() >= self._seen_until:
            self._seen = read.last_seen([one.id for one in self._registry.roster.devices.values()])
            self._seen_until = monotonic() + SEEN_S
        return self._seen.get(known.id, 0)


def time_of_day(at_ms: int) -> str:
    """HH:MM in the city."""
    return datetime.fromtimestamp(at_ms / 1000, time_zone.city_zone()).strftime("%H:%M")


def _check_codecs(path: Path, found: mapping.Mapping) -> None:
    known = declared.codecs()
    for source in found.sources:
        if source.codec and source.codec not in known:
            raise BadMapping(f"{path}: no codec is called {source.codec!r}; there are {', '.join(sorted(known))}")
