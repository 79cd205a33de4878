# SPDX-License-Identifier: Apache-2.0
"""Timing sheets over REST: read, checked, saved, compared, signed, withdrawn; in LIVE a draft moves no signal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import LineString, Point
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from benchmarks.traffic.networks import DATA
from smartcity.api.models import AuditEntry, Grant
from smartcity.control import situations
from smartcity.devices.models import Device, EngineeringRecord, Zone
from smartcity.kernel.clock import clock
from tests.traffic.build import programme, wish
from tests.traffic.sheets import sheet, with_group, with_plan
from traffic.engineering.shape import write
from traffic.interlocks import INTERLOCKS
from traffic.models import Approach, Intersection

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both_engines]
PATH = "/api/v1/traffic/sheets/K-1"


@pytest.fixture(autouse=True)
def place():
    zone = Zone.objects.create(code="centre", name="Centre")
    at = {"domain": "traffic", "zone": zone}
    k = Intersection.objects.create(
        uid="K-1", kind="intersection", name="Main / Side", external_id="k", geom=Point(24.9, 60.1, srid=4326), **at
    )
    line = LineString((24.9, 60.1), (24.91, 60.1), srid=4326)
    for n, heading in (("1", 0.0), ("2", 180.0), ("3", 90.0)):
        Approach.objects.create(
            uid=f"A-{n}", kind="approach", name=f"arm {n}", external_id=n, geom=line, parent=k, heading=heading,
            lanes=1, length_m=100.0, speed_kmh=50.0, **at,
        )  # fmt: skip
    Device.objects.create(uid="K-1", asset=k, announced=programme().announced())
    return k


def client(name="anna", action="configure", zone=""):
    made = get_user_model().objects.create_user(name)
    for what in {action, "view"}:
        Grant.objects.create(user=made, action=what, zone=zone)
    found = APIClient()
    found.force_authenticate(made)
    return found


@pytest.fixture
def anna():
    return client()


def save(who, one=None, after=0, basis="drawing 7"):
    return who.post(PATH, {"sheet": write(one or sheet()), "basis": basis, "after": after}, format="json")


def sign(who, version=None, **more):
    until = (clock.now() + timedelta(days=365)).isoformat()
    given = {"assets": ["K-1"], "valid_until": until, "reason": "checked on site"} | more
    return who.post("/api/v1/engineering/sign", given | ({"version": version} if version else {}), format="json")


def test_without_a_stored_sheet_the_cabinet_s_draft_is_shown(anna):
    found = anna.get(PATH).json()
    assert (found["version"], found["newest"], found["versions"], found["may_be_signed"]) == (None, 0, [], False)
    assert [stage["green"][:2] for stage in found["sheet"]["stages"]] == [["V1", "V3"], ["V2", "F1"]]
    assert {one["severity"] for one in found["findings"]} == {"estimated"} and found["may_configure"]
    assert anna.get(f"{PATH}/announced").json()["sheet"] == found["sheet"]


def test_a_silent_cabinet_has_no_draft_and_that_is_said(anna):
    Device.objects.update(announced={})
    assert anna.get(PATH).json()["why_none"] == "The cabinet has not announced its stages yet."
    assert anna.get(f"{PATH}/announced").status_code == 404


def test_a_sheet_is_checked_without_being_stored(anna):
    wrong = write(with_plan(cycle_s=70.0))
    found = anna.post(f"{PATH}/check", {"sheet": wrong}, format="json").json()
    assert found["findings"] == [
        {
            "severity": "error", "part": "plans", "subject": "1",
            "sentence": "Plan 1: greens and changes add up to 60 s, not to the cycle of 70 s.",
        }
    ]  # fmt: skip
    assert found["changes_s"] == {"1": [5.0, 4.0]} and not found["may_be_signed"]
    assert not EngineeringRecord.objects.exists()


def test_a_draft_is_saved_signed_and_withdrawn_each_with_an_audit_row(anna):
    assert save(anna).data["version"] == 1
    assert sign(anna, 1).status_code == 200
    row = anna.get(PATH).json()["versions"][0]
    assert (row["signed_by"], row["is_current"]) == ("anna", True) and row["valid_until"] > row["valid_from"]
    gone = anna.post("/api/v1/engineering/withdraw", {"assets": ["K-1"], "reason": "wrong drawing"}, format="json")
    assert gone.status_code == 200 and anna.get(PATH).json()["versions"][0]["signed_by"] == ""
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == [
        "engineering data drawn up", "engineering data signed", "engineering signature withdrawn",
    ]  # fmt: skip


def test_a_sheet_with_errors_can_be_saved_and_not_signed(anna):
    save(anna, with_plan(cycle_s=70.0))
    no = sign(anna)
    assert no.status_code == 422
    assert "K-1 version 1 cannot be signed. Plan 1: greens and changes add up to 60 s" in no.json()["detail"]
    assert not EngineeringRecord.objects.exclude(signed_by="").exists()


def test_nor_can_what_is_still_estimated(anna):
    save(anna, replace(sheet(), estimated=("intergreens",)))
    assert "not worked out from clearing and entering distances" in sign(anna).json()["detail"]


def test_limits_put_beside_a_sheet_by_another_door_are_not_signed(anna):
    data = {"min_green_s": 1.0, "max_red_s": 900.0, "plans": [1], "sheet": write(sheet())}
    drawn = {"asset": "K-1", "data": data, "basis": "none"}
    assert anna.post("/api/v1/engineering/", drawn, format="json").status_code == 201
    assert "limits beside the sheet" in sign(anna).json()["detail"]


def test_whoever_signs_signs_what_they_read(anna):
    save(anna)
    save(anna, with_group("V1", min_green_s=8.0), after=1)
    assert "Version 2 is the newest of K-1, not the 1 you read." in sign(anna, 1).json()["detail"]
    assert sign(anna, 2).status_code == 200


def test_what_another_saved_meanwhile_is_not_overwritten_unseen(anna):
    save(anna)
    late = save(anna, with_group("V1", min_green_s=8.0), after=0)
    assert late.status_code == 409 and "Version 1 has been drawn up meanwhile" in late.json()["detail"]


def test_two_versions_are_compared_in_the_words_of_the_trade(anna):
    save(anna)
    save(anna, with_group("V1", min_green_s=8.0), after=1)
    found = anna.get("/api/v1/engineering/compare", {"asset": "K-1", "old": 1, "new": 2}).json()
    assert found["changes"] == ["Group V1: min green was 5 s, is 8 s."]
    assert anna.get("/api/v1/engineering/compare", {"asset": "K-1", "old": 1, "new": 9}).status_code == 404


def test_data_without_words_of_a_trade_are_compared_field_by_field(anna, place):
    for version, least in ((1, 5.0), (2, 7.0)):
        EngineeringRecord.objects.create(
            asset=place, version=version, data={"min_green_s": least}, is_current=version == 2
        )
    found = anna.get("/api/v1/engineering/compare", {"asset": "K-1", "old": 1, "new": 2}).json()
    assert found["changes"] == ["min_green_s was 5.0, is 7.0"]


@pytest.mark.parametrize(
    "body",
    [
        {"sheet": {"version": 1}},
        {"sheet": {**write(sheet()), "intersection": "K-9"}},
        {"sheet": {**write(sheet()), "plans": 5}},
        {"sheet": "x"},
        {},
    ],
)
def test_what_is_no_sheet_of_this_junction_is_refused(anna, body):
    assert anna.post(f"{PATH}/check", body, format="json").status_code == 400
    assert anna.post(PATH, body | {"basis": "x", "after": 0}, format="json").status_code == 400


def test_who_may_only_look_saves_nothing_and_out_of_reach_there_is_nothing(anna):
    looker, stranger = client("bert", "view"), client("carl", "configure", "north")
    assert looker.get(PATH).json()["may_configure"] is False and save(looker).status_code == 403
    assert stranger.get(PATH).status_code == 404 and save(stranger).status_code == 404
    assert stranger.post(f"{PATH}/check", {"sheet": write(sheet())}, format="json").status_code == 404


@pytest.fixture
def live(monkeypatch):
    monkeypatch.setattr(type(clock), "is_simulation", property(lambda self: False))


def refused():
    """What the limit checks say to a stage plan for K-1 now, all else being in order."""
    now_ms = clock.now_ms()
    found = situations.load(["K-1"], now_ms, is_simulation=clock.is_simulation, readings=False)["K-1"].situation
    said = {"stage": 1, "green_s": 20, "status": 0, "longest_red_s": 0, "waiting_stage": 0}
    reported = {f"traffic.{name}": float(value) for name, value in said.items()}
    now = replace(found, reported=reported, ages_s=dict.fromkeys(reported, 1.0))
    asked = wish(f"2@{now_ms // 1000 + 5}")
    return [why for rule in INTERLOCKS if (why := rule.check(asked, now))]


NOT_SIGNED = ["no timing sheet is signed for this junction, or not any more: its local plan stands"]


def test_in_live_a_draft_moves_no_signal_until_a_person_signs_it(anna, live):
    save(anna)
    assert refused() == NOT_SIGNED
    sign(anna)
    assert refused() == []


def test_in_live_the_demo_s_signature_moves_no_signal(anna, live):
    save(anna)
    EngineeringRecord.objects.update(signed_by="demo")
    assert refused() == NOT_SIGNED


def test_a_newer_draft_changes_nothing_until_it_is_signed(anna, live):
    save(anna)
    sign(anna)
    save(anna, with_group("V1", min_green_s=30.0), after=1)
    assert refused() == []
    sign(anna)
    (why,) = refused()
    assert "of its minimum green to go" in why


def test_withdrawn_or_run_out_it_is_a_draft_again(anna, live):
    save(anna)
    sign(anna)
    EngineeringRecord.objects.update(valid_until=clock.now() - timedelta(seconds=1))
    assert refused() == NOT_SIGNED
    anna.post("/api/v1/engineering/withdraw", {"assets": ["K-1"], "reason": "wrong"}, format="json")
    assert refused() == NOT_SIGNED


def test_a_person_signs_over_what_the_demo_signed(anna, place):
    EngineeringRecord.objects.create(asset=place, data={"min_green_s": 5.0, "max_red_s": 120.0}, signed_by="demo")
    assert anna.get(PATH).json()["version"] is None
    assert save(anna, after=1).data["version"] == 2 and sign(anna, 2).status_code == 200
    assert EngineeringRecord.objects.get(is_current=True).signed_by == "anna"


NET = str(DATA / "cologne1" / "cologne1.net.xml")


@pytest.mark.skipif(not Path(NET).exists(), reason="the RESCO networks are not here")
def test_a_signal_of_a_sumo_network_becomes_a_draft_of_a_junction(anna, capsys):
    call_command("draftsheet", NET)
    signal = capsys.readouterr().out.partition(":")[0]
    call_command("draftsheet", NET, "--signal", signal, "--junction", "K-1")
    found = anna.get(PATH).json()
    assert (found["version"], len(found["sheet"]["stages"])) == (1, 4) and not found["may_be_signed"]
    assert found["versions"][0]["basis"] == f"cologne1.net.xml, signal {signal}"
    with pytest.raises(CommandError, match="there is no K-9"):
        call_command("draftsheet", NET, "--signal", signal, "--junction", "K-9")


def test_a_file_that_is_no_network_is_said_to_be_none(tmp_path):
    (tmp_path / "x.net.xml").write_text("<net/>")
    with pytest.raises(CommandError, match="cannot be read as a SUMO network"):
        call_command("draftsheet", str(tmp_path / "x.net.xml"))
