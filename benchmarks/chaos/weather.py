# SPDX-License-Identifier: Apache-2.0
"""When which message arrives: in order, or with everything a street does to it. Touches nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.chaos.history import METRICS

TICK_MS: Final = 600_000
DAY_TICKS: Final = 144
DAY_MS: Final = 86_400_000
MINUTE_MS: Final = 60_000
SEALED_MS: Final = 40 * 60 * MINUTE_MS  # so long after its end a day has been sealed: 36 hours and a round of tidying
TEN_YEARS_MS: Final = 10 * 365 * 86_400_000
REORDERED, REPEATED, AHEAD = 0.20, 0.30, 0.01
LONGEST_REPEAT_TICKS: Final = 3 * DAY_TICKS  # into days that are sealed by then


@dataclass(frozen=True, slots=True)
class Street:
    """So many devices over so many ticks of ten minutes from an instant; each says two messages a tick."""

    devices: int
    ticks: int
    start_ms: int

    def now_ms(self, tick: int) -> int:
        """City time while the messages of a tick arrive: its end."""
        return self.start_ms + (tick + 1) * TICK_MS


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message of a device about an instant, which arrives in a tick. `is_ahead`: its clock lies in the future."""

    tick: int
    device: int
    at: int
    is_ahead: bool = False


def in_order(street: Street) -> Iterator[Delivery]:
    """Each message in the tick it is about. Both of a tick lie within one minute, of which some metrics keep one."""
    for tick in range(street.ticks):
        for second in (0, 20_000):
            for device in range(street.devices):
                minute = street.start_ms + tick * TICK_MS + device % 9 * MINUTE_MS
                yield Delivery(tick, device, minute + 5_000 + 7 * device + second)


def disordered(street: Street, seed: int) -> list[Delivery]:
    """The same messages: a fifth up to a day late, and further ones nobody should notice: near a third of them again
    at once, within a day or within three, and one in a hundred from a clock that is ahead. Shuffled within a tick."""
    chance = random.Random(seed)
    found = []
    for message in in_order(street):
        late = chance.randint(1, DAY_TICKS) if chance.random() < REORDERED else 0
        first = replace(message, tick=message.tick + late)
        found.append(first)
        if chance.random() < REPEATED:
            again = chance.choice((0, chance.randint(0, DAY_TICKS), chance.randint(0, LONGEST_REPEAT_TICKS)))
            found.append(replace(first, tick=first.tick + again))
        if chance.random() < AHEAD:
            ahead = chance.choice((chance.randint(11 * MINUTE_MS, 60 * MINUTE_MS), chance.randint(0, TEN_YEARS_MS)))
            at = street.now_ms(first.tick) + 11 * MINUTE_MS + ahead
            found.append(replace(first, at=at, is_ahead=True))
    chance.shuffle(found)
    return sorted(found, key=lambda delivery: delivery.tick)


def is_sealed(street: Street, delivery: Delivery) -> bool:
    """Whether the day it is about has been packed when it arrives."""
    day_ends = (delivery.at // DAY_MS + 1) * DAY_MS
    return street.now_ms(delivery.tick) > day_ends + SEALED_MS


def payload(delivery: Delivery) -> bytes:
    """A reading of each metric; the value follows from what it is of and when."""
    records = ",".join(
        f'{{"n":"{metric}","v":{_value(delivery, k)},"t":{delivery.at / 1000:.3f}}}' for k, metric in enumerate(METRICS)
    )
    return f"[{records}]".encode()


def _value(delivery: Delivery, k: int) -> float:
    return (delivery.at // 1000 * 7 + delivery.device * 3 + k) % 400 / 4
