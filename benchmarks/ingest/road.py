# SPDX-License-Identifier: Apache-2.0
"""The road alone as a process: doors, pipeline, store and rollups, and nobody who looks on.

    python -m benchmarks.ingest.road MQTT [--tls PORT CERTIFICATE] [--http PORT] [--coap PORT]

Says `ready` when it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import ssl
import sys

import django
import uvloop


async def serve(asked: argparse.Namespace) -> None:
    from smartcity.ingest import coap_door, pipeline
    from smartcity.kernel.clock import clock
    from smartcity.telemetry import upkeep
    from smartcity.transports.inbox import BoundedInbox
    from smartcity.transports.mqtt.gateway import Gateway

    inbox = BoundedInbox()
    road = pipeline.build(inbox, lambda news: None, lambda acks: None, lambda told: None)
    await road.open()
    gateway = Gateway(inbox, road.registry, city_ms=clock.now_ms)
    await gateway.serve(port=asked.port)
    if asked.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(asked.tls[1])
        await gateway.serve(port=int(asked.tls[0]), ssl=context)
    async with asyncio.TaskGroup() as tasks:
        if asked.http:
            from benchmarks.ingest import web

            server = web.door(inbox, road.registry, clock.now_ms, asked.http)
            tasks.create_task(server.serve())
            await server.is_up.wait()
        if door := coap_door.build(inbox, road.registry, city_ms=clock.now_ms):
            await coap_door.listen(door)
        tasks.create_task(road.run())
        tasks.create_task(upkeep.keep_rollups(road.store, clock.now_ms))
        print("ready", flush=True)


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--http", type=int, default=0)
    parser.add_argument("--coap", type=int, default=0)
    return parser.parse_args(sys.argv[1:])


if __name__ == "__main__":
    given = asked()
    os.environ["SMARTCITY_COAP"] = f"127.0.0.1:{given.coap}" if given.coap else ""
    django.setup()
    from smartcity.devices import time_zone

    time_zone.learn()  # the database is not asked from within the loop
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(given))
