# SPDX-License-Identifier: Apache-2.0
"""The CoAP door of this city, where an address is set for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.conf import settings

from smartcity.ingest.registry import Registry
from smartcity.transports.messages import Inbox

if TYPE_CHECKING:
    from smartcity.transports.coap.door import Door


def build(inbox: Inbox, registry: Registry, *, city_ms: Callable[[], int]) -> Door | None:
    """None where SMARTCITY_COAP is empty: the library takes 0.3 s to load, which only those wait for who use it."""
    if not settings.COAP_ADDRESS:
        return None
    from smartcity.transports.coap.door import Door
    from smartcity.transports.coap.numbering import Numbers

    return Door(inbox, registry, Numbers(settings.VAR / "coap.sequence", time.time_ns() // 10**6), city_ms=city_ms)


async def listen(door: Door) -> int:
    """The port it listens on. Raises OSError, or ValueError for an address that is none."""
    host, _, port = settings.COAP_ADDRESS.rpartition(":")
    return await door.serve(host.strip("[]"), int(port))
