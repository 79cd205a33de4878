# SPDX-License-Identifier: Apache-2.0
"""What has run out by the city's clock: commands, overrides, grants."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from smartcity.control import lifecycle, modes, moving, overriding
from smartcity.control.instants import instant
from smartcity.control.models import Command
from smartcity.kernel.control import State

WHY = {
    State.PROPOSED: "nobody answered the proposal in time",
    State.APPROVED: "its time ran out before it was sent",
    State.QUEUED: "the device was not connected before its time ran out",
    State.SENT: "the device did not answer in time",
    State.RECEIVED: "the device did not carry it out in time",
}


def sweep(now_ms: int, *, is_simulation: bool) -> int:
    """Everything whose time is over; how many things ended. Four queries when nothing has."""
    ended = commands(now_ms) + leases_to_zones(now_ms)
    ended += overriding.end_expired(now_ms)
    return ended + modes.expire(now_ms, is_simulation=is_simulation)


def commands(now_ms: int) -> int:
    """Commands no device has carried out in time. What was carried out ends by its verification instead."""
    now = instant(now_ms)
    over = Command.objects.filter(state__in=list(WHY), ended_at__isnull=True, expires_at__lte=now)
    by_state: dict[State, list[UUID]] = {}
    for state, pk in over.values_list("state", "pk"):
        by_state.setdefault(State(state), []).append(pk)
    if not by_state:
        return 0
    with transaction.atomic():
        return sum(
            len(moving.move(ids, was, State.EXPIRED, now, WHY[was]))
            for was, ids in by_state.items()
            if lifecycle.may_become(was, State.EXPIRED)
        )


def leases_to_zones(now_ms: int) -> int:
    """A lease that some of its devices never confirmed ends as it stands."""
    now = instant(now_ms)
    standing = Command.objects.filter(asset__isnull=True, state=State.APPLIED, ended_at__isnull=True)
    return standing.filter(expires_at__lte=now).update(ended_at=now)
