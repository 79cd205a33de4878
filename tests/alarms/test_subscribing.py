# SPDX-License-Identifier: Apache-2.0
"""Who may be told: browsers of known push services, each with the choice of its user."""

from __future__ import annotations

import pytest

from smartcity.alarms import addresses
from smartcity.alarms.models import PushSubscription
from tests.alarms.conftest import may
from tests.alarms.push_service import Browser, b64
from tests.alarms.telling import subscribed

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


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
