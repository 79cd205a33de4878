# SPDX-License-Identifier: Apache-2.0
"""The mode in force: what a person granted, until when, else what the loop has by default."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from smartcity.control.models import LoopMode
from smartcity.kernel.control import Loop, Mode


def current(
    loop: Loop, zones: Collection[int], now: datetime, *, is_simulation: bool, lock: bool = False
) -> dict[int, Mode]:
    """The mode in force per zone id: what a person granted, else what the loop has by default. One query.

    With `lock`, nobody changes what is granted before the transaction ends.
    """
    rows = LoopMode.objects.select_for_update() if lock else LoopMode.objects.all()
    granted = rows.filter(loop=loop.name, zone__in=zones).values_list("zone", "mode", "until")
    found = dict.fromkeys(zones, by_default(loop, is_simulation))
    found.update({zone: in_force(loop, Mode(mode), until, now, is_simulation) for zone, mode, until in granted})
    return found


def by_default(loop: Loop, is_simulation: bool) -> Mode:
    """With real devices nothing is automatic before a person has granted it."""
    return Mode.ADVISE if loop.default_mode is Mode.AUTO and not is_simulation else loop.default_mode


def in_force(loop: Loop, mode: Mode, until: datetime | None, now: datetime, is_simulation: bool) -> Mode:
    if until is None or until > now:
        return mode
    return by_default(loop, is_simulation) if mode is Mode.LOCAL else Mode.LOCAL


def word(loop: Loop, mode: Mode) -> str:
    """What the trade calls this mode."""
    return loop.words.get(mode, mode.value)
