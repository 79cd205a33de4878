# SPDX-License-Identifier: Apache-2.0
"""When a browser is gone, or its push service is busy, slow or says no."""

from __future__ import annotations

import asyncio
import time

import pytest
from django.utils import timezone

from smartcity.alarms import notify
from smartcity.alarms.models import Notice, PushSubscription
from smartcity.alarms.notify import Notifier
from smartcity.api.models import AuditEntry
from tests.alarms.conftest import NOW, may
from tests.alarms.telling import make_due, raise_one, send_all, subscribed

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_removed_with_everything_owed_to_it(town, evaluator, people, service, client, status):
    subscribed(service, client, may(people.anna, "view"))
    service.answers["/one"] = (status, {})
    raise_one(town, evaluator)
    send_all()
    assert not PushSubscription.objects.exists()
    notice = Notice.objects.get()
    assert notice.given_up_at and str(status) in notice.error
    assert AuditEntry.objects.filter(action="remove push subscription").count() == 1


def test_a_busy_service_is_tried_again_when_it_says_and_then_takes_it(town, evaluator, people, service, client):
    browser = subscribed(service, client, may(people.anna, "view"))
    service.answers["/one"] = (503, {"Retry-After": "40"})
    raise_one(town, evaluator)
    send_all()
    notice = Notice.objects.get()
    assert notice.sent_at is None and notice.tries == 1
    assert 35 < (notice.due_at - timezone.now()).total_seconds() <= 40
    send_all()
    assert len(service.received) == 1
    service.answers.clear()
    make_due()
    send_all()
    assert browser.read(service.received[-1].body)["severity"] == 2
    assert Notice.objects.get().sent_at is not None


def test_trying_ends_after_six_times(town, evaluator, people, service, client):
    subscribed(service, client, may(people.anna, "view"))
    service.answers["/one"] = (500, {})
    raise_one(town, evaluator)
    for _ in range(8):
        make_due()
        send_all()
    notice = Notice.objects.get()
    assert (len(service.received), notice.tries) == (6, 6) and notice.given_up_at
    assert PushSubscription.objects.get().failed == 1


def test_a_refusal_is_not_repeated(town, evaluator, people, service, client):
    subscribed(service, client, may(people.anna, "view"))
    service.answers["/one"] = (403, {})
    raise_one(town, evaluator)
    send_all()
    make_due()
    send_all()
    assert len(service.received) == 1
    assert "403" in Notice.objects.get().error


def test_a_service_that_sends_elsewhere_is_not_followed(town, evaluator, people, service, client):
    subscribed(service, client, may(people.anna, "view"))
    service.answers["/one"] = (307, {"Location": service.url + "/elsewhere"})
    raise_one(town, evaluator)
    send_all()
    assert [got.path for got in service.received] == ["/one"]
    assert Notice.objects.get().given_up_at


def test_one_that_hangs_delays_nobody_else(town, evaluator, people, service, client, monkeypatch):
    monkeypatch.setattr("smartcity.alarms.push.TIMEOUT_S", 3.0)
    subscribed(service, client, may(people.anna, "view"), "/hangs")
    subscribed(service, client, people.anna, "/quick")
    service.hang_s["/hangs"] = 2.5
    raise_one(town, evaluator)
    began = time.monotonic()
    send_all()
    quick = next(got for got in service.received if got.path == "/quick")
    assert quick.at - began < 2.4


def test_what_is_over_or_taken_before_it_could_be_sent_is_not_sent(town, evaluator, people, service, client):
    subscribed(service, client, may(people.anna, "view"))
    raise_one(town, evaluator)
    town.measures("M-1", 10, NOW + 1000)
    evaluator.sweep(NOW + 1000)
    assert send_all() == {"needless": 1}
    assert not service.received and Notice.objects.get().given_up_at


async def test_the_notifier_looks_every_while_and_ends_when_cancelled(monkeypatch):
    looked = []
    notifier = Notifier(look_every_s=0.01)

    async def look():
        looked.append(1)

    monkeypatch.setattr(notifier, "look", look)
    task = asyncio.create_task(notifier.run())
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await notifier.close()
    assert len(looked) > 2
    assert notify.LOOK_EVERY_S <= 1
