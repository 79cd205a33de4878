# SPDX-License-Identifier: Apache-2.0
"""A person signs engineering data in the browser; nothing else of an asset is changed there."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import Point

from smartcity.api.models import AuditEntry
from smartcity.devices.models import Asset, EngineeringRecord, Zone

pytestmark = pytest.mark.django_db
PAGE = "/admin/devices/engineeringrecord/"


@pytest.fixture
def lamps(client):
    client.force_login(get_user_model()._default_manager.create_superuser("boss", "", "only-in-this-test-9"))
    place = {"zone": Zone.objects.create(code="centre", name="Centre"), "geom": Point(24.9, 60.1, srid=4326)}
    found = [Asset.objects.create(uid=f"L-{n}", kind="luminaire", domain="lighting", **place) for n in range(3)]
    return [EngineeringRecord.objects.create(asset=a, version=1, data={}, basis="plan", is_current=True) for a in found]


def act(client, action, rows, **more):
    answer = client.post(PAGE, {"action": action, "_selected_action": [row.pk for row in rows]} | more, follow=True)
    return [str(message) for message in answer.context["messages"]]


def signed():
    return set(EngineeringRecord.objects.exclude(signed_by="").values_list("asset__uid", "signed_by"))


def test_chosen_data_are_signed_with_a_name_a_day_and_a_reason_and_withdrawn_again(client, lamps):
    assert act(client, "sign", lamps[:2], until="2030-01-01", reason="checked on site") == ["2 signed: L-0, L-1"]
    assert signed() == {("L-0", "boss"), ("L-1", "boss")}
    until = EngineeringRecord.objects.get(asset__uid="L-0").valid_until
    assert (
        until and until.astimezone(ZoneInfo("Europe/Helsinki")).isoformat() == "2030-01-02T00:00:00+02:00"
    )  # that day, whole
    assert act(client, "withdraw", lamps[:1], reason="rebuilt") == ["1 withdrawn: L-0"]
    assert signed() == {("L-1", "boss")}
    assert list(AuditEntry.objects.order_by("pk").values_list("who", "reason")) == [
        ("boss", "checked on site"), ("boss", "rebuilt"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"until": "2030-01-01"}, "Say why"),
        ({"reason": "checked"}, "until which day"),
        ({"until": "soon", "reason": "checked"}, "No action"),
        ({"until": "1999-01-01", "reason": "checked"}, "in the future"),
    ],
)
def test_a_signature_that_lacks_something_says_what_and_signs_nothing(client, lamps, more, words):
    (told,) = act(client, "sign", lamps, **more)
    assert words in told and not signed()


def test_assets_are_there_to_read(client, lamps):
    page = client.get("/admin/devices/asset/?q=L-1").content.decode()
    assert "L-1" in page and "L-2" not in page
    assert client.post(f"/admin/devices/asset/{lamps[0].asset_id}/change/", {"name": "x"}).status_code == 403
    assert client.get(f"/admin/devices/asset/{lamps[0].asset_id}/change/").status_code == 200
