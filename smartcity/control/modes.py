# SPDX-License-Identifier: Apache-2.0
"""Granting a loop a mode in a zone, and taking it back."""

from __future__ import annotations

from django.db import transaction

from smartcity import declared
from smartcity.api.audit import Actor, record
from smartcity.control import releasing
from smartcity.control.grants import by_default, in_force, word
from smartcity.control.instants import instant
from smartcity.control.models import LoopMode
from smartcity.control.refusals import Refused
from smartcity.control.situations import DEMO
from smartcity.devices.models import Asset, Zone
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Loop, Mode

THE_CLOCK = Actor("the clock")


def set_mode(
    loop_name: str,
    zone: Zone,
    mode: Mode | str,
    *,
    by: Actor,
    reason: str,
    now_ms: int,
    is_simulation: bool,
    until_ms: int | None = None,
) -> LoopMode:
    """Grant or take back; leaving `auto` tells the devices of the zone to return to their local programme.

    Raises Refused for an unknown loop or mode, an empty reason, or an end that has passed.
    """
    loop = declared.loops().get(loop_name)
    if loop is None:
        raise Refused(f"There is no loop called {loop_name}.")
    if not reason.strip():
        raise Refused("Say why, so that the next shift knows.")
    if mode not in [m.value for m in Mode]:
        raise Refused(f"A mode is one of {', '.join(m.value for m in Mode)}.")
    if until_ms is not None and until_ms <= now_ms:
        raise Refused("The end lies in the past.")
    with transaction.atomic():
        return _set(loop, zone, Mode(mode), by, reason, now_ms, until_ms, is_simulation)


def _set(
    loop: Loop,
    zone: Zone,
    mode: Mode,
    by: Actor,
    reason: str,
    now_ms: int,
    until_ms: int | None,
    is_simulation: bool,
) -> LoopMode:
    now = instant(now_ms)
    before = LoopMode.objects.select_for_update().filter(loop=loop.name, zone=zone).first()
    was = in_force(loop, Mode(before.mode), before.until, now, is_simulation) if before else None
    values = {
        "mode": mode.value,
        "set_by": by.name,
        "reason": reason,
        "since": now,
        "until": instant(until_ms) if until_ms is not None else None,
    }
    row, _ = LoopMode.objects.update_or_create(loop=loop.name, zone=zone, defaults=values)
    if mode is not Mode.AUTO:
        releasing.release(loop, zone, now_ms=now_ms, reason=f"{loop.title}: {word(loop, mode)}. {reason}", by=by)
    record(
        by,
        "mode.set",
        f"{loop.name} in {zone.code}",
        before={"mode": was} if was else None,
        after={"mode": mode.value, "until": row.until},
        reason=reason,
    )
    return row


def expire(now_ms: int, *, is_simulation: bool) -> int:
    """Grants whose time is over: `auto` and `advise` become `local`, `local` the loop's default; returns how many."""
    over = LoopMode.objects.filter(until__lte=instant(now_ms)).select_related("zone")
    count = 0
    for row in over:
        loop = declared.loops().get(row.loop)
        if loop is None:
            continue
        following = by_default(loop, is_simulation) if row.mode == Mode.LOCAL else Mode.LOCAL
        words = f"the grant by {row.set_by} has run out"
        set_mode(row.loop, row.zone, following, by=THE_CLOCK, reason=words, now_ms=now_ms, is_simulation=is_simulation)
        count += 1
    return count


def grant_demo(now_ms: int) -> int:
    """At the demo's first run: `auto` for every loop in every zone where the twin has signed for simulated assets.

    Does nothing outside a simulation, and leaves alone what a person has set; how many grants it made.
    """
    if not clock.is_simulation:
        return 0
    signed = Asset.objects.filter(
        simulated=True, engineering__is_current=True, engineering__signed_by=DEMO, devices__simulated=True
    )
    places = set(signed.values_list("domain", "zone").distinct())
    zones = {zone.pk: zone for zone in Zone.objects.all()}
    taken = set(LoopMode.objects.values_list("loop", "zone"))
    wanted = [
        (loop, zones[zone])
        for domain, zone in sorted(places)
        for loop in declared.loops().values()
        if loop.domain == domain and (loop.name, zone) not in taken
    ]
    why = "the demonstration: simulated devices whose data the twin has signed"
    for loop, zone in wanted:
        set_mode(loop.name, zone, Mode.AUTO, by=Actor(DEMO), reason=why, now_ms=now_ms, is_simulation=True)
    return len(wanted)
