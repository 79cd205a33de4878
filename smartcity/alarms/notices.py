# SPDX-License-Identifier: Apache-2.0
"""Who is owed a message about new alarms: written in the alarm's own transaction, sent afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from smartcity.alarms.models import Alarm, MailSubscription, Notice, PushSubscription
from smartcity.api.access import Action, Scope, scope

AT_ONCE: Final = 3


def owe(made: Sequence[Alarm]) -> list[Notice]:
    """Notices for everybody who asked for such alarms and may see them, at most three of one tick to each: the worst.

    One query for subscriptions of each kind and one per user's grants; none where nothing was raised.
    """
    news = sorted((a for a in made if a.shelved_until is None), key=lambda alarm: (alarm.severity, alarm.pk))
    if not news:
        return []
    reaches: dict[int, Scope] = {}
    owed = []
    for subscription in _wanting(PushSubscription.objects.filter(revoked_at=None), news):
        for alarm in _theirs(subscription, news, reaches):
            owed.append(Notice(alarm=alarm, channel="push", subscription=subscription))
    for wish in _wanting(MailSubscription.objects.exclude(user__email=""), news):
        for alarm in _theirs(wish, news, reaches):
            owed.append(Notice(alarm=alarm, channel="mail", address=wish.user.email))
    return Notice.objects.bulk_create(owed)


def _wanting(rows: Any, news: Sequence[Alarm]) -> Iterable[Any]:
    worst = news[0].severity
    wanting = rows.filter(worst_only__gte=worst, user__is_active=True)
    found: Iterable[Any] = wanting.select_related("user").order_by("pk")
    return found


def _theirs(wish: Any, news: Sequence[Alarm], reaches: dict[int, Scope]) -> list[Alarm]:
    if wish.user_id not in reaches:
        reaches[wish.user_id] = scope(wish.user, Action.VIEW)
    reach = reaches[wish.user_id]
    wanted = (a for a in news if a.severity <= wish.worst_only and (not wish.domains or a.domain in wish.domains))
    return [alarm for alarm in wanted if reach.allows(alarm.domain, alarm.zone.code)][:AT_ONCE]
