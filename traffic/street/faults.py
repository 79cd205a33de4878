# SPDX-License-Identifier: Apache-2.0
"""What breaks on the simulated street and when: a few controllers a day, the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from traffic.street.controller import CONFLICT, DARK, FLASHING, OK, Cabinet

DAY_S = 86_400
A_DAY = 4


@dataclass(frozen=True, slots=True)
class Fault:
    """What a controller is while it lasts: what it shows, and its door and mains, each for itself."""

    lasts_s: int
    status: int = OK
    door_open: bool = False
    mains_failed: bool = False


WORKS = Fault(0)
KINDS: Mapping[str, Fault] = {
    "dark": Fault(900, DARK),
    "flashing": Fault(1500, FLASHING),
    "conflict trip": Fault(1200, CONFLICT),
    "door open": Fault(1800, door_open=True),
    "mains fail": Fault(600, DARK, mains_failed=True),
    "worked on": Fault(1800, FLASHING, door_open=True),
}


class Plan:
    """Every day `A_DAY` faults at random signals, kinds and instants."""

    def __init__(self, uids: Sequence[str], seed: int) -> None:
        self.uids, self.seed = list(uids), seed
        self._day = -1
        self._faults: list[tuple[int, str, Fault]] = []

    def broken(self, now: int) -> Mapping[str, Fault]:
        """Uid → fault of the controllers that are out of order in this second."""
        if now // DAY_S != self._day:
            self._day = now // DAY_S
            self._faults = list(self._draw(self._day))
        return {uid: fault for begins, uid, fault in self._faults if begins <= now < begins + fault.lasts_s}

    def strike(self, cabinets: Mapping[str, Cabinet], now: int) -> set[str]:
        """Break and mend them as is due in this second; the uids of those for which that changes anything."""
        broken, changed = self.broken(now), set()
        for uid, box in cabinets.items():
            fault = broken.get(uid, WORKS)
            if (box.status, box.door_open, box.mains_failed) != (fault.status, fault.door_open, fault.mains_failed):
                box.become(fault.status, now, door_open=fault.door_open, mains_failed=fault.mains_failed)
                changed.add(uid)
        return changed

    def _draw(self, day: int) -> Iterator[tuple[int, str, Fault]]:
        """Faults begin and end within their day, so that no day needs to know the one before."""
        draw = Random(f"faults{self.seed}/{day}")
        for uid in draw.sample(self.uids, min(A_DAY, len(self.uids))):
            fault = KINDS[draw.choice(sorted(KINDS))]
            yield day * DAY_S + draw.randrange(DAY_S - fault.lasts_s), uid, fault
