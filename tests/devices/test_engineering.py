# SPDX-License-Identifier: Apache-2.0
"""Engineering data are drawn up, signed by a person, and the signature can be taken away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import Point
from django.urls import include, path
from django.utils import timezone
from rest_framework.test import APIClient

from smartcity.api.authentication import issue_token
from smartcity.api.models import AuditEntry, Grant
from smartcity.devices import engineering_api
from smartcity.devices.models import Asset, EngineeringRecord, Zone

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]
urlpatterns = [path("api/v1/", include(engineering_api.urlpatterns))]
SIGN, WITHDRAW, ALL = "/api/v1/engineering/sign", "/api/v1/engineering/withdraw", "/api/v1/engineering/"


def lamp(uid="L-1", zone="centre", *, data=True):
    place, _ = Zone.objects.get_or_create(code=zone, defaults={"name": zone})
    made = Asset.objects.create(
        uid=uid, domain="lighting", kind="luminaire", name="", geom=Point(24.9, 60.1, srid=4326), zone=place
    )
    if data:
        EngineeringRecord.objects.create(asset=made, data={"power_w": 60})
    return made


def user(name="anna", zone="", action="configure"):
    made = get_user_model().objects.create_user(name)
    for what in {action, "view"}:
        Grant.objects.create(user=made, action=what, zone=zone)
    return made


def client(made):
    found = APIClient()
    found.force_authenticate(made)
    return found


@pytest.fixture
def anna(db):
    return client(user())


def in_days(days):
    return (timezone.now() + timedelta(days=days)).isoformat()


def sign(who, *, days=365, **more):
    wish = {"assets": ["L-1"], "valid_until": in_days(days), "reason": "checked on site"} | more
    return who.post(SIGN, {k: v for k, v in wish.items() if v is not None}, format="json")


def current(uid="L-1"):
    return EngineeringRecord.objects.get(asset__uid=uid, is_current=True)


@pytest.mark.both_engines
def test_a_person_signs_and_answers_by_name_until_an_instant(anna):
    lamp()
    assert sign(anna).data["signed"] == ["L-1"]
    record = current()
    assert record.signed_by == "anna" and record.valid_until - record.signed_at > timedelta(days=364)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.reason) == ("engineering data signed", "L-1", "checked on site")
    assert entry.after["versions"] == {"L-1": 1}


@pytest.mark.both_engines
def test_new_data_wait_for_a_signature_and_the_signed_ones_stay_in_force(anna):
    lamp()
    sign(anna)
    drawn = anna.post(ALL, {"asset": "L-1", "data": {"power_w": 75}, "basis": "drawing 7"}, format="json")
    assert drawn.status_code == 201 and (current().version, current().data) == (1, {"power_w": 60})
    sign(anna)
    assert (current().version, current().data, current().signed_by) == (2, {"power_w": 75}, "anna")
    assert [row["version"] for row in anna.get(ALL, {"asset": "L-1"}).data] == [2, 1]


def test_the_first_data_of_an_asset_are_current_and_unsigned(anna):
    lamp(data=False)
    anna.post(ALL, {"asset": "L-1", "data": {"power_w": 75}, "basis": "drawing 7"}, format="json")
    assert (current().version, current().signed_by) == (1, "")


def test_a_whole_kind_is_signed_in_one_act_with_one_audit_row(anna, django_assert_max_num_queries):
    for number in range(30):
        lamp(f"L-{number}", "north" if number % 3 else "centre")
    with django_assert_max_num_queries(12):
        found = sign(anna, assets=None, domain="lighting", kind="luminaire", zone="north")
    assert len(found.data["signed"]) == 20
    assert EngineeringRecord.objects.exclude(signed_by="").count() == 20 and AuditEntry.objects.count() == 1


def test_withdrawing_leaves_the_data_without_a_name(anna):
    lamp()
    sign(anna)
    gone = anna.post(WITHDRAW, {"assets": ["L-1"], "reason": "wrong lamp"}, format="json")
    assert gone.data["withdrawn"] == ["L-1"] and current().signed_by == "" and current().valid_until is None
    again = anna.post(WITHDRAW, {"assets": ["L-1"], "reason": "wrong lamp"}, format="json")
    assert again.status_code == 422


@pytest.mark.parametrize("days", [-1, 4000])
def test_a_signature_ends_in_the_future_and_within_ten_years(anna, days):
    lamp()
    assert sign(anna, days=days).status_code == 422 and current().signed_by == ""


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"assets": ["L-9"]}, 404),
        ({"assets": None}, 400),
        ({"assets": None, "domain": "lighting"}, 400),
        ({"reason": ""}, 400),
        ({"valid_until": "tomorrow"}, 400),
        ({"valid_until": "2099-01-01T00:00"}, 400),
    ],
)
def test_an_unclear_wish_signs_nothing(anna, change, status):
    lamp()
    assert sign(anna, **change).status_code == status and current().signed_by == ""


def test_nothing_to_sign_is_said(anna):
    lamp(data=False)
    assert sign(anna).status_code == 422


def test_a_key_cannot_sign(db):
    lamp()
    bearer = APIClient()
    bearer.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_token(user(), 'planning system')}")
    answer = sign(bearer)
    assert answer.status_code == 403 and "key cannot sign" in answer.data["detail"] and current().signed_by == ""


def test_nobody_signs_in_the_name_of_the_demo(db):
    lamp()
    assert sign(client(user("demo"))).status_code == 422 and current().signed_by == ""


@pytest.mark.parametrize(("zone", "action"), [("north", "configure"), ("", "operate")])
def test_only_who_may_configure_the_asset_signs_draws_up_and_withdraws(anna, zone, action):
    lamp()
    sign(anna)
    other = client(user("bert", zone, action))
    drawn = other.post(ALL, {"asset": "L-1", "data": {"a": 1}, "basis": "x"}, format="json")
    gone = other.post(WITHDRAW, {"assets": ["L-1"], "reason": "x"}, format="json")
    assert {sign(other).status_code, drawn.status_code, gone.status_code} <= {403, 404}
    assert current().signed_by == "anna" and EngineeringRecord.objects.count() == 1


def test_versions_out_of_reach_are_not_told(anna):
    lamp()
    assert client(user("bert", "north")).get(ALL, {"asset": "L-1"}).data == []
