# SPDX-License-Identifier: Apache-2.0
"""From a bad reading to a browser that can read the message, against a push service of our own."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from cryptography.hazmat.primitives.asymmetric import ec
from django.core import mail
from django.utils import timezone

from smartcity.alarms import addresses, notify, vapid
from smartcity.alarms.models import Alarm, MailSubscription, Notice, PushSubscription
from smartcity.alarms.notify import Notifier
from smartcity.api.models import AuditEntry
from smartcity.firstrun import write_secrets
from tests.alarms.conftest import NOW, may, rule
from tests.alarms.push_service import Browser, PushService, b64, claims, raw, unb64

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


@pytest.fixture
def service(settings, tmp_path, request):
    if "transactional_db" not in request.fixturenames:
        request.getfixturevalue("inline")
    write_secrets(tmp_path)
    settings.VAPID_PRIVATE_KEY = (tmp_path / "vapid_private_key").read_text()
    settings.PUSH_HOSTS = ["127.0.0.1"]
    with PushService() as running:
        yield running


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


class Inline:
    """Instead of the notifier's own thread: the test's, and so its transaction."""

    def __init__(self, name):
        pass

    async def run(self, work, *args):
        return await sync_to_async(work)(*args)

    async def close(self):
        pass


@pytest.fixture
def inline(monkeypatch):
    monkeypatch.setattr(notify, "OwnThread", Inline)


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


@pytest.mark.django_db(transaction=True)
def test_an_alarm_reaches_the_browser_encrypted_signed_and_marked_as_simulation(
    town, evaluator, people, service, client, settings
):
    browser = subscribed(service, client, may(people.anna, "view"))
    key = client.get("/api/v1/push/key").json()["key"]
    alarm = raise_one(town, evaluator)
    began = time.monotonic()
    assert send_all() == {"sent": 1}
    (got,) = service.received
    assert got.at - began < 5
    assert browser.read(got.body) == {
        "id": alarm.pk,
        "title": "SIMULATION · high · Energy",
        "body": f"Alarm {alarm.pk}: 120 kW",
        "severity": 2,
        "simulated": True,
        "url": f"/alarms/{alarm.pk}/",
        "tag": f"alarm-{alarm.pk}",
    }
    said = claims(got.headers["authorization"], key)
    assert said["aud"] == service.url and said["sub"] == settings.VAPID_SUBJECT
    assert time.time() < said["exp"] <= time.time() + 24 * 3600
    assert got.headers["content-encoding"] == "aes128gcm"
    assert (got.headers["ttl"], got.headers["urgency"]) == ("3600", "high")
    assert got.headers["topic"] == f"alarm-{alarm.pk}"
    assert Notice.objects.get().sent_at is not None


def test_the_message_names_a_place_only_where_the_city_allows_it(
    town, evaluator, people, service, client, settings, request
):
    browser = subscribed(service, client, may(people.anna, "view"))
    request.getfixturevalue("live")
    settings.PUSH_PLACES = True
    alarm = raise_one(town, evaluator)
    send_all()
    said = browser.read(service.received[0].body)
    assert said["body"] == f"Alarm {alarm.pk}: Meter M-1: 120 kW"
    assert said["title"] == "high · Energy" and said["simulated"] is False


@pytest.mark.parametrize(
    ("choice", "grant", "told"),
    [
        ({"worst_only": 2}, {}, True),
        ({"worst_only": 1}, {}, False),
        ({"worst_only": 4, "domains": ["energy"]}, {}, True),
        ({"worst_only": 4, "domains": ["lighting"]}, {}, False),
        ({"worst_only": 4}, {"domain": "lighting"}, False),
        ({"worst_only": 4}, {"zone": "harbour"}, False),
        ({"worst_only": 4}, {"domain": "energy", "zone": "centre"}, True),
    ],
)
def test_a_browser_is_told_what_its_user_chose_and_may_see(
    town, evaluator, people, service, client, choice, grant, told
):
    subscribed(service, client, may(people.anna, "view", **grant), **choice)
    raise_one(town, evaluator)
    send_all()
    assert bool(service.received) is told


def test_a_subscriber_who_lost_the_grant_is_told_nothing(town, evaluator, people, service, client):
    subscribed(service, client, may(people.anna, "view"))
    people.anna.grants.all().delete()
    raise_one(town, evaluator)
    assert not Notice.objects.exists()


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
    service.hang_s["/hangs"] = 1.5
    raise_one(town, evaluator)
    began = time.monotonic()
    send_all()
    quick = next(got for got in service.received if got.path == "/quick")
    assert quick.at - began < 1.4


def test_what_is_over_or_taken_before_it_could_be_sent_is_not_sent(town, evaluator, people, service, client):
    subscribed(service, client, may(people.anna, "view"))
    raise_one(town, evaluator)
    town.measures("M-1", 10, NOW + 1000)
    evaluator.sweep(NOW + 1000)
    assert send_all() == {"needless": 1}
    assert not service.received and Notice.objects.get().given_up_at


def test_of_many_alarms_in_one_tick_a_browser_is_told_the_three_worst(
    town, evaluator, people, service, client, declare
):
    declare(rule(), rule(name="energy.worse", severity=1, is_bad=lambda value, _: value > 500))
    subscribed(service, client, may(people.anna, "view"))
    town.meters(20)
    for n in range(1, 21):
        town.measures(f"M-{n}", 600 if n == 20 else 120)
    evaluator.sweep(NOW)
    told = Notice.objects.order_by("pk").values_list("alarm__severity", flat=True)
    assert list(told) == [1, 2, 2]


def test_a_test_message_goes_to_each_of_my_browsers(town, people, service, client):
    browser = subscribed(service, client, may(people.anna, "view"))
    assert client.post("/api/v1/push/test").status_code == 202
    send_all()
    said = browser.read(service.received[0].body)
    assert said["title"].startswith("SIMULATION · test") and said["url"] == "/settings/notifications/"


def test_mail_says_what_to_do_and_that_it_is_a_simulation(town, evaluator, people, client, inline):
    client.force_login(may(people.anna, "view"))
    answer = client.post("/api/v1/push/mail", {"worst_only": 2}, content_type="application/json")
    assert answer.json()["wanted"] is True
    alarm = raise_one(town, evaluator)
    send_all()
    (letter,) = mail.outbox
    assert letter.to == ["anna@city.invalid"]
    assert letter.subject == f"SIMULATION · high · Energy · alarm {alarm.pk}"
    for part in ("SIMULATION: this did not happen", "What to do: less", "Call: Grid desk", f"/alarms/{alarm.pk}/"):
        assert part in letter.body
    assert "M-1" not in letter.body
    client.delete("/api/v1/push/mail")
    assert not MailSubscription.objects.exists()


def test_subscribing_again_changes_the_choice_of_the_same_browser(town, people, service, client):
    browser = subscribed(service, client, may(people.anna, "view"))
    body = {"endpoint": service.url + "/one", "p256dh": browser.p256dh, "auth": b64(browser.auth), "worst_only": 4}
    assert client.post("/api/v1/push/subscriptions/", body, content_type="application/json").status_code == 200
    (mine,) = client.get("/api/v1/push/subscriptions/").json()
    assert mine["worst_only"] == 4 and "endpoint" not in mine
    path = f"/api/v1/push/subscriptions/{mine['id']}"
    changed = client.patch(path, {"domains": ["energy"]}, content_type="application/json").json()
    assert (changed["domains"], changed["worst_only"]) == (["energy"], 4)
    client.force_login(may(people.bert, "view"))
    assert client.get("/api/v1/push/subscriptions/").json() == []
    assert client.delete(path).status_code == 404
    client.force_login(people.anna)
    assert client.delete(path).status_code == 204
    assert not PushSubscription.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"endpoint": "https://evil.example/x"}, "endpoint"),
        ({"endpoint": "https://127.0.0.1:9/x"}, None),
        ({"endpoint": "ftp://127.0.0.1/x"}, "endpoint"),
        ({"endpoint": "https://user:word@127.0.0.1/x"}, "endpoint"),
        ({"p256dh": "AAAA"}, "p256dh"),
        ({"auth": "AAAA"}, "auth"),
        ({"worst_only": 0}, "worst_only"),
        ({"domains": ["nonsense"]}, "domains"),
    ],
)
def test_only_a_real_browser_of_a_listed_service_is_taken(people, service, client, changes, field):
    client.force_login(may(people.anna, "view"))
    browser = Browser()
    body = {"endpoint": service.url + "/x", "p256dh": browser.p256dh, "auth": b64(browser.auth)} | changes
    answer = client.post("/api/v1/push/subscriptions/", body, content_type="application/json")
    assert answer.status_code == (400 if field else 201)
    assert field is None or field in answer.json()["errors"]


@pytest.mark.parametrize(
    ("endpoint", "taken"),
    [
        ("https://fcm.googleapis.com/fcm/send/x", True),
        ("https://wns2-by3p.notify.windows.com/w/?token=x", True),
        ("https://notify.windows.com.evil.example/", False),
        ("https://evilnotify.windows.com/", False),
        ("http://fcm.googleapis.com/fcm/send/x", False),
        ("https://fcm.googleapis.com:8443/x", False),
        ("https://[::1", False),
    ],
)
def test_the_list_of_push_services_is_kept_to_the_letter(endpoint, taken):
    assert (addresses.why_not(endpoint) == "") is taken


def test_the_public_key_is_the_one_of_the_secret_the_first_start_makes(tmp_path):
    write_secrets(tmp_path)
    private = (tmp_path / "vapid_private_key").read_text()
    key = ec.derive_private_key(int.from_bytes(unb64(private), "big"), ec.SECP256R1())
    assert unb64(vapid.public_key(private)) == raw(key.public_key())


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
