# SPDX-License-Identifier: Apache-2.0
"""A city that does nothing but take readings from a broker, as a process that may be killed: bridge, pipeline, store.

Arguments: the mapping file, our name at the broker, and the databases' names as JSON (alias → name).
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path


async def serve(path: Path, client_id: str) -> None:
    from smartcity.ingest import pipeline
    from smartcity.kernel.clock import clock
    from smartcity.transports.bridge import mapping
    from smartcity.transports.bridge.bridge import Bridge
    from smartcity.transports.inbox import BoundedInbox
    from smartcity.transports.mqtt.client import Retry

    inbox = BoundedInbox()
    road = pipeline.build(inbox, lambda news: None, lambda acks: None, lambda told: None)
    await road.open()
    bridge = Bridge(
        mapping.read(path), inbox, city_ms=clock.now_ms, client_id=client_id, retry=Retry(first_s=0.05, longest_s=0.2)
    )
    listening = asyncio.create_task(bridge.run())
    await bridge.wait_connected()
    print("ready", flush=True)
    await asyncio.gather(listening, road.run())


def main() -> None:
    import json

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcity.settings")
    from django.conf import settings

    for alias, name in json.loads(sys.argv[3]).items():
        settings.DATABASES[alias]["NAME"] = name
    import django

    django.setup()
    from smartcity.devices import time_zone

    time_zone.learn()  # the database is not asked from within the loop
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))


if __name__ == "__main__":
    main()
