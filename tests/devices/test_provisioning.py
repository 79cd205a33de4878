# SPDX-License-Identifier: Apache-2.0
"""Devices get an identity and a key, by REST and by list, and lose them again."""

from __future__ import annotations

import json
import stat

import pytest
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import Point
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.urls import include, path
from rest_framework.test import APIClient

from smartcity.api.models import AuditEntry, Grant
from smartcity.devices import credentials, device_api, street
from smartcity.devices.models import Asset, Device, GatewayToken, Series, Zone

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]
urlpatterns = [path("api/v1/", include(device_api.urlpatterns))]
METRICS = ["lighting.power_w", "lighting.dim_level"]


@pytest.fixture
def lamp(db):
    return lamp_in("centre")


def lamp_in(zone, uid="L-1"):
    place, _ = Zone.objects.get_or_create(code=zone, defaults={"name": zone})
    return Asset.objects.create(
        uid=uid, domain="lighting", kind="luminaire", name="", geom=Point(24.9, 60.1, srid=4326), zone=place
    )


def person(*grants):
    user = get_user_model().objects.create_user(f"anna{get_user_model().objects.count()}")
    for action, domain, zone in grants:
        Grant.objects.create(user=user, action=action, domain=domain, zone=zone)
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def anna(db):
    return person(("configure", "", ""), ("view", "", ""))


def set_up(client, uid="node-7", **more):
    return client.post("/api/v1/devices/", {"uid": uid, "asset": "L-1", "metrics": METRICS} | more, format="json")


def stored(uid):
    return Device.objects.get(uid=uid).secret_sha256


def test_a_device_is_set_up_and_its_secret_shown_this_once(anna, lamp):
    answer = set_up(anna)
    assert answer.status_code == 201 and len(answer.data["secret"]) == 64
    assert credentials.matches(answer.data["secret"], stored("node-7"))
    assert set(Series.objects.values_list("device__uid", "metric")) == {("node-7", m) for m in METRICS}
    shown = anna.get("/api/v1/devices/node-7").data
    assert answer.data["secret"] not in json.dumps(shown) and shown["has_secret"]


def test_no_secret_is_ever_in_the_audit_trail(anna, lamp):
    secrets = [set_up(anna).data["secret"]]
    secrets.append(anna.post("/api/v1/devices/node-7/rotate", {"reason": "lost"}, format="json").data["secret"])
    kept = json.dumps(list(AuditEntry.objects.values("before", "after", "reason", "subject")))
    assert not any(secret in kept for secret in secrets)
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "subject", "reason")) == [
        ("device created", "node-7", ""),
        ("device secret rotated", "node-7", "lost"),
    ]


def test_rotating_makes_the_old_secret_worthless(anna, lamp):
    old = set_up(anna).data["secret"]
    new = anna.post("/api/v1/devices/node-7/rotate", {"reason": "yearly"}, format="json").data["secret"]
    assert credentials.matches(new, stored("node-7")) and not credentials.matches(old, stored("node-7"))


def test_revoking_leaves_no_secret_that_fits(anna, lamp):
    set_up(anna)
    assert anna.post("/api/v1/devices/node-7/revoke", {"reason": "stolen"}, format="json").data["has_secret"] is False
    assert stored("node-7") is None


def test_a_retired_device_cannot_come_back_but_keeps_its_series(anna, lamp):
    set_up(anna)
    assert anna.post("/api/v1/devices/node-7/retire", {"reason": "scrapped"}, format="json").data["retired_at"]
    again = anna.post("/api/v1/devices/node-7/rotate", {"reason": "oops"}, format="json")
    assert again.status_code == 422 and "retired" in again.data["detail"]
    assert Series.objects.filter(device__uid="node-7").count() == 2 and stored("node-7") is None
    assert anna.get("/api/v1/devices/").data["count"] == 0 and anna.get("/api/v1/devices/?retired=1").data["count"] == 1


def test_a_name_is_given_once(anna, lamp):
    set_up(anna)
    assert set_up(anna).status_code == 409


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"uid": "a/b"}, 422),
        ({"uid": "lamp#1"}, 422),
        ({"codec": "morse"}, 422),
        ({"metrics": ["lighting.taste"]}, 422),
        ({"metrics": ["traffic.flow"]}, 422),
        ({"metrics": []}, 400),
        ({"asset": "L-99"}, 400),
    ],
)
def test_what_cannot_be_a_device_is_refused_in_words(anna, lamp, change, status):
    answer = set_up(anna, **change)
    assert answer.status_code == status and not Device.objects.exists()


@pytest.mark.parametrize("action", ["rotate", "revoke", "retire"])
def test_a_reason_is_required(anna, lamp, action):
    set_up(anna)
    assert anna.post(f"/api/v1/devices/node-7/{action}", {}, format="json").status_code == 400


@pytest.mark.parametrize(
    "grants",
    [
        (),
        (("view", "", ""),),
        (("operate", "", ""),),
        (("configure", "traffic", ""), ("view", "", "")),
        (("configure", "", "north"), ("view", "", "")),
    ],
)
def test_only_who_may_configure_this_asset_sets_up_and_rotates(anna, lamp, grants):
    set_up(anna)
    other = person(*grants)
    assert set_up(other, uid="mine").status_code in (400, 403)
    assert other.post("/api/v1/devices/node-7/rotate", {"reason": "x"}, format="json").status_code in (403, 404)
    assert Device.objects.count() == 1 and AuditEntry.objects.count() == 1


def test_devices_out_of_reach_are_not_listed(anna, lamp):
    set_up(anna)
    north = person(("view", "lighting", "north"))
    assert north.get("/api/v1/devices/").data["count"] == 0 and north.get("/api/v1/devices/node-7").status_code == 404


