# SPDX-License-Identifier: Apache-2.0
"""The road alone as a process: gateway, pipeline, store and rollups, and nobody who looks on. PORT."""

from __future__ import annotations

import asyncio
import sys

import django
import uvloop


async def serve(port: int) -> None:
    from smartcity.ingest import pipeline
    from smartcity.kernel.clock import clock
    from smartcity.telemetry import upkeep
    from smartcity.transports.inbox import BoundedInbox
    from smartcity.transports.mqtt.gateway import Gateway

    inbox = BoundedInbox()
    road = pipeline.build(inbox, lambda news: None, lambda acks: None, lambda told: None)
    await road.open()
    await Gateway(inbox, road.registry, city_ms=clock.now_ms).serve(port=port)
    print("ready", flush=True)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(road.run())
        tasks.create_task(upkeep.keep_rollups(road.store, clock.now_ms))


if __name__ == "__main__":
    django.setup()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
