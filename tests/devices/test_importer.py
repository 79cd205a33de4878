# SPDX-License-Identifier: Apache-2.0
"""A map becomes a city, twice, on both engines, and a broken file changes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from smartcity import declared
from smartcity.api.models import AuditEntry
from smartcity.devices import base_map, importer, osm_read, plan, street
from smartcity.devices.models import Asset, CityImport, Device, EngineeringRecord, Road, Series, TurnRestriction, Zone
from smartcity.kernel.imports import AssetDraft, DeviceDraft
from tests.devices.maps import SQUARE, osm

HELSINKI = Path(settings.ROOT) / "var" / "Helsinki.osm.pbf"
KREMS = Path(__file__).resolve().parents[3] / "shared/data/waste/krems/krems.osm.gz"
LAMP = {"highway": "street_lamp"}
MAIN = [(10, [1, 2, 3, 4, 1], {"highway": "residential", "name": "Ring Street"})]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def town(tmp_path, settings, monkeypatch):
    """Import a small town whose lamps are the only thing anybody drafts."""
    settings.VAR = tmp_path / "var"
    monkeypatch.setattr(declared, "drafters", lambda: {"lighting": _lamps})

    def make(lamps=(5, 6), *, demo=True, draw=False, watts=60.0, replace=False):
        nodes = {**SQUARE, **{n: (n / 10, 0.01) for n in lamps}}
        path = osm(tmp_path / "t.osm", nodes=nodes, ways=MAIN, tagged={n: LAMP | {"w": str(watts)} for n in lamps})
        if not draw:
            monkeypatch.setattr(base_map, "put_in_place", lambda drawing: "")
        return importer.import_city(path, demo=demo, say=lambda line: None, replace=replace)

    return make


def _lamps(town, demo):
    return [
        AssetDraft(
            kind="luminaire",
            prefix="L",
            external_id=f"osm:n{node.id}",
            name="Lamp",
            points=(node.point,),
            fields={"power_w": float(node.tags["w"])},
            engineering={"power_w": float(node.tags["w"])},
            device=DeviceDraft("senml", ("lighting.power_w", "lighting.dim_level"), {"lag_s": 2}),
        )
        for node in town.nodes
    ]


def counts(report):
    found: Counter[str] = Counter()
    for (_, _, word), number in report.counts.items():
        found[word] += number
    return dict(found)


def everything():
    models = (Asset, Device, Series, EngineeringRecord, Road, TurnRestriction, Zone)
    return {model.__name__: model.objects.count() for model in models}


@pytest.mark.both_engines
def test_a_map_becomes_assets_with_devices_series_and_signed_data(town):
    report = town()
    assert counts(report) == {"added": 2}
    lamp = Asset.objects.get(uid="L-001")
    assert (lamp.source, lamp.external_id, lamp.simulated, lamp.zone.code) == ("osm", "osm:n5", True, "centre")
    assert sorted(Series.objects.filter(device__asset=lamp).values_list("metric", flat=True)) == [
        "lighting.dim_level",
        "lighting.power_w",
    ]
    record = lamp.engineering.get()
    assert (record.signed_by, record.data) == ("demo", {"power_w": 60.0})
    assert AuditEntry.objects.get().action == "city imported"


@pytest.mark.both_engines
def test_importing_again_changes_nothing(town):
    town()
    before, names = everything(), sorted(Asset.objects.values_list("pk", "uid"))
    secrets = street.secrets()
    assert counts(town()) == {"unchanged": 2}
    assert everything() == before and sorted(Asset.objects.values_list("pk", "uid")) == names
    assert street.secrets() == secrets


def test_what_changed_is_updated_under_the_same_name(town):
    town()
    assert counts(town(watts=75.0)) == {"changed": 2}
    lamp = Asset.objects.get(uid="L-001")
    assert lamp.luminaire.power_w == 75.0
    assert [(r.version, r.is_current, r.data["power_w"]) for r in lamp.engineering.order_by("version")] == [
        (1, False, 60.0),
        (2, True, 75.0),
    ]


def test_what_is_gone_is_marked_and_comes_back_as_itself(town):
    town()
    assert counts(town(lamps=(6,))) == {"unchanged": 1, "missing": 1}
    gone = Asset.objects.get(external_id="osm:n5")
    assert gone.missing_since is not None and Device.objects.filter(asset=gone).exists()
    assert counts(town()) == {"unchanged": 1, "changed": 1}
    assert Asset.objects.get(external_id="osm:n5").missing_since is None


def test_a_person_s_signature_outlives_an_import(town):
    town()
    EngineeringRecord.objects.update(signed_by="Chief engineer")
    town(watts=75.0)
    assert set(EngineeringRecord.objects.values_list("version", "signed_by")) == {(1, "Chief engineer")}


def test_a_draft_that_waits_for_a_signature_does_not_stand_in_the_way_of_an_import(town):
    town()
    lamp = Asset.objects.get(uid="L-001")
    EngineeringRecord.objects.create(asset=lamp, version=2, data={"power_w": 1}, basis="drawing 7", is_current=False)
    town(watts=75.0)
    rows = EngineeringRecord.objects.filter(asset=lamp).order_by("version")
    assert [(row.version, row.is_current) for row in rows] == [(1, False), (2, False), (3, True)]


def test_without_demo_nothing_is_signed_simulated_or_given_a_secret(town):
    town(demo=False)
    assert not Asset.objects.filter(simulated=True).exists()
    assert not Device.objects.exclude(secret_sha256=None).exists()
    assert set(EngineeringRecord.objects.values_list("signed_by", flat=True)) == {""}
    assert not street.path().exists()


def test_the_demo_says_on_what_its_engineering_data_rest(town):
    town()
    assert {r.basis.partition(",")[2] for r in EngineeringRecord.objects.all()} == {
        " estimated by the demo's stated rules"
    }


def test_what_an_earlier_import_guessed_is_set_aside_and_what_a_person_drew_up_stays(town, monkeypatch):
    town(demo=False)
    drawn_up = EngineeringRecord.objects.get(asset__uid="L-001")
    EngineeringRecord.objects.filter(pk=drawn_up.pk).update(basis="survey of 2026")
    silent = [replace(d, engineering={}) for d in _lamps(osm_read.read(Path(settings.VAR).parent / "t.osm"), False)]
    monkeypatch.setattr(declared, "drafters", lambda: {"lighting": lambda town, demo: silent})
    town(demo=False)
    assert list(EngineeringRecord.objects.filter(is_current=True)) == [drawn_up]


def test_estimates_count_only_in_the_demo(town, monkeypatch):
    def estimated(town, demo):
        return [
            AssetDraft(
                kind="luminaire", prefix="L", external_id=d.external_id, name="", points=d.points, estimated=True
            )
            for d in _lamps(town, demo)
        ]

    monkeypatch.setattr(declared, "drafters", lambda: {"lighting": estimated})
    town(demo=False)
    assert not Asset.objects.exists()
    town()
    assert Asset.objects.filter(estimated=True).count() == 2


def test_what_the_city_has_a_list_of_its_own_for_gives_way_now_and_at_every_import(town):
    town()
    CityImport.objects.create(
        source="lamps.csv",
        finished_at=timezone.now(),
        summary={"domain": "lighting", "kind": "luminaire", "replaces": ["osm"]},
    )
    assert counts(town()) == {"missing": 2}
    assert counts(town()) == {}
    assert street.secrets() == {}


def test_the_street_holds_what_the_devices_know_and_only_its_owner_may_read_it(town):
    town()
    assert stat.S_IMODE(os.stat(street.path()).st_mode) == 0o600
    found = json.loads(street.path().read_text())
    assert found["zone"] == found["devices"][0]["twin"]["zone"] == "Europe/Helsinki"
    assert found["devices"][0]["twin"]["lag_s"] == 2
    for entry in found["devices"]:
        stored = bytes(Device.objects.get(uid=entry["uid"]).secret_sha256 or b"")
        assert stored == hashlib.sha256(entry["secret"].encode()).digest()


def test_a_secret_the_street_no_longer_holds_is_replaced(town):
    town()
    Device.objects.filter(uid="L-001").update(secret_sha256=b"x" * 32)
    before = street.secrets()
    town()
    after = street.secrets()
    assert after["L-001"] != before["L-001"] and after["L-002"] == before["L-002"]


def test_roads_of_the_last_import_are_the_ones_in_force(town):
    town()
    town()
    last = CityImport.objects.latest("pk")
    assert CityImport.objects.get(is_current=True) == last
    assert set(Road.objects.values_list("import_number", flat=True)) == {last.pk}
    assert Road.current.filter(drivable=True).count() == Road.objects.count() == 2


def test_a_map_of_another_place_does_not_take_the_city_away_unasked(town):
    town()
    with pytest.raises(osm_read.BadMap, match="another place"):
        town(lamps=(7, 8))
    assert not Asset.objects.exclude(missing_since=None).exists()
    assert counts(town(lamps=(7, 8), replace=True)) == {"added": 2, "missing": 2}


@pytest.mark.parametrize("content", [b"", b"Dear city", b"<osm version='0.6'><node id='1' lat='1' lon='1'/></osm>"])
def test_a_broken_file_gets_one_sentence_and_changes_nothing(town, tmp_path, content):
    town()
    before = (everything(), street.path().read_bytes(), CityImport.objects.count())
    broken = tmp_path / "broken.osm"
    broken.write_bytes(content)
    with pytest.raises(CommandError) as caught:
        call_command("importcity", str(broken), "--demo")
    assert "broken.osm" in str(caught.value) and "\n" not in str(caught.value)
    assert (everything(), street.path().read_bytes(), CityImport.objects.count()) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prefix": "lamp post"}, "prefix"),
        ({"external_id": ""}, "external_id"),
        ({"points": ((24.0, 95.0),)}, "no place on Earth"),
        ({"parent": "osm:n77"}, "was not drafted"),
        ({"fields": {"colour": "red"}}, "no column colour"),
        ({"fields": {"power_w": "bright"}}, "power_w"),
        ({"kind": "tram"}, "no model Tram"),
        ({"device": DeviceDraft("morse", ())}, "codec 'morse'"),
        ({"device": DeviceDraft("senml", ("lighting.taste",))}, "lighting.taste"),
    ],
)
def test_a_draft_that_cannot_be_an_asset_is_refused_before_anything_is_written(change, words):
    whole = {"kind": "luminaire", "prefix": "L", "external_id": "a", "name": "", "points": ((24.9, 60.1),)}
    with pytest.raises(plan.BadDraft, match=words):
        plan.checked("lighting", [AssetDraft(**{**whole, **change})])


@pytest.mark.slow
@pytest.mark.both_engines
@pytest.mark.skipif(not HELSINKI.exists(), reason="script/bootstrap --demo fetches the demo map")
def test_helsinki_becomes_a_city_and_twice_the_same(tmp_path, settings, monkeypatch):
    settings.VAR = tmp_path
    report = importer.import_city(HELSINKI, demo=True, say=lambda line: None)
    assert report.base_map == "" and base_map.file().stat().st_size > 200_000
    assert Asset.objects.filter(domain="traffic", kind="intersection").count() >= 33
    assert Asset.objects.filter(domain="lighting", kind="luminaire", estimated=False).count() > 500
    assert 20 < report.drivable_km < 60 and report.turns > 10 and report.zones > 1
    assert not Device.objects.filter(secret_sha256=None).exists()
    before = everything()
    monkeypatch.setattr(base_map, "drawing", lambda path: nullcontext())  # is half of the work and was drawn above
    monkeypatch.setattr(base_map, "put_in_place", lambda drawing: "")
    again = importer.import_city(HELSINKI, demo=True, say=lambda line: None)
    assert set(counts(again)) == {"unchanged"} and everything() == before


@pytest.mark.skipif(not KREMS.exists(), reason="the second town's extract is not on this machine")
def test_a_second_town_becomes_a_city_the_same_way(tmp_path, settings):
    settings.VAR = tmp_path
    report = importer.import_city(KREMS, demo=True, say=lambda line: None)
    assert report.town == "Krems an der Donau" and report.base_map == ""
    assert report.drivable_km > 100
    assert Asset.objects.filter(kind="intersection").count() > 5
