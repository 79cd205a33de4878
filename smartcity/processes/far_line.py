# SPDX-License-Identifier: Apache-2.0
"""The way to devices that are connected to other processes: a letter is handed to the ingester that holds the device.

PostgreSQL passes a letter on only while the sender's epoch leads, so that one that was paused says nothing more; and an
ingester does not deliver what was posted too long ago. What is lost on the way is said again until it is answered.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

from smartcity.bus.postgres import PostgresBus, Proviso
from smartcity.bus.words import TooLong
from smartcity.control import leases
from smartcity.control.leader import Leader
from smartcity.control.models import Lease
from smartcity.kernel.clock import wall_ms
from smartcity.processes.topics import LETTERS
from smartcity.processes.whereabouts import Whereabouts
from smartcity.transports.letters import Letter, Posted

TOO_LONG: Final = "the command is too long to be passed to the process that holds the device"


class FarLine:
    """A control.line.Line. `leader` is set before the first letter is posted."""

    leader: Leader

    def __init__(self, bus: PostgresBus, whereabouts: Whereabouts) -> None:
        self._bus, self._whereabouts = bus, whereabouts

    def post(self, letters: Sequence[Letter]) -> Sequence[Posted]:
        epoch = self.leader.epoch
        return [self._post(letter, epoch) for letter in letters]

    def reaches(self, device: str) -> bool:
        return self._whereabouts.holder(device) is not None

    def outlook(self, device: str, now_ms: int, until_ms: int) -> str:
        """The ingester says it, as its answer to the letter."""
        return ""

    def _post(self, letter: Letter, epoch: int | None) -> Posted:
        to = self._whereabouts.holder(letter.device)
        if to is None or epoch is None:
            return Posted.AWAY
        try:
            self._bus.say(LETTERS, [_item(to, epoch, letter)], _leads(epoch))
        except TooLong:
            return Posted.refused(TOO_LONG)
        return Posted.SENT


def _item(to: str, epoch: int, letter: Letter) -> list[Any]:
    payload = base64.b64encode(letter.payload).decode()
    return [to, epoch, wall_ms(), letter.device, letter.id, letter.point, payload, letter.expires_in_s]


def _leads(epoch: int) -> Proviso:
    table = Lease._meta.db_table
    held = f"EXISTS (SELECT 1 FROM {table} WHERE name = %s AND epoch = %s AND expires > clock_timestamp())"
    return Proviso(held, (leases.CONTROL, epoch))
