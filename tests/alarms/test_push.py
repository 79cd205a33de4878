# SPDX-License-Identifier: Apache-2.0
"""From a bad reading to a browser that can read the message, against a push service of our own."""

from __future__ import annotations

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.core import mail

from smartcity.alarms import vapid
from smartcity.alarms.models import MailSubscription, Notice
from smartcity.firstrun import write_secrets
from tests.alarms.conftest import NOW, may, rule
from tests.alarms.push_service import claims, raw, unb64
from tests.alarms.telling import raise_one, send_all, subscribed

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


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


def test_the_public_key_is_the_one_of_the_secret_the_first_start_makes(tmp_path):
    write_secrets(tmp_path)
    private = (tmp_path / "vapid_private_key").read_text()
    key = ec.derive_private_key(int.from_bytes(unb64(private), "big"), ec.SECP256R1())
    assert unb64(vapid.public_key(private)) == raw(key.public_key())
