# SPDX-License-Identifier: Apache-2.0
"""Which devices are silent, and when many silent ones are one alarm of their zone instead of many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from smartcity.alarms.condition import Bools, Floats, Ints

MANY: Final = 5
FEW: Final = 2
INTERVALS: Final = 2.0
MARGIN_S: Final = 10.0
WALL_FLOOR_S: Final = 5.0


def limits_ms(every_s: Floats, speed: float) -> Ints:
    """How long a device may say nothing: two expected intervals and ten seconds, at least five seconds of the wall."""
    city_s = np.maximum(INTERVALS * every_s + MARGIN_S, WALL_FLOOR_S * speed)
    return (1000 * city_s).astype(np.int64)


def silent(last_seen: Ints, limits: Ints, now_ms: int, listening_since_ms: int) -> tuple[Bools, Bools]:
    """(fell silent, is heard) for devices last seen at `last_seen` (city ms, 0 = never).

    While nobody listened nobody was silent: the limit counts from `listening_since_ms` at the earliest. A device that
    was never heard is not silent but not yet in service.
    """
    quiet_ms = now_ms - np.maximum(last_seen, listening_since_ms)
    return (last_seen > 0) & (quiet_ms > limits), (last_seen > 0) & (now_ms - last_seen <= limits)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one alarm may stand for many: a domain in a zone."""

    domain: str
    zone: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in one place: assets with an alarm of their own, and the members of the place's alarm, if it has one.

    `recent` are those of `single` that a new common alarm may take in: unacknowledged and young.
    """

    single: frozenset[int] = frozenset()
    recent: frozenset[int] = frozenset()
    group: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to change in one place: single alarms to raise and clear, and the members the common alarm has now
    (None = it does not stand)."""

    raise_single: frozenset[int] = frozenset()
    clear_single: frozenset[int] = frozenset()
    group: frozenset[int] | None = None


def decide(quiet: frozenset[int], heard: frozenset[int], stands: Standing) -> Decision:
    """One place's next alarms, from the assets now silent and those now heard. All ids are of this place.

    Five that fall silent within the same while are one alarm, which takes in their single ones and every further one;
    it ends when two or fewer are left, which then stand for themselves. What is neither silent nor heard stays.
    """
    if stands.group is not None:
        members = (stands.group | (quiet - stands.single)) - heard
        if len(members) > FEW:
            return Decision(clear_single=stands.single & heard, group=members)
        return Decision(raise_single=members & quiet, clear_single=stands.single & heard)
    new = quiet - stands.single
    together = new | (stands.recent - heard)
    if new and len(together) >= MANY:
        return Decision(clear_single=(stands.single & heard) | (together & stands.single), group=together)
    return Decision(raise_single=new, clear_single=stands.single & heard)


def by_place(assets: Mapping[int, Place], wanted: frozenset[int]) -> dict[Place, frozenset[int]]:
    found: dict[Place, set[int]] = {}
    for asset in wanted:
        found.setdefault(assets[asset], set()).add(asset)
    return {place: frozenset(members) for place, members in found.items()}
