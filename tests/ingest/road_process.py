# SPDX-License-Identifier: Apache-2.0
"""A city that does nothing but take readings, as a process that may be killed: gateway, pipeline and store.

Arguments: the port, and the databases' names as JSON (alias → name), because tests have databases of their own.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys


async def serve(port: int) -> None:
    from smartcity.ingest import pipeline
    from smartcity.kernel.clock import clock
    from smartcity.transports.inbox import BoundedInbox
    from smartcity.transports.mqtt.gateway import Gateway

    inbox = BoundedInbox()
    road = pipeline.build(inbox, lambda news: None, lambda acks: None, lambda told: None)
    await road.open()
    gateway = Gateway(inbox, road.registry, city_ms=clock.now_ms)
    await gateway.serve(port=port)
    print("ready", flush=True)
    await road.run()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcity.settings")
    from django.conf import settings

    for alias, name in json.loads(sys.argv[2]).items():
        settings.DATABASES[alias]["NAME"] = name
    import django

    django.setup()
    asyncio.run(serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
