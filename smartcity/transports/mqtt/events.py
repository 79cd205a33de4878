# SPDX-License-Identifier: Apache-2.0
"""What a session tells the gateway, and the states it goes through; a message is told as the RawMessage itself."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from smartcity.transports.messages import RawMessage


class State(enum.Enum):
    NEW = "new"
    AUTHENTICATING = "authenticating"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ConnectRequested:
    """Answer with `Session.accept` or `Session.reject`; nothing more is read before."""

    username: str
    password: bytes
    client_id: str


@dataclass(frozen=True, slots=True)
class CommandsWanted:
    """The device has subscribed to its commands: what it missed may be sent."""


Event = ConnectRequested | CommandsWanted | RawMessage
