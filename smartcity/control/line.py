# SPDX-License-Identifier: Apache-2.0
"""The way to devices, whatever carries it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from smartcity.transports.mqtt.gateway import Gateway, NotConnected


class Line(Protocol):
    """Used from the event loop; `reaches` also from other threads."""

    def __call__(self, device: str, payload: bytes, expiry_s: float) -> bool:
        """Send; False when the device is not there. `expiry_s` is wall time."""
        ...

    def reaches(self, device: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class GatewayLine:
    gateway: Gateway

    def __call__(self, device: str, payload: bytes, expiry_s: float) -> bool:
        return not isinstance(self.gateway.send_command(device, payload, message_expiry_s=expiry_s), NotConnected)

    def reaches(self, device: str) -> bool:
        return self.gateway.is_connected(device)


def over(gateway: Gateway) -> GatewayLine:
    """The line through the MQTT device gateway."""
    return GatewayLine(gateway)
