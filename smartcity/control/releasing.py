# SPDX-License-Identifier: Apache-2.0
"""Back to the local programme: the device is told, and every claim of the centre on it ends."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from smartcity.api.audit import Actor
from smartcity.control import lifecycle, moving, requests, safety, situations
from smartcity.control.instants import instant
from smartcity.control.models import Command, FastEvent, Override
from smartcity.devices.models import Zone
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Loop, Mode, Priority, Setpoint, State

DELIVERY_S = 900.0


def issuer(loop: Loop) -> str:
    return f"loop:{loop.name}"


def release(loop: Loop, zone: Zone, *, now_ms: int, reason: str, by: Actor) -> list[Command]:
    """What the loop holds in the zone returns to local. Assets under an override stay with their operator."""
    now = instant(now_ms)
    mine = Command.objects.filter(issuer=issuer(loop), zone=zone, released_at__isnull=True, expires_at__gt=now)
    leases = list(mine.filter(asset__isnull=True).values_list("pk", flat=True))
    end_claims(leases, now_ms, reason)
    proposed = mine.filter(state=State.PROPOSED)
    end_claims(list(proposed.values_list("pk", flat=True)), now_ms, reason)
    held = set(mine.filter(state__in=lifecycle.HOLDING, asset__isnull=False).values_list("asset__uid", flat=True))
    held |= set(FastEvent.objects.filter(lease__in=leases).values_list("asset__uid", flat=True).distinct())
    free = held - overridden(held, now_ms)
    return to_local(free, now_ms=now_ms, reason=reason, issuer=by.name, priority=Priority.OPTIMISER)


def overridden(assets: Collection[str], now_ms: int) -> set[str]:
    """Those of the assets that an operator holds by hand."""
    standing = Override.objects.filter(asset__uid__in=assets, ended_at__isnull=True, until__gt=instant(now_ms))
    return set(standing.values_list("asset__uid", flat=True))


def to_local(
    assets: Collection[str], *, now_ms: int, reason: str, issuer: str, priority: Priority, batch: str = ""
) -> list[Command]:
    """One `lease` = `local` command per asset; tagged ones are refused like any other command.

    What has failed there stays remembered, so that the loop does not try it again at once.
    """
    wishes = [
        Setpoint(asset=uid, point=safety.LEASE, value=Mode.LOCAL.value, reason=reason, expires_in_s=DELIVERY_S)
        for uid in sorted(assets)
    ]
    if not wishes:
        return []
    facts = situations.load(assets, now_ms, is_simulation=clock.is_simulation, readings=False)
    order = requests.Order(issuer=issuer, priority=priority, now_ms=now_ms, batch=batch)
    with transaction.atomic():
        now = instant(now_ms)
        commands = requests.write(wishes, facts, order)
        told = [c.asset_id for c in commands if c.state == State.QUEUED]
        others = Command.objects.filter(asset__in=told, released_at__isnull=True, expires_at__gt=now)
        others = others.exclude(pk__in=[c.pk for c in commands]).exclude(state=State.FAILED)
        end_claims(list(others.values_list("pk", flat=True)), now_ms, reason)
    return commands


def end_claims(ids: Collection[UUID], now_ms: int, why: str) -> None:
    """These commands hold nothing any more; the unfinished among them are superseded."""
    now = instant(now_ms)
    Command.objects.filter(pk__in=ids, released_at__isnull=True).update(released_at=now)
    moving.move_from_any(ids, State.SUPERSEDED, now, why)
