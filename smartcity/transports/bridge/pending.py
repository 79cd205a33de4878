# SPDX-License-Identifier: Apache-2.0
"""Downlinks the network has had from us, found by their own id or by a command they carry."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from smartcity.transports.bridge.airtime import Spent
from smartcity.transports.bridge.network import Downlink, Network
from smartcity.transports.letters import Letter

NAMES = uuid.UUID("3f0f1d52-9c1c-4a37-9d35-5d2c0f7b9a61")  # of ids that are no UUID themselves


@dataclass(slots=True)
class Pending:
    """`letters` are the commands it carries, one for each device of a group; `device` is the network's name.

    `is_in_queue` until it is transmitted to a device that `sleeps`, whose queue at the network may be put anew as a
    whole. What `is_over` is kept until it would have run out: it may be asked for once more before its end is known.
    """

    downlink: Downlink
    network: Network
    application: str
    device: str
    letters: tuple[Letter, ...]
    until: float
    spent: list[Spent] = field(default_factory=list)
    sleeps: bool = False
    is_in_queue: bool = False
    is_over: bool = False

    @property
    def about(self) -> tuple[tuple[str, str], ...]:
        return tuple((letter.device, letter.id) for letter in self.letters)

    def shares_queue_with(self, other: Pending) -> bool:
        return (self.application, self.device) == (other.application, other.device)


class Register:
    """What was asked of the network and not let go of. Used from the event loop only."""

    def __init__(self) -> None:
        self._pending: dict[str, Pending] = {}
        self._carrier: dict[str, str] = {}

    def __len__(self) -> int:
        return sum(not pending.is_over for pending in self._pending.values())

    def add(self, pending: Pending) -> None:
        self._pending[pending.downlink.id] = pending
        self._carrier |= {letter.id: pending.downlink.id for letter in pending.letters}

    def find(self, network_id: str) -> Pending | None:
        return self._pending.get(network_id)

    def carrying(self, command: str) -> Pending | None:
        """The downlink a command went out with."""
        return self._pending.get(self._carrier.get(command, ""))

    def let_go(self, pending: Pending) -> None:
        if self._pending.pop(pending.downlink.id, None) is not None:
            for letter in pending.letters:
                self._carrier.pop(letter.id, None)

    def expired(self, now: float) -> list[Pending]:
        return [pending for pending in self._pending.values() if pending.until <= now]

    def queue_of(self, one: Pending) -> Iterator[Pending]:
        """What still waits in the same queue, oldest first."""
        return (each for each in self._pending.values() if each.is_in_queue and each.shares_queue_with(one))


def network_id(command: str) -> str:
    """A command's own id; what is no UUID gets one that is always the same."""
    try:
        return str(uuid.UUID(command))
    except ValueError:
        return str(uuid.uuid5(NAMES, command))
