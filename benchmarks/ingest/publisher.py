# SPDX-License-Identifier: Apache-2.0
"""Devices that publish with MQTT 5 and QoS 1, a connection each; packets are written before they are sent.

    python -m benchmarks.ingest.publisher PORT DEVICES MESSAGES EACH RATE [CERTIFICATE]

MESSAGES in all, of EACH readings; as fast as acknowledgements come with RATE 0, or RATE a second, and then each is
about the instant at which it is sent. With TLS where a certificate to trust is given. Says `connected`, waits for a
line, and ends with a line of JSON: what it cost here, and how long acknowledgements took.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections import deque
from functools import partial
from typing import Any, Final

import mqtt5
import numpy as np
import uvloop

from benchmarks.chaos.provision import secret, uid
from smartcity.transports.mqtt.codec import read_packet
from smartcity.transports.mqtt.framing import FrameReader

METRICS: Final = ("lighting.power_w", "lighting.dim_level")
WINDOW: Final = 50
STEP_MS: Final = 4
PATIENCE_S: Final = 120.0


def payload(device: int, number: int, each: int, base_ms: int) -> bytes:
    """No two readings of a series at one instant, nothing far from now."""
    first = number * each
    pack = [
        {"n": METRICS[k % 2], "v": 40 + (device + k) % 50, "t": (base_ms + k // 2 * STEP_MS) / 1000}
        for k in range(first, first + each)
    ]
    return json.dumps(pack).encode()


class Device(asyncio.Protocol):
    """Acknowledgements come in the order of sending (MQTT 5, 4.6). With `window` 0 somebody else says when to send."""

    def __init__(self, number: int, packets: deque[bytes], took: list[float], window: int) -> None:
        loop = asyncio.get_running_loop()
        self.number, self.packets, self.took, self.window = number, packets, took, window
        self.opened: asyncio.Future[None] = loop.create_future()
        self.done: asyncio.Future[None] = loop.create_future()
        self.sent: deque[float] = deque()
        self.refused = 0
        self.has_begun = False
        self._reader = FrameReader(65_536)

    def connection_made(self, transport: Any) -> None:
        self.transport: asyncio.Transport = transport
        name = uid(self.number)
        hello = mqtt5.ConnectPacket(name, username=name, password=secret(name).encode(), clean_start=True, keep_alive=0)
        transport.write(hello.write())

    def connection_lost(self, problem: Exception | None) -> None:
        for future in (self.opened, self.done):
            if not future.done():
                future.set_exception(ConnectionError(f"{uid(self.number)} was cut off"))

    def send(self, many: int) -> None:
        self.has_begun = True
        many = min(many, len(self.packets))
        if many > 0:
            self.transport.write(b"".join(self.packets.popleft() for _ in range(many)))
            self.sent.extend([time.monotonic()] * many)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (frame := self._reader.next_frame()) is not None:
            packet = read_packet(frame)
            if isinstance(packet, mqtt5.ConnAckPacket):
                self.opened.set_result(None)
            elif isinstance(packet, mqtt5.PubAckPacket):
                self.took.append(time.monotonic() - self.sent.popleft())
                self.refused += packet.reason_code.value != 0
        if self.window and self.has_begun:
            self.send(self.window - len(self.sent))
        if self.has_begun and not self.packets and not self.sent and not self.done.done():
            self.done.set_result(None)


def packets(device: int, many: int, each: int, base_ms: int) -> deque[bytes]:
    return deque(packet(device, n, payload(device, n, each, base_ms)) for n in range(many))


def packet(device: int, number: int, said: bytes) -> bytes:
    topic, number = f"sc/{uid(device)}/up", 1 + number % 60_000
    return mqtt5.PublishPacket(topic, said, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=number).write()


async def at_a_rate(devices: list[Device], messages: int, each: int, rate: float) -> None:
    """One message after another, device after device, each at its instant; its newest reading is of now."""
    began, older_ms = time.monotonic(), (each - 1) // 2 * STEP_MS
    for n in range(messages):
        wait = began + n / rate - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        device, turn = devices[n % len(devices)], n // len(devices)
        said = payload(device.number, 0, each, time.time_ns() // 1_000_000 - older_ms)
        device.packets[0] = packet(device.number, turn, said)
        device.send(1)


async def main(port: int, many: int, messages: int, each: int, rate: float, certificate: str) -> None:
    loop, took = asyncio.get_running_loop(), list[float]()
    trust = ssl.create_default_context(cafile=certificate) if certificate else None
    base_ms = round(time.time() * 1000)
    devices = [Device(n, packets(n, messages // many, each, base_ms), took, 0 if rate else WINDOW) for n in range(many)]
    for device in devices:
        name = "localhost" if trust else None
        await loop.create_connection(partial(_same, device), "127.0.0.1", port, ssl=trust, server_hostname=name)
        await device.opened
    print("connected", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    wall, cpu = time.monotonic(), time.process_time()
    if rate:
        await at_a_rate(devices, messages // many * many, each, rate)
    else:
        for device in devices:
            device.send(WINDOW)
    async with asyncio.timeout(PATIENCE_S):
        for device in devices:
            await device.done
    told = {
        "wall_s": time.monotonic() - wall, "cpu_s": time.process_time() - cpu, "acknowledged": len(took),
        "refused": sum(device.refused for device in devices),
        "p50_ms": float(np.quantile(took, 0.5)) * 1000, "p99_ms": float(np.quantile(took, 0.99)) * 1000,
    }  # fmt: skip
    print(json.dumps(told), flush=True)


def _same(device: Device) -> Device:
    return device


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        port, many, messages, each = map(int, sys.argv[1:5])
        runner.run(main(port, many, messages, each, float(sys.argv[5]), "".join(sys.argv[6:])))
