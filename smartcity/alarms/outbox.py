# SPDX-License-Identifier: Apache-2.0
"""The notices still to send, and what becomes of each: sent, tried again later, given up, or its subscriber removed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from smartcity.alarms.models import MailSubscription, Notice, PushSubscription
from smartcity.alarms.outcome import Again, Gone, Outcome, Refused, Sent
from smartcity.api import audit
from smartcity.api.audit import Actor

PAUSES_S: Final = (5, 20, 60, 300, 900)
OPEN: Final = Q(sent_at=None, given_up_at=None)
ITSELF: Final = Actor("smart city")


def due(busy: Collection[int], most: int) -> list[Notice]:
    """The oldest notices whose time has come and that nobody is sending, with all that sending needs."""
    rows = Notice.objects.filter(OPEN, due_at__lte=timezone.now()).exclude(pk__in=busy)
    return list(rows.select_related("alarm", "subscription").order_by("due_at", "pk")[:most])


def needless(notice: Notice) -> str:
    """Why it is no longer worth sending; empty when it is."""
    alarm = notice.alarm
    if notice.channel == "push" and notice.subscription is None:
        return "the browser has unsubscribed"
    if alarm is not None and alarm.cleared_at is not None:
        return "the alarm was over before it could be sent"
    if alarm is not None and alarm.acknowledged_at is not None:
        return "somebody has taken the alarm already"
    return ""


def settle(notice: Notice, outcome: Outcome) -> None:
    """Write what became of one attempt."""
    mine = Notice.objects.filter(OPEN, pk=notice.pk)
    now = timezone.now()
    match outcome:
        case Sent():
            mine.update(sent_at=now, tries=F("tries") + 1, error="")
            if notice.subscription_id:
                PushSubscription.objects.filter(pk=notice.subscription_id).exclude(failed=0).update(failed=0)
        case Again(why, after_s) if notice.tries < len(PAUSES_S):
            pause = timedelta(seconds=max(after_s, PAUSES_S[notice.tries]))
            mine.update(due_at=now + pause, tries=F("tries") + 1, error=why[:300])
        case Again(why) | Refused(why):
            mine.update(given_up_at=now, tries=F("tries") + 1, error=why[:300])
            if notice.subscription_id:
                PushSubscription.objects.filter(pk=notice.subscription_id).update(failed=F("failed") + 1)
        case Gone(why):
            _remove(notice, why)


def give_up(notice: Notice, why: str) -> None:
    Notice.objects.filter(OPEN, pk=notice.pk).update(given_up_at=timezone.now(), error=why[:300])


def _remove(notice: Notice, why: str) -> None:
    """The subscriber is gone: remove it and everything still owed to it, with a line in the audit."""
    with transaction.atomic():
        if notice.subscription_id:
            owed = Notice.objects.filter(OPEN, subscription=notice.subscription_id)
            owed.update(given_up_at=timezone.now(), error=why[:300])
            PushSubscription.objects.filter(pk=notice.subscription_id).delete()
            audit.record(ITSELF, "remove push subscription", f"push subscription {notice.subscription_id}", reason=why)
        else:
            Notice.objects.filter(OPEN, address=notice.address).update(given_up_at=timezone.now(), error=why[:300])
            MailSubscription.objects.filter(user__email=notice.address).delete()
            audit.record(ITSELF, "remove mail subscription", f"mail for notice {notice.pk}", reason=why)
