# SPDX-License-Identifier: Apache-2.0
"""The tag: while it hangs, every command to the asset is refused, manual ones too."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from smartcity.api.access import Action, scope
from smartcity.api.audit import Actor, record
from smartcity.control import moving
from smartcity.control.instants import instant
from smartcity.control.models import Command, LockOut
from smartcity.control.refusals import Conflict, NotAllowed, Refused
from smartcity.devices.models import Asset
from smartcity.kernel.control import State

NOT_YET_SENT = (State.PROPOSED, State.APPROVED, State.QUEUED)


def lock_out(asset_uid: str, *, owner: Any, by: Actor, reason: str, now_ms: int) -> LockOut:
    """Hang the tag; what has not been sent yet is refused. Raises Refused, or Conflict when one hangs already."""
    if not reason.strip():
        raise Refused("Say why, so that everybody who is refused knows.")
    asset = Asset.objects.filter(uid=asset_uid).first()
    if asset is None:
        raise Refused(f"There is no asset {asset_uid}.")
    now = instant(now_ms)
    try:
        with transaction.atomic():
            tag = LockOut.objects.create(asset=asset, owner=owner, reason=reason, placed_at=now)
            record(by, "lockout.place", asset.uid, after={"owner": owner.get_username()}, reason=reason)
            waiting = Command.objects.filter(asset=asset, state__in=NOT_YET_SENT, ended_at__isnull=True)
            ids = list(waiting.values_list("pk", flat=True))
            moving.move_from_any(ids, State.REFUSED, now, f"locked out by {owner.get_username()}: {reason}")
    except IntegrityError:
        raise _taken(asset) from None
    return tag


def _taken(asset: Asset) -> Conflict:
    tag = LockOut.objects.filter(asset=asset, lifted_at__isnull=True).select_related("owner").first()
    owner = tag.owner.get_username() if tag else ""
    return Conflict(f"{asset.uid} is locked out already by {owner or 'somebody else'}.", owner, None)


def lift_lock_out(tag_id: int, *, user: Any, by: Actor, now_ms: int, reason: str = "") -> LockOut:
    """Only the owner takes the tag off, or an administrator of its domain and zone. Raises NotAllowed, Refused."""
    tag = LockOut.objects.filter(pk=tag_id).select_related("asset__zone", "owner").first()
    if tag is None or tag.lifted_at is not None:
        raise Refused("This tag has been taken off already.")
    if tag.owner_id != user.pk and not scope(user, Action.ADMINISTER).allows(tag.asset.domain, tag.asset.zone.code):
        raise NotAllowed(f"Only {tag.owner.get_username()}, who hung this tag, or an administrator takes it off.")
    with transaction.atomic():
        standing = LockOut.objects.filter(pk=tag.pk, lifted_at__isnull=True)
        if not standing.update(lifted_at=instant(now_ms), lifted_by=by.name):
            raise Refused("This tag has been taken off already.")
        before = {"owner": tag.owner.get_username(), "reason": tag.reason}
        record(by, "lockout.lift", tag.asset.uid, before=before, reason=reason)
    tag.refresh_from_db()
    return tag
