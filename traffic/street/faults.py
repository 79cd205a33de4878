# SPDX-License-Identifier: Apache-2.0
"""What breaks on the simulated street and when: a few controllers a day, the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random

from traffic.metrics import STATUS

DAY_S = 86_400
A_DAY = 4
LASTS_S = {"dark": 900, "flashing": 1500, "conflict trip": 1200, "door open": 1800, "mains fail": 600}


class Plan:
    """Every day `A_DAY` faults at random signals, kinds and instants."""

    def __init__(self, uids: Sequence[str], seed: int) -> None:
        self.uids, self.seed = list(uids), seed
        self._day = -1
        self._faults: list[tuple[int, int, str, int]] = []

    def broken(self, now: int) -> Mapping[str, int]:
        """Uid → status code of the controllers that are out of order in this second."""
        if now // DAY_S != self._day:
            self._day = now // DAY_S
            self._faults = list(self._draw(self._day))
        return {uid: status for begins, ends, uid, status in self._faults if begins <= now < ends}

    def _draw(self, day: int) -> Iterator[tuple[int, int, str, int]]:
        """Faults begin and end within their day, so that no day needs to know the one before."""
        draw = Random(f"faults{self.seed}/{day}")
        for uid in draw.sample(self.uids, min(A_DAY, len(self.uids))):
            kind = draw.choice(sorted(LASTS_S))
            begins = day * DAY_S + draw.randrange(DAY_S - LASTS_S[kind])
            yield begins, begins + LASTS_S[kind], uid, STATUS.index(kind)
