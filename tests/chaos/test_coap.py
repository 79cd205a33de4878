# SPDX-License-Identifier: Apache-2.0
"""A whole city killed under load over CoAP: what was answered is stored, and the devices go on with the next one."""

from __future__ import annotations

import asyncio
import time
from itertools import count

import pytest
from aiocoap.numbers.codes import Code

from benchmarks.chaos import fuzz_coap, holdings, payloads, victims
from benchmarks.chaos.history import MANY
from tests import city as cities

DEVICES = 8
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def talk(speaker, device, acknowledged, ending):
    """A reading each second of the last hour, each said until it is answered 2.04."""
    began, echo = int(time.time()) - 3_600, None
    for number in count():
        is_answered = False
        while not is_answered:
            if ending.is_set():
                return
            pack = payloads.record(str(number % 80), began + number)
            speaker.ask(*speaker.device.request(pack, **({"echo": echo} if echo else {})))
            for answer in await speaker.answers():
                is_answered, echo = answer.code == Code.CHANGED, answer.opt.echo
        acknowledged.add((device, (began + number) * 1_000))


async def killed_under_load(city):
    acknowledged, ending = set[tuple[int, int]](), asyncio.Event()
    speakers = [await fuzz_coap.arrived(city, device) for device in range(DEVICES)]
    talking = [asyncio.create_task(talk(s, n, acknowledged, ending)) for n, s in enumerate(speakers)]
    await asyncio.sleep(4)
    before = len(acknowledged)
    city.kill()
    city.start(wait=False)  # in this thread: it ends with the one that started it
    await asyncio.to_thread(cities.wait_until_it_answers, city.running)
    await asyncio.sleep(6)
    ending.set()
    await asyncio.gather(*talking)
    for speaker in speakers:
        speaker.raw.transport.close()
    return acknowledged, before


@pytest.mark.proof
def test_killed_under_load_what_was_answered_over_coap_is_stored_and_devices_go_on(tmp_path):
    with victims.victim(tmp_path, devices=DEVICES, coap=True) as city:
        acknowledged, before = asyncio.run(killed_under_load(city))
        counted = city.health()["coap"]
        city.stop()
    held = holdings.read(city.environment, tmp_path / "held.npz").readings
    stored = {(series // MANY, at) for series, at in zip(held.series.tolist(), held.at.tolist(), strict=True)}
    assert before > 50 and len(acknowledged) > before + 50
    assert acknowledged - stored == set()
    assert counted["challenged"] >= DEVICES and "a fault of our own" not in counted["ignored"]
