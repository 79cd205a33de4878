# SPDX-License-Identifier: Apache-2.0
"""What a legal hold is on stays, on both engines, whatever retention would delete, until somebody lifts it by name."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import Point
from django.core.management import CommandError, call_command
from django.db import connections

from smartcity.api.models import AuditEntry, Grant
from smartcity.api.views import moment
from smartcity.devices.models import Asset, Device, LegalHold, Series, Zone
from smartcity.telemetry import holds, retention, upkeep
from tests.telemetry.conftest import ALL, MINUTE, NOW, batch, quarantined, rows

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]
DAY = 86_400_000
TODAY = NOW - NOW % DAY
LATER = NOW + 100 * DAY


def fill(store, days=6):
    """A reading of two series at noon of each day, sealed once long enough over, rolled up, and messages set aside."""
    for day in range(days, -1, -1):
        at = TODAY + DAY // 2 - day * DAY
        store.write(batch((at, ALL, 1.0), (at, MINUTE, 1.0), now=at))
    store.close_quarters(NOW + DAY)
    store.mend_all()
    upkeep.seal(store, NOW)
    store.write(batch(quarantined=[quarantined(device=1), quarantined(device=0)]))


def hold(**named):
    given = {"owner": "Court", "reason": "case 12", "from_at": moment(TODAY - 4 * DAY), "to_at": moment(TODAY + DAY)}
    return LegalHold.objects.create(set_by="test", **given | named)


def left(sql="SELECT series, day FROM sealed", unit=1):
    return sorted((series, at // unit - TODAY // DAY) for series, at in rows(sql))


def everything(store):
    """Nothing lives longer than a day."""
    store.book.raw_ms[:], store.book.rollup_ms[:] = DAY, DAY


def test_open_and_sealed_readings_rollups_and_quarantine_are_kept_for_the_days_of_the_hold(store):
    fill(store)
    hold()
    everything(store)
    swept = upkeep.retain(store, LATER)
    assert left() == [(series, day) for series in (ALL, MINUTE) for day in (-4, -3)]
    assert left("SELECT series, at FROM reading", DAY) == [(s, d) for s in (ALL, MINUTE) for d in (-2, -1, 0)]
    assert rows("SELECT count(*), min(bucket) FROM rollup_15m") == [(12, TODAY - 5 * DAY + DAY // 2)]
    assert rows("SELECT count(*) FROM rollup_1h")[0][0] >= 10
    assert rows("SELECT count(*) FROM quarantine") == [(2,)]
    assert (swept.sealed, swept.kept["sealed"], swept.kept["readings"], swept.kept["quarantined"]) == (4, 4, 6, 2)


def test_a_hold_on_one_series_keeps_only_that_and_what_its_device_said(store):
    fill(store)
    hold(series=[ALL])
    everything(store)
    upkeep.retain(store, LATER)
    assert left() == [(ALL, -4), (ALL, -3)]
    assert left("SELECT series, at FROM reading", DAY) == [(ALL, -2), (ALL, -1), (ALL, 0)]
    assert {series for (series,) in rows("SELECT series FROM rollup_15m")} == {ALL}


def test_when_the_last_hold_is_lifted_the_next_run_takes_what_it_kept(store):
    fill(store)
    made = hold()
    everything(store)
    upkeep.retain(store, LATER)
    LegalHold.objects.filter(pk=made.pk).update(lifted_at=moment(NOW))
    swept = upkeep.retain(store, LATER + DAY, since_ms=LATER)
    assert (rows("SELECT count(*) FROM reading"), rows("SELECT count(*) FROM sealed")) == ([(0,)], [(0,)])
    assert (swept.sealed, swept.quarantined) == (4, 2)
    assert rows("SELECT count(*) FROM rollup_1d") == [(0,)]


def test_every_run_writes_down_what_went_and_what_was_kept(store):
    fill(store)
    upkeep.retain(store, NOW)
    made = hold(series=[ALL])
    everything(store)
    swept = upkeep.retain(store, LATER)
    newest, first = retention.runs(10)
    assert first["kept"] == {} and first["at"] == NOW
    assert newest["kept"] == {"holds": [made.pk]} | swept.kept
    assert (newest["at"], newest["sealed"], newest["rollups"]) == (LATER, swept.sealed, swept.rollups)
    assert newest["kept"]["sealed"] == 2 and newest["sealed"] == 6


def test_a_day_that_is_held_in_part_is_no_partition_to_drop(store):
    for day in (0, 1, 2):
        store.write(batch((NOW - day * DAY, ALL, 1.0), (NOW - day * DAY, MINUTE, 1.0)))
    hold(series=[ALL], from_at=moment(NOW - DAY), to_at=moment(NOW - DAY + 1))
    everything(store)
    swept = upkeep.retain(store, LATER)
    assert left("SELECT series, at FROM reading", DAY) == [(ALL, -1)]
    if connections["telemetry"].vendor != "sqlite":
        assert len(swept.partitions) >= 2


@pytest.fixture
def inventory(transactional_db):
    """A lamp in the centre and a container in the port, one series each."""
    found = {}
    for domain, code in (("lighting", "centre"), ("waste", "port")):
        zone = Zone.objects.create(code=code, name=code)
        asset = Asset.objects.create(uid=code, domain=domain, kind="x", name=code, geom=Point(25, 60), zone=zone)
        device = Device.objects.create(uid=code, asset=asset)
        found[domain] = Series.objects.create(device=device, metric=f"{domain}.x")
    return found


def test_domain_and_zone_name_the_series_that_stand_there_now(inventory):
    hold(domain="lighting")
    hold(zone="port")
    hold(domain="lighting", zone="port")
    hold(series=[inventory["waste"].pk, 987_654])
    found = holds.in_force()
    lamp, container = inventory["lighting"], inventory["waste"]
    ids = [sorted(one.series or ()) for one in found]
    assert ids == [[lamp.pk], [container.pk], [], [container.pk, 987_654]]
    assert found[0].devices == frozenset({lamp.device_id})


def ask(client, method, path, **body):
    return getattr(client, method)(f"/api/v1/{path}", data=body or None, content_type="application/json")


WISH = {"owner": "Data officer", "reason": "case 12", "from_at": "2027-01-01T00:00Z"}


def test_a_hold_is_set_and_lifted_by_permission_with_an_audit_entry_each(inventory, client, telemetry):
    user = get_user_model().objects.create_user("officer", password="x")
    Grant.objects.create(user=user, action="hold", domain="lighting")
    client.force_login(user)
    assert ask(client, "post", "holds/", **WISH).status_code == 400
    assert ask(client, "post", "holds/", **WISH, domain="waste").status_code == 400
    assert ask(client, "post", "holds/", **WISH, series=[inventory["waste"].pk]).status_code == 400
    assert "no series" in ask(client, "post", "holds/", **WISH, series=[99]).content.decode()
    made = ask(client, "post", "holds/", **WISH, domain="lighting", zone="centre")
    assert made.status_code == 201 and made.json()["to"] is None
    number = made.json()["id"]
    assert [row["id"] for row in ask(client, "get", "holds/").json()] == [number]
    assert ask(client, "post", f"holds/{number}/lift", reason="over").json()["lifted_by"] == "officer"
    again = ask(client, "post", f"holds/{number}/lift", reason="over")
    assert again.status_code == 400 and "lifted already" in again.content.decode()
    assert [(e.action, e.reason) for e in AuditEntry.objects.order_by("pk")] == [
        ("set legal hold", "case 12"),
        ("lift legal hold", "over"),
    ]
    Grant.objects.create(user=user, action="view")
    assert ask(client, "get", "retention/").json() == {"results": []}


def test_who_may_only_look_sets_no_hold(inventory, client):
    user = get_user_model().objects.create_user("viewer", password="x")
    Grant.objects.create(user=user, action="view")
    client.force_login(user)
    assert ask(client, "post", "holds/", **WISH).status_code == 403


def test_the_command_sets_lists_and_lifts(inventory, capsys):
    call_command("legalhold", "set", "--owner", "Court", "--reason", "case", "--from", "2027-01-01T00:00Z",
                 "--domain", "lighting", "--series", str(inventory["lighting"].pk))  # fmt: skip
    call_command("legalhold", "list")
    number = LegalHold.objects.get().pk
    assert f"on lighting, series {inventory['lighting'].pk} from 2027-01-01" in capsys.readouterr().out
    call_command("legalhold", "lift", str(number), "--reason", "over")
    call_command("legalhold", "list")
    assert "No hold is in force." in capsys.readouterr().out
    for wrong, words in ((["--from", "yesterday"], "with an offset"), (["--from", "2027-01-01T00:00Z", "--to",
                         "2026-01-01T00:00Z"], "end after"), (["--from", "2027-01-01T00:00Z", "--zone", "x"],
                         "no zone x")):  # fmt: skip
        with pytest.raises(CommandError, match=words):
            call_command("legalhold", "set", "--owner", "a", "--reason", "b", *wrong)
