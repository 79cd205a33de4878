# SPDX-License-Identifier: Apache-2.0
"""Devices that speak CoAP under OSCORE: PORT DEVICES ROUNDS EACH. Five messages of EACH readings a device and round.

Says `connected` when the city knows them all, waits for a line, and ends with the number of messages answered 2.04.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass

from aiocoap.numbers.codes import Code

from benchmarks.chaos.fuzz_coap import PACE_S, WINDOW, Speaker, arrived
from benchmarks.ingest.publisher import payload


@dataclass(frozen=True, slots=True)
class Door:
    coap_port: int


async def speak(speaker: Speaker, device: int, rounds: int, each: int) -> int:
    answered, base_ms = 0, round(time.time() * 1000)
    for n in range(rounds):
        began = time.monotonic()
        for k in range(WINDOW):
            speaker.ask(*speaker.device.request(payload(device, n * WINDOW + k, each, base_ms)))
        answered += sum(answer.code == Code.CHANGED for answer in await speaker.answers())
        await asyncio.sleep(max(0.0, began + PACE_S - time.monotonic()))
    return answered


async def main(port: int, devices: int, rounds: int, each: int) -> None:
    speakers = [await arrived(Door(port), n) for n in range(devices)]
    for speaker in speakers:
        await speaker.introduce()
    print("connected", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    print(sum(await asyncio.gather(*(speak(one, n, rounds, each) for n, one in enumerate(speakers)))), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:5])))
