# SPDX-License-Identifier: Apache-2.0
"""An operator takes a point by hand: with an owner, a reason and an end."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from smartcity import declared
from smartcity.api.audit import Actor, record
from smartcity.control import releasing, requests, safety
from smartcity.control.instants import in_words, instant, ms_of
from smartcity.control.models import Command, Override
from smartcity.control.refusals import Conflict, Refused
from smartcity.control.requests import Order
from smartcity.control.situations import Facts
from smartcity.kernel.control import Point, Priority, Setpoint, State


def override(
    asset_uid: str,
    point: str,
    value: float | str,
    *,
    owner: Any,
    by: Actor,
    reason: str,
    until_ms: int,
    now_ms: int,
    key: str = "",
    take_over: bool = False,
) -> Override:
    """Hold `point` at `value` until then. The same key answers with the same override.

    Raises Refused (a limit check, a tag, a missing reason, too long), or Conflict while somebody else holds the
    point; `take_over` ends theirs instead, and the audit says so.
    """
    order = Order(issuer=by.name, priority=Priority.OVERRIDE, now_ms=now_ms, by=by, key=key)
    wish = Setpoint(asset=asset_uid, point=point, value=value, reason=reason, expires_in_s=(until_ms - now_ms) / 1000)
    facts = requests.facts_for([wish], order)
    wish = _checked(wish, facts[asset_uid])
    try:
        with transaction.atomic():
            standing = _make_room(facts[asset_uid], wish, owner, by, order, take_over)
            command = requests.write([wish], facts, order)[0]
            if command.state != State.REFUSED:
                return _existing(command) or _place(command, wish, owner, by, replaced=standing)
    except IntegrityError:
        raise _conflict(_standing(facts[asset_uid], point, now_ms)) from None
    raise Refused(_sentence(command.state_note))


def ask(
    asset_uid: str, point: str, value: float | str, *, by: Actor, reason: str, until_ms: int, now_ms: int, key: str = ""
) -> Command:
    """One command of a person or another system, without holding the point as an override does.

    The same checks; it never pushes aside what somebody else holds. Raises Refused, or Conflict.
    """
    order = Order(issuer=by.name, priority=Priority.OVERRIDE, now_ms=now_ms, by=by, key=key)
    wish = Setpoint(asset=asset_uid, point=point, value=value, reason=reason, expires_in_s=(until_ms - now_ms) / 1000)
    facts = requests.facts_for([wish], order)
    wish = _checked(wish, facts[asset_uid])
    with transaction.atomic():
        rows = Override.objects.select_for_update().filter(asset=facts[asset_uid].asset, point=point)
        standing = rows.filter(ended_at__isnull=True, until__gt=instant(now_ms)).select_related("owner").first()
        if standing is not None and standing.owner.get_username() != by.name:
            raise _conflict(standing)
        return requests.write([wish], facts, order)[0]


def _checked(wish: Setpoint, facts: Facts) -> Setpoint:
    """Raises Refused for what no person may ask of this asset; adds the effect the point promises."""
    point = next((p for p in declared.points() if p.kind == facts.asset.kind and p.name == wish.point), None)
    if point is None:
        raise Refused(f"{wish.point} of {facts.asset.name or facts.asset.uid} cannot be overridden.")
    if not wish.reason.strip():
        raise Refused("Say why, so that the next shift knows.")
    if wish.expires_in_s <= 0:
        raise Refused("The end lies in the past.")
    if wish.expires_in_s > point.longest_s:
        raise Refused(f"{point.title} can be held for {_hours(point.longest_s)} at most; renew it if need be.")
    if outside := safety.out_of_range(point, wish.value):
        raise Refused(f"{outside}.")
    return Setpoint(
        asset=wish.asset,
        point=wish.point,
        value=wish.value,
        reason=wish.reason,
        expires_in_s=wish.expires_in_s,
        expect=_expected(point, wish, facts),
    )


def _expected(point: Point, wish: Setpoint, facts: Facts) -> Any:
    return point.expect(wish.value, facts.situation) if point.expect else None


def _make_room(facts: Facts, wish: Setpoint, owner: Any, by: Actor, order: Order, take_over: bool) -> Override | None:
    """End what stands in the way, if it may be ended: one's own, what has run out, or another's taken over."""
    rows = Override.objects.select_for_update().filter(asset=facts.asset, point=wish.point, ended_at__isnull=True)
    standing = rows.select_related("owner", "asset", "command").first()
    if standing is None or (order.key and standing.command.idempotency_key == requests.key_of(order, 0)):
        return None
    now = instant(order.now_ms)
    has_run_out = standing.until <= now
    if standing.owner_id != owner.pk and not has_run_out and not take_over:
        raise _conflict(standing)
    rows.filter(pk=standing.pk).update(ended_at=now, ended_by="the clock" if has_run_out else by.name)
    return None if has_run_out else standing


def _place(command: Command, wish: Setpoint, owner: Any, by: Actor, *, replaced: Override | None) -> Override:
    assert command.asset_id is not None
    placed = Override.objects.create(
        asset_id=command.asset_id,
        point=wish.point,
        value=wish.value,
        owner=owner,
        reason=wish.reason,
        since=command.created_at,
        until=command.expires_at,
        command=command,
    )
    before = {"owner": replaced.owner.get_username(), "value": replaced.value} if replaced else None
    taken = replaced is not None and replaced.owner_id != owner.pk
    action = "override.take_over" if taken else "override.place"
    after = {"value": wish.value, "until": placed.until, "command": str(command.pk)}
    record(by, action, f"{wish.asset} {wish.point}", before=before, after=after, reason=wish.reason)
    return placed


def _existing(command: Command) -> Override | None:
    """The override a repeated idempotency key has made already."""
    return Override.objects.filter(command=command).first()


def _standing(facts: Facts, point: str, now_ms: int) -> Override | None:
    rows = Override.objects.filter(asset=facts.asset, point=point, ended_at__isnull=True)
    return rows.select_related("owner").first()


def _conflict(standing: Override | None) -> Conflict:
    if standing is None:
        return Conflict("Somebody else has just overridden this point; look again.", "", None)
    owner, until = standing.owner.get_username(), standing.until
    message = f"{owner} holds this until {in_words(until)}: {standing.reason} You can take it over."
    return Conflict(message, owner, until)


def lift(override_id: int, *, by: Actor, now_ms: int, reason: str = "") -> Override:
    """End an override before its time; the device returns to local and the loop takes it from there.

    Raises Refused when it has ended already.
    """
    now = instant(now_ms)
    with transaction.atomic():
        held = Override.objects.filter(pk=override_id, ended_at__isnull=True)
        if not held.update(ended_at=now, ended_by=by.name):
            raise Refused("This override has ended already.")
        lifted = Override.objects.select_related("asset", "owner", "command").get(pk=override_id)
        why = reason or f"{by.name} lifted the override of {lifted.point}"
        releasing.to_local([lifted.asset.uid], now_ms=now_ms, reason=why, issuer=by.name, priority=Priority.OVERRIDE)
        _keep_the_others(lifted, now_ms)
        before = {"owner": lifted.owner.get_username(), "value": lifted.value}
        record(by, "override.lift", f"{lifted.asset.uid} {lifted.point}", before=before, reason=reason)
    return lifted


def _keep_the_others(lifted: Override, now_ms: int) -> None:
    """Back to local drops everything; what other operators hold on the same asset is asked again."""
    now = instant(now_ms)
    others = Override.objects.filter(asset=lifted.asset, ended_at__isnull=True, until__gt=now).select_related("owner")
    for other in others:  # one asset's points, hardly ever more than one
        wish = Setpoint(
            asset=lifted.asset.uid,
            point=other.point,
            value=other.value,
            reason=other.reason,
            expires_in_s=(ms_of(other.until) - now_ms) / 1000,
        )
        issuer = other.owner.get_username()
        again = requests.request([wish], issuer=issuer, priority=Priority.OVERRIDE, now_ms=now_ms)
        Override.objects.filter(pk=other.pk).update(command=again[0])


def end_expired(now_ms: int) -> int:
    """Overrides whose time is over; the device has returned to local by itself."""
    now = instant(now_ms)
    return Override.objects.filter(ended_at__isnull=True, until__lte=now).update(ended_at=now, ended_by="the clock")


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:g} hours" if seconds >= 3600 else f"{seconds / 60:g} minutes"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
