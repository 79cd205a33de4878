# SPDX-License-Identifier: Apache-2.0
"""When the same trouble of many assets is one alarm of their zone instead of many. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MANY: Final = 5
FEW: Final = 2


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


def decide(bad: frozenset[int], good: frozenset[int], stands: Standing) -> Decision:
    """One place's next alarms, from the assets now in trouble and those out of it. All ids are of this place.

    Five that come into trouble within the same while are one alarm, which takes in their single ones and every further
    one; it ends when two or fewer are left, which then stand for themselves. What is neither bad nor good stays.
    """
    if stands.group is not None:
        members = (stands.group | (bad - stands.single)) - good
        if len(members) > FEW:
            return Decision(clear_single=stands.single & good, group=members)
        return Decision(raise_single=members & bad, clear_single=stands.single & good)
    new = bad - stands.single
    together = new | (stands.recent - good)
    if new and len(together) >= MANY:
        return Decision(clear_single=(stands.single & good) | (together & stands.single), group=together)
    return Decision(raise_single=new, clear_single=stands.single & good)


def by_place(assets: Mapping[int, Place], wanted: frozenset[int]) -> dict[Place, frozenset[int]]:
    found: dict[Place, set[int]] = {}
    for asset in wanted:
        found.setdefault(assets[asset], set()).add(asset)
    return {place: frozenset(members) for place, members in found.items()}
