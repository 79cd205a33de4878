# SPDX-License-Identifier: Apache-2.0
"""What the street's tests are arranged with: a city of a gateway and a clock, and a domain of one small file."""

from __future__ import annotations

import asyncio
import json
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from smartcity.kernel.street import StreetDevice
from smartcity.transports.credentials import SecretTable, digest
from smartcity.transports.inbox import BoundedInbox
from smartcity.transports.messages import Outcome, RawMessage
from smartcity.transports.mqtt.gateway import Gateway
from smartcity.twin.player import Player
from smartcity.twin.street import Street

START = 1_795_600_000_000
ROOT = Path(__file__).resolve().parents[2]

# A domain's room `twin`: counters that count their steps, obey one command, and break when they are told to.
COUNTERS = """
    from smartcity.kernel import senml
    from smartcity.kernel.street import Ack, Up

    class Twin:
        every_s = 5.0
        def __init__(self, devices, world, seed):
            self.count = {d.uid: seed for d in devices}
            self.breaks = False
        def step(self, now_ms, dt_s):
            if self.breaks:
                raise RuntimeError("out of order")
            for uid in self.count:
                self.count[uid] += 1
                yield Up(uid, senml.write({"tiny.count": self.count[uid]}, now_ms))
        def command(self, uid, instruction, now_ms):
            self.count[uid] = instruction["value"]
            return [Ack(uid, instruction["id"], "received"), Ack(uid, instruction["id"], "applied", "as told")]
        def hello(self, uid):
            return {"type": "counter"}
"""


def device(uid, domain="tiny", **given) -> StreetDevice:
    place = {"lon": 24.94, "lat": 60.17, "kind": "counter", "codec": "senml", "metrics": ("tiny.count",)}
    return StreetDevice(**{"uid": uid, "secret": uid * 8, "domain": domain} | place | given)


def domain(folder: Path, monkeypatch, name: str = "tiny", **rooms: str) -> None:
    """A domain's folder with these rooms on the path of this process."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("")
    for room, text in rooms.items():
        (folder / name / f"{room}.py").write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(str(folder))
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)


@dataclass
class City:
    """`at` is its time; it stands still unless a test moves it. `heard` is all that came in, in order."""

    gateway: Gateway
    inbox: BoundedInbox
    mqtt: str
    at: int = START
    mode: str = "SIMULATION"
    http: str = ""
    heard: list[RawMessage] = field(default_factory=list)
    early: list[RawMessage] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    acknowledges: bool = True

    async def listen(self) -> None:
        while True:
            for message in await self.inbox.take(within_s=0.001):
                self.heard.append(message)
                if message.kind == "up" and instants(message)[0] > self.at:
                    self.early.append(message)
                if self.acknowledges:
                    message.settle(Outcome.STORED)

    async def tell_time(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := (await reader.readuntil(b"\r\n\r\n")).decode():
                self.asked.append(int(line.split("follower_at=")[1].split(" ")[0]))
                body = json.dumps({"at": self.at, "speed": 10.0, "ceiling": 10.0, "mode": self.mode}).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def of(self, kind: str, uid: str = "") -> list[RawMessage]:
        return [m for m in self.heard if m.kind == kind and uid in ("", m.device)]


def instants(message: RawMessage) -> list[int]:
    pack = json.loads(message.payload)
    return [round(pack[0]["bt"] * 1000)] * len(pack)


def values(messages: list[RawMessage]) -> list[float]:
    return [json.loads(message.payload)[0]["v"] for message in messages]


@asynccontextmanager
async def open_city(devices: list[StreetDevice]) -> AsyncIterator[City]:
    inbox = BoundedInbox(max_messages=10_000)
    gateway = Gateway(inbox, SecretTable({d.uid: digest(d.secret) for d in devices}), city_ms=lambda: START)
    city = City(gateway, inbox, f"127.0.0.1:{await gateway.serve(port=0)}")
    server = await asyncio.start_server(city.tell_time, "127.0.0.1", 0)
    city.http = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    listening = asyncio.create_task(city.listen())
    try:
        yield city
    finally:
        listening.cancel()
        server.close()
        await gateway.close()


@asynccontextmanager
async def playing(city: City, devices: list[StreetDevice], **options) -> AsyncIterator[Player]:
    street = Street(devices=tuple(devices), zone="Europe/Helsinki", seed=options.pop("seed", 1))
    player = Player(street, mqtt=city.mqtt, http=city.http, **options)
    run = asyncio.create_task(player.run())
    try:
        yield player
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        await player.close()


async def until(condition, within_s: float = 8.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - conditions are of many kinds
            await asyncio.sleep(0.02)
