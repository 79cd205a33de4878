# SPDX-License-Identifier: Apache-2.0
"""The two protocol versions behind one pair of functions: bytes to packet and packet to bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from smartcity.transports.mqtt import v311
from smartcity.transports.mqtt.codec import Incoming, read_packet

V5_LEVEL = 5


@dataclass(frozen=True, slots=True)
class Wire:
    """`write` gives None for what the version cannot say."""

    name: str
    is_v5: bool
    read: Callable[[bytes], Incoming]
    write: Callable[[Incoming], bytes | None]


def _write_v5(packet: Incoming) -> bytes:
    return packet.write()


WIRES = {
    V5_LEVEL: Wire("MQTT 5", True, read_packet, _write_v5),
    v311.LEVEL: Wire("MQTT 3.1.1", False, v311.read_v311, v311.write_v311),
}
