# SPDX-License-Identifier: Apache-2.0
"""What a network tells of a downlink, in the words devices answer commands with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from smartcity.transports.bridge.network import Fate, Told
from smartcity.transports.letters import TRANSMITTED


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be said about a command of a device."""

    device: str
    id: str
    state: str
    reason: str
    at_ms: int | None = None


def in_words(told: Told, confirmed: bool, now_ms: int, time_of_day: Callable[[int], str]) -> tuple[str, str]:
    """(state, reason). `confirmed`: the device was asked to confirm it."""
    if told.fate is Fate.CONFIRMED:
        return "applied", "confirmed by the device over the radio"
    if told.fate is Fate.EXPIRED:
        return "expired", told.reason or "it ran out in the network's queue"
    if told.fate is Fate.FAILED:
        return "refused", f"the network: {told.reason or 'it could not be sent'}"
    if told.fate is Fate.TRIED_AGAIN:
        return TRANSMITTED, "not confirmed by the device yet, the network tries again"
    if told.fate is Fate.UNCONFIRMED:
        return TRANSMITTED, "not confirmed by the device, it goes out again"
    rest = "" if confirmed else ", unconfirmed: its readings must show it"
    if told.fate is Fate.HANDED_OVER:
        return TRANSMITTED, f"given to the network at {time_of_day(now_ms)}{rest}"
    by = f" by gateway {told.on_air.gateway}" if told.on_air and told.on_air.gateway else ""
    return TRANSMITTED, f"transmitted{by} at {time_of_day(told.at_ms or now_ms)}{rest}"
