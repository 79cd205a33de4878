# SPDX-License-Identifier: Apache-2.0
"""What the tests of messages do: subscribe as the page does, raise an alarm, let the notifier work."""

from __future__ import annotations

from datetime import timedelta

from asgiref.sync import async_to_sync
from django.utils import timezone

from smartcity.alarms.models import Alarm, Notice
from smartcity.alarms.notify import Notifier
from tests.alarms.conftest import NOW
from tests.alarms.push_service import Browser, b64


def subscribed(service, client, user, path="/one", **choice):
    """As the page does it, over REST."""
    browser = Browser()
    client.force_login(user)
    body = {"endpoint": service.url + path, "p256dh": browser.p256dh, "auth": b64(browser.auth)} | choice
    answer = client.post("/api/v1/push/subscriptions/", body, content_type="application/json")
    assert answer.status_code == 201, answer.json()
    return browser


def raise_one(town, evaluator, uid="M-1", at_ms=NOW, value=120):
    town.meter(uid)
    evaluator.reload()
    town.measures(uid, value, at_ms)
    evaluator.sweep(at_ms)
    return Alarm.objects.get(asset__uid=uid, cleared_at=None)


def send_all():
    """Let the notifier work off what is due, on a loop of its own."""

    async def work():
        notifier = Notifier()
        await notifier.look()
        await notifier.settled()
        await notifier.close()
        return notifier.counters

    return async_to_sync(work)()


def make_due():
    Notice.objects.update(due_at=timezone.now() - timedelta(seconds=1))
