# SPDX-License-Identifier: Apache-2.0
"""The way to devices, whatever carries it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from smartcity.transports.bridge.bridge import Bridge
from smartcity.transports.letters import Letter, Posted
from smartcity.transports.mqtt.gateway import Gateway, NotConnected


class Line(Protocol):
    """Used from the event loop; `reaches` and `outlook` also from other threads."""

    def post(self, letters: Sequence[Letter]) -> Sequence[Posted]:
        """Send what is due now, and say what became of each. All at once: a group told the same is told once."""
        ...

    def reaches(self, device: str) -> bool: ...

    def outlook(self, device: str, now_ms: int, until_ms: int) -> str:
        """When a command sent now will be there, as "at next uplink, by 04:10"; empty where that is at once."""
        ...


@dataclass(frozen=True, slots=True)
class GatewayLine:
    gateway: Gateway

    def post(self, letters: Sequence[Letter]) -> Sequence[Posted]:
        return [self._send(letter) for letter in letters]

    def reaches(self, device: str) -> bool:
        return self.gateway.is_connected(device)

    def outlook(self, device: str, now_ms: int, until_ms: int) -> str:
        return ""

    def _send(self, letter: Letter) -> Posted:
        sent = self.gateway.send_command(letter.device, letter.payload, message_expiry_s=letter.expires_in_s)
        return Posted.AWAY if isinstance(sent, NotConnected) else Posted.SENT


@dataclass(frozen=True, slots=True)
class Lines:
    """A device that is connected here is told here; the others over the broker, where that knows them."""

    here: GatewayLine
    there: Bridge

    def post(self, letters: Sequence[Letter]) -> Sequence[Posted]:
        near = [letter for letter in letters if self.here.reaches(letter.device)]
        far = [letter for letter in letters if not self.here.reaches(letter.device)]
        posted = zip([*near, *far], [*self.here.post(near), *self.there.post(far)], strict=True)
        by_id = {letter.id: one for letter, one in posted}
        return [by_id[letter.id] for letter in letters]

    def reaches(self, device: str) -> bool:
        return self.here.reaches(device) or self.there.reaches(device)

    def outlook(self, device: str, now_ms: int, until_ms: int) -> str:
        return "" if self.here.reaches(device) else self.there.outlook(device, now_ms, until_ms)


def over(gateway: Gateway, bridge: Bridge | None = None) -> Line:
    """The line through the MQTT device gateway, and through a broker where there is one."""
    here = GatewayLine(gateway)
    return Lines(here, bridge) if bridge else here
