# SPDX-License-Identifier: Apache-2.0
"""How much one device, and all of them together, may ask of the gateway."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in wall-clock seconds. `receive_max` bounds a device's unsettled QoS 1 messages."""

    max_packet: int = 65_536
    max_connect_packet: int = 4_096
    receive_max: int = 200
    max_waiting_commands: int = 256
    connect_timeout_s: float = 10
    packet_timeout_s: float = 30
    max_keep_alive_s: int = 3_600
    max_connections: int = 20_000
    sessions_per_device: int = 2
    max_delayed_per_address: int = 20
