# SPDX-License-Identifier: Apache-2.0
"""What a person does about an alarm: acknowledge, shelve, take it back. Each once, audited in the same transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from smartcity.alarms.models import Alarm
from smartcity.alarms.standing import touch
from smartcity.api import audit
from smartcity.api.audit import Actor
from smartcity.api.views import moment

LONGEST_SHELF_S: Final = 8 * 3600


class Refused(Exception):
    """What was asked cannot be done; `field` is what to correct."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


class Contradicted(Exception):
    """Somebody was faster, or the alarm is over; the message says who and when."""

    @property
    def message(self) -> str:
        return str(self)


def acknowledge(pk: int, *, by: Actor, note: str, now_ms: int) -> Alarm:
    """The alarm is taken care of by `by`. Acknowledging one's own again changes nothing, so a queue may repeat it."""
    free = Alarm.objects.filter(pk=pk, acknowledged_at=None)
    after = {"acknowledged_at": moment(now_ms), "acknowledged_by": by.name[:150], "note": note[:500]}
    with transaction.atomic():
        if _move(free, pk, by, "acknowledge alarm", after, note, now_ms):
            return _again(pk)
    row = _again(pk)
    if row.acknowledged_by == by.name:
        return row
    raise Contradicted(f"{row.acknowledged_by} has acknowledged this alarm already.")


def shelve(pk: int, *, by: Actor, reason: str, until_ms: int, now_ms: int) -> Alarm:
    """Out of sight until then, with a reason; at most a shift of eight hours, and it comes back by itself."""
    if not reason.strip():
        raise Refused("note", "Say why this alarm may be out of sight.")
    if not now_ms < until_ms <= now_ms + LONGEST_SHELF_S * 1000:
        raise Refused("until", f"Shelve until a time within the next {LONGEST_SHELF_S // 3600} hours.")
    after = {"shelved_until": moment(until_ms), "shelved_by": by.name[:150], "shelved_why": reason[:500]}
    with transaction.atomic():
        if _move(Alarm.objects.filter(pk=pk, cleared_at=None), pk, by, "shelve alarm", after, reason, now_ms):
            return _again(pk)
    raise Contradicted("This alarm is over; there is nothing to shelve.")


def unshelve(pk: int, *, by: Actor, reason: str, now_ms: int) -> Alarm:
    """Back in sight now."""
    after: dict[str, Any] = {"shelved_until": None, "shelved_by": "", "shelved_why": ""}
    shelved = Alarm.objects.filter(pk=pk, shelved_until__isnull=False)
    with transaction.atomic():
        if _move(shelved, pk, by, "unshelve alarm", after, reason, now_ms):
            return _again(pk)
    raise Contradicted("This alarm is not shelved.")


def _move(
    guarded: QuerySet[Alarm], pk: int, by: Actor, action: str, after: dict[str, Any], reason: str, now_ms: int
) -> bool:
    """Change the row if it is still as `guarded` says, and record it."""
    before: dict[str, str | datetime | None] | None = guarded.values(*after).first()
    if before is None or not touch(guarded, now_ms, **after):
        return False
    audit.record(by, action, f"alarm {pk}", before=before, after=after, reason=reason)
    return True


def _again(pk: int) -> Alarm:
    return Alarm.objects.select_related("asset", "zone").get(pk=pk)
