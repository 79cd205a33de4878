# SPDX-License-Identifier: Apache-2.0
"""What becomes of a message the city refused: it is not acknowledged, so that the broker delivers it again.

A broker has only so many unacknowledged messages under way (our receive maximum; in MQTT 3.1.1 its own, Mosquitto 20),
and delivers again only on a new connection. So when too many are refused we connect again; and a device whose
unreadable messages come back to a quarantine that is still full must not keep all others waiting: its surplus is given
up, and counted.
Readings are never given up: where a message is refused for any other reason, the broker waits.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from smartcity.transports.messages import QUARANTINE_FULL, Outcome

MOST: Final = 10
FIRST_PAUSE_S: Final = 60.0
LONGEST_PAUSE_S: Final = 1_800.0
PRESSED_PAUSE_S: Final = 5.0
STUBBORN_S: Final = 600.0
MOST_STUBBORN: Final = 1_000


class Refusals:
    """Instants are monotonic seconds. `given_up` counts messages, `stubborn` are the devices they came from lately."""

    def __init__(self) -> None:
        self.given_up = 0
        self.waiting = 0
        self._stubborn: OrderedDict[str, float] = OrderedDict()
        self._first_at: float | None = None
        self._pause_s = FIRST_PAUSE_S
        self._was_pressed = False

    def may_give_up(self, device: str, outcome: Outcome, *, is_again: bool, now: float) -> bool:
        """Whether a refused message is to be acknowledged all the same; if not, it waits for another connection."""
        if outcome == QUARANTINE_FULL:
            if is_again and (self._was_pressed or self.waiting >= MOST):
                self._remember(device, now + STUBBORN_S)
            if self._stubborn.get(device, 0.0) > now:
                self.given_up += 1
                return True
        self.waiting += 1
        self._first_at = now if self._first_at is None else self._first_at
        return False

    def is_time_to_reconnect(self, now: float) -> bool:
        """What waits should be delivered again now."""
        if self._first_at is None:
            return False
        return now - self._first_at >= (PRESSED_PAUSE_S if self.waiting >= MOST else self._pause_s)

    def connected(self) -> None:
        """Everything that waited comes again; each time in vain the pause before the next doubles."""
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S) if self.waiting else FIRST_PAUSE_S
        self._was_pressed = self.waiting >= MOST
        self.waiting, self._first_at = 0, None

    @property
    def stubborn(self) -> list[str]:
        return list(self._stubborn)

    def _remember(self, device: str, until: float) -> None:
        self._stubborn.pop(device, None)
        self._stubborn[device] = until
        if len(self._stubborn) > MOST_STUBBORN:
            self._stubborn.popitem(last=False)