def test_a_gateway_gets_a_token_for_its_devices_which_can_be_revoked(anna, lamp):
    set_up(anna)
    made = anna.post("/api/v1/gateways/", {"name": "mast 1", "devices": ["node-7"]}, format="json")
    gateway = GatewayToken.objects.get()
    assert made.status_code == 201 and credentials.matches(made.data["token"], gateway.token_sha256)
    assert "token" not in anna.get("/api/v1/gateways/").data[0]
    anna.post(f"/api/v1/gateways/{gateway.pk}/revoke", {"reason": "mast gone"}, format="json")
    again = anna.post(f"/api/v1/gateways/{gateway.pk}/revoke", {"reason": "mast gone"}, format="json")
    assert again.status_code == 422 and GatewayToken.objects.get().revoked_at


def test_a_gateway_cannot_be_given_devices_out_of_reach(anna, lamp):
    set_up(anna)
    north = person(("configure", "", "north"))
    answer = north.post("/api/v1/gateways/", {"name": "mast 1", "devices": ["node-7"]}, format="json")
    assert answer.status_code == 400 and not GatewayToken.objects.exists()


def test_a_gateway_with_a_device_out_of_reach_cannot_be_revoked(anna, lamp):
    set_up(anna)
    anna.post("/api/v1/gateways/", {"name": "mast 1", "devices": ["node-7"]}, format="json")
    north = person(("configure", "", "north"))
    pk = GatewayToken.objects.get().pk
    assert north.post(f"/api/v1/gateways/{pk}/revoke", {"reason": "x"}, format="json").status_code == 404


def test_the_street_learns_a_simulated_device_s_new_secret(anna, lamp, tmp_path):
    with override_settings(VAR=tmp_path):
        Device.objects.create(uid="L-1", asset=lamp, simulated=True)
        street.write([{"uid": "L-1", "secret": "old"}], [], name="Town", map_file="t.osm")
        secret = anna.post("/api/v1/devices/L-1/rotate", {"reason": "drill"}, format="json").data["secret"]
        assert street.secrets() == {"L-1": secret}


# by list


def listed(tmp_path, *lines):
    file = tmp_path / "devices.csv"
    file.write_text("\n".join(lines))
    return str(file)


def test_a_list_sets_up_devices_and_writes_their_secrets_to_a_file_of_the_owner(lamp, tmp_path):
    lamp_in("north", "L-2")
    file = listed(
        tmp_path, "device,asset,metrics", "a,L-1,lighting.power_w", "L-2,,lighting.power_w lighting.dim_level"
    )
    out = tmp_path / "secrets.csv"
    call_command("provision", file, secrets=out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    rows = [line.split(",") for line in out.read_text().split()[1:]]
    assert [uid for uid, _ in rows] == ["a", "L-2"]
    assert all(credentials.matches(secret, stored(uid)) for uid, secret in rows)
    assert Series.objects.count() == 3 and AuditEntry.objects.filter(action="device created").count() == 2


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("device,metrics", "L-1,lighting.power_w", "L-9,lighting.power_w"), "line 3: there is no asset L-9"),
        (("device,metrics", "L-1,lighting.taste"), "line 2: the metric 'lighting.taste'"),
        (("device,metrics", "L-1,"), "line 2: it measures nothing"),
        (("device,metrics", "L-1,lighting.power_w", "L-1,lighting.power_w"), "line 3: L-1 stands in line 2"),
        (("device,asset,metrics", "a b,L-1,lighting.power_w"), "line 2: 'a b' is no device name"),
        (("device,codec,metrics", "L-1,morse,lighting.power_w"), "codec 'morse'"),
        (("name,metrics", "L-1,lighting.power_w"), "must have the columns"),
        (("device,metrics",), "lists no devices"),
        ((), "must have the columns"),
    ],
)
def test_a_list_with_a_mistake_changes_nothing_and_says_where(lamp, tmp_path, lines, words):
    with pytest.raises(CommandError, match=words.replace("(", r"\(")):
        call_command("provision", listed(tmp_path, *lines), secrets=tmp_path / "s.csv")
    assert not Device.objects.exists() and not (tmp_path / "s.csv").exists()


def test_a_list_that_is_not_text_gets_a_sentence(lamp, tmp_path):
    (tmp_path / "d.csv").write_bytes(b"\xff\xfe\x00device")
    with pytest.raises(CommandError, match="not a CSV file"):
        call_command("provision", str(tmp_path / "d.csv"))


def test_a_dry_run_changes_nothing(lamp, tmp_path):
    call_command("provision", listed(tmp_path, "device,metrics", "L-1,lighting.power_w"), dry_run=True)
    assert not Device.objects.exists()


def test_devices_that_exist_are_left_alone_unless_rotated(lamp, tmp_path):
    file = listed(tmp_path, "device,metrics", "L-1,lighting.power_w")
    call_command("provision", file, secrets=tmp_path / "1.csv")
    first = stored("L-1")
    call_command("provision", file, secrets=tmp_path / "2.csv")
    assert stored("L-1") == first and not (tmp_path / "2.csv").exists()
    call_command("provision", file, secrets=tmp_path / "3.csv", rotate=True)
    assert stored("L-1") != first


def test_secrets_are_never_written_over_a_file_and_nothing_is_issued_then(lamp, tmp_path):
    (tmp_path / "s.csv").write_text("mine")
    with pytest.raises(CommandError, match="does not exist yet"):
        call_command(
            "provision", listed(tmp_path, "device,metrics", "L-1,lighting.power_w"), secrets=tmp_path / "s.csv"
        )
    assert (tmp_path / "s.csv").read_text() == "mine" and not Device.objects.exists()
