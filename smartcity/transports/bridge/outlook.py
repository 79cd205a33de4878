# SPDX-License-Identifier: Apache-2.0
"""When a command given now will be there, in words: a device that sleeps hears only after it has spoken itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from smartcity.transports.bridge.directory import Address

MINUTE_MS: Final = 60_000
PING_PERIOD_MS: Final = 128_000  # LoRaWAN 1.0.4, 12: the longest ping period of class B


def words(
    address: Address, *, now_ms: int, until_ms: int, every_s: float, time_of_day: Callable[[int], str]
) -> str:  # fmt: skip
    """Empty where it is there at once. `every_s` is how often the device speaks, 0 where nobody knows."""
    if address.radio.device_class == "C" or (address.network is None and not every_s):
        return ""
    if address.radio.device_class == "B":
        return f"at its next ping slot, by {time_of_day(_minute(now_ms + PING_PERIOD_MS))}"
    if not every_s:
        return "at next uplink"
    due_ms = _minute((address.heard_ms or now_ms) + int(every_s * 1000))
    if due_ms <= now_ms:
        return f"at next uplink, overdue since {time_of_day(due_ms)}"
    told = f"at next uplink, by {time_of_day(due_ms)}"
    return told if due_ms <= until_ms else f"{told}, but the command ends at {time_of_day(until_ms)}"


def _minute(at_ms: int) -> int:
    """The whole minute it is over by."""
    return -(-at_ms // MINUTE_MS) * MINUTE_MS
