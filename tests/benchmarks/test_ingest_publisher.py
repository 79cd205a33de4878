# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import ClassVar

import mqtt5

from benchmarks.ingest.publisher import Device, packets, payload
from smartcity.kernel.senml import SenML

NOW = 1_700_000_000_000


def test_no_two_readings_of_a_series_share_an_instant_and_none_is_far_from_now():
    for each in (1, 4, 50):
        said = [one for n in range(30) for one in SenML().decode(payload(3, n, each, NOW), NOW)]
        assert len(said) == 30 * each
        assert max(Counter((one.metric, one.at_ms) for one in said).values()) == 1
        assert all(one.at_ms is not None and NOW <= one.at_ms <= NOW + 10_000 for one in said)


class Line:
    written: ClassVar[list[bytes]] = []

    def write(self, data):
        self.written.append(data)


async def test_all_is_sent_even_when_a_whole_window_is_acknowledged_at_once():
    took: list[float] = []
    device = Device(1, packets(1, 12, 1, NOW), took, window=5)
    device.connection_made(Line())
    device.data_received(mqtt5.ConnAckPacket().write())
    assert device.opened.done()
    device.send(5)
    first = 1
    while device.sent:
        waiting = len(device.sent)
        assert waiting <= 5
        device.data_received(b"".join(mqtt5.PubAckPacket(first + n).write() for n in range(waiting)))
        first += waiting
    async with asyncio.timeout(1):
        await device.done
    assert len(took) == 12
    assert not device.refused
    assert max(took) <= time.monotonic()
