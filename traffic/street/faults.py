# SPDX-License-Identifier: Apache-2.0
"""What breaks on the simulated street and when: a few controllers a day, the same ones for the same seed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
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
    red_lamp_failed: bool = False
    ups: int = 0


WORKS = Fault(0)
KINDS: Mapping[str, Fault] = {
    "dark": Fault(900, DARK),
    "flashing": Fault(1500, FLASHING),
    "conflict trip": Fault(1200, CONFLICT),
    "door open": Fault(1800, door_open=True),
    "mains fail": Fault(600, DARK, mains_failed=True),
    "on battery": Fault(900, mains_failed=True, ups=1),
    "battery low": Fault(900, mains_failed=True, ups=2),
    "red lamp": Fault(1200, CONFLICT, red_lamp_failed=True),
    "worked on": Fault(1800, FLASHING, door_open=True),
}


def _is_so(box: Cabinet, fault: Fault) -> bool:
    """Nothing to do. A monitor that has tripped is left as it is until somebody resets it."""
    if box.tripped and fault is WORKS:
        return True
    now = (box.status, box.door_open, box.mains_failed, box.red_lamp_failed, box.ups)
    return now == (fault.status, fault.door_open, fault.mains_failed, fault.red_lamp_failed, fault.ups)


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
            if _is_so(box, fault):
                continue
            box.become(
                fault.status,
                now,
                door_open=fault.door_open,
                mains_failed=fault.mains_failed,
                red_lamp_failed=fault.red_lamp_failed,
                ups=fault.ups,
            )
            changed.add(uid)
        return changed

    def _draw(self, day: int) -> Iterator[tuple[int, str, Fault]]:
        """Faults begin and end within their day, so that no day needs to know the one before."""
        draw = Random(f"faults{self.seed}/{day}")
        for uid in draw.sample(self.uids, min(A_DAY, len(self.uids))):
            fault = KINDS[draw.choice(sorted(KINDS))]
            yield day * DAY_S + draw.randrange(DAY_S - fault.lasts_s), uid, fault


@dataclass(frozen=True, slots=True)
class Struck:
    """What an operator of the demo has broken: approaches without their plug, cabinets that hear nobody, clocks off."""

    detectors: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()
    clocks: Mapping[str, int] = field(default_factory=dict)


NOBODY = Struck()
FILE = "faults.json"


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing broken by hand: `what` is detector, line or clock; `by_s` how far a clock is off; until a second."""

    what: str
    uid: str
    until_s: int
    by_s: int = 0


class ByHand:
    """Reads what `manage.py twinfault` has written, whenever that changes; one that makes no sense breaks nothing."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._changed_at: int | None = None
        self._wishes: tuple[Wish, ...] = ()

    def struck(self, now: int) -> Struck:
        try:
            changed_at = self._path.stat().st_mtime_ns
        except OSError:
            return NOBODY
        if changed_at != self._changed_at:
            self._changed_at, self._wishes = changed_at, read(self._path)
        lasting = [wish for wish in self._wishes if now < wish.until_s]
        if not lasting:
            return NOBODY
        return Struck(
            frozenset(wish.uid for wish in lasting if wish.what == "detector"),
            frozenset(wish.uid for wish in lasting if wish.what == "line"),
            {wish.uid: wish.by_s for wish in lasting if wish.what == "clock"},
        )


def read(path: Path) -> tuple[Wish, ...]:
    """Empty where there is no file or it makes no sense."""
    try:
        return tuple(Wish(**entry) for entry in json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return ()
