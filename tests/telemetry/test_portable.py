# SPDX-License-Identifier: Apache-2.0
"""What leaves as a file comes back to the bit, twice changes nothing, and nothing is half done without a word."""

from __future__ import annotations

import csv
import io
import os
import signal
import stat
import sys
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from django.contrib.gis.geos import Point
from django.core.management import CommandError, call_command

from smartcity.api.models import AuditEntry
from smartcity.devices.models import Asset, Device, Series, Zone
from smartcity.telemetry import exporting, headway, parquet_form, portable, upkeep
from smartcity.telemetry.batch import Batch, Readings
from smartcity.telemetry.breaking_off import BreakingOff
from smartcity.telemetry.engines import connect
from smartcity.telemetry.store import Store
from tests.telemetry.conftest import _empty, rows

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]
DAY, HOUR = 86_400_000, 3_600_000
NOW = int(time.time() * 1000)
TODAY = NOW // DAY * DAY
SPAN = ("--from", str(TODAY - 6 * DAY), "--to", str(TODAY + DAY))


@pytest.fixture
def city(telemetry):
    """A lamp with power and level, and a truck whose position is personal."""
    made: dict[str, int] = {}
    for uid, domain, metrics in (
        ("L-1", "lighting", ("lighting.power_w", "lighting.dim_level")),
        ("T-1", "waste", ("waste.latitude",)),
    ):
        zone = Zone.objects.create(code=domain, name=domain)
        asset = Asset.objects.create(uid=uid, domain=domain, kind="x", name=uid, geom=Point(25, 60), zone=zone)
        device = Device.objects.create(uid=uid, asset=asset, simulated=uid == "T-1")
        made |= {name: Series.objects.create(device=device, metric=name).pk for name in metrics}
    return made


@pytest.fixture
def filled(city):
    """Six days of odd values, qualities and delays, the first ones sealed, one day open."""
    chance = np.random.default_rng(7)
    store = Store()
    for day in range(5, -1, -1):
        at = TODAY - day * DAY + np.unique(chance.integers(0, 6 * HOUR, 300)) * (day > 0 or NOW % DAY > 7 * HOUR)
        at = np.unique(np.minimum(at, NOW - HOUR))
        for series in city.values():
            n = len(at)
            received = at + chance.integers(-3, 900, n) * 1000
            quality = chance.choice([0, 1, 2, 10, 13], n)
            value = np.where(chance.random(n) < 0.5, chance.integers(0, 99, n) / 10, chance.random(n) * 1e-7)
            some = Readings(at, np.full(n, series), value, quality, received)
            store.write(Batch(now_ms=int(at.max()), readings=some))
    upkeep.seal(store, NOW)
    assert rows("SELECT count(*) FROM sealed")[0][0] >= 6 and rows("SELECT count(*) FROM reading")[0][0] > 0
    store.close()
    return city


def held():
    """Every reading there is, open or sealed, in all its columns."""
    engine = connect("telemetry")
    ids = np.array(sorted(Series.objects.values_list("pk", flat=True)), np.int64)
    parts = [exporting.readings_of_day(engine, TODAY // DAY - n, ids, 0, 2**62) for n in range(6, -1, -1)]
    engine.close()
    return [
        row
        for part in parts
        for row in zip(part.at.tolist(), part.series.tolist(), part.value.tolist(), part.quality.tolist(),
                       part.delay_s.tolist(), strict=True)
    ]  # fmt: skip


def export(file, *more, form="csv"):
    call_command("exportreadings", str(file), *SPAN, "--format", form, *more)


def take(file, *more):
    call_command("importreadings", str(file), *more)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_what_was_exported_and_is_imported_elsewhere_is_the_same_row_by_row(filled, tmp_path, form, capsys):
    before, rolled = held(), rows("SELECT bucket, series, n, n_good, total FROM rollup_15m ORDER BY bucket, series")
    export(tmp_path / "all", "--personal", "--reason", "move to the new server", form=form)
    assert f"{len(before):,} readings of 3 series" in capsys.readouterr().out
    _empty()
    take(tmp_path / "all")
    assert f"{len(before):,} of {len(before):,} readings are new" in capsys.readouterr().out
    assert held() == before and len(before) > 3000
    take(tmp_path / "all")
    assert f"0 of {len(before):,} readings are new, {len(before):,} were there already" in capsys.readouterr().out
    assert held() == before
    again = tmp_path / "again"
    export(again, "--personal", "--reason", "x", form=form)
    if form == "csv":
        assert again.read_bytes() == (tmp_path / "all").read_bytes()
    assert len(rows("SELECT 1 FROM rollup_15m")) >= len(rolled)


def test_a_file_imported_into_the_city_it_came_from_changes_nothing(filled, tmp_path):
    before = held()
    export(tmp_path / "all.csv")
    take(tmp_path / "all.csv")
    assert held() == before


def test_both_forms_say_the_same_and_say_in_which_time(filled, tmp_path, settings):
    settings.CITY_TIME_ZONE = "Asia/Kathmandu"
    export(tmp_path / "a.csv")
    export(tmp_path / "a.parquet", form="parquet")
    found = list(csv.DictReader((tmp_path / "a.csv").open()))
    table = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    assert tuple(table.column_names) == tuple(found[0]) == portable.COLUMNS
    assert table.schema.field("at_utc").type == pyarrow.timestamp("ms", tz="UTC")
    assert table.schema.metadata[b"smartcity.time_zone"] == b"Asia/Kathmandu"
    assert table.schema.metadata[b"smartcity.mode"] == b"LIVE"
    for row, other in zip(found[::97], table.to_pylist()[::97], strict=True):
        at = datetime.fromisoformat(row["at_utc"])
        assert (at, float(row["value"]), int(row["quality"])) == (other["at_utc"], other["value"], other["quality"])
        local = datetime.fromisoformat(row["at_city"])
        assert local == other["at_city"] == at.astimezone(ZoneInfo("Asia/Kathmandu")).replace(tzinfo=None)
        assert (int(row["utc_offset_min"]), row["unit"], other["unit"]) == (345, *[other["unit"]] * 2)


def test_the_hour_that_comes_twice_is_told_apart_by_its_offset():
    at = np.array([datetime(2026, 10, 25, hour, 30, tzinfo=UTC).timestamp() * 1000 for hour in (0, 1)], np.int64)
    assert portable.offsets_min(at, ZoneInfo("Europe/Helsinki")).tolist() == [180, 120]


def test_only_what_was_chosen_leaves(filled, tmp_path):
    def taken(*more):
        export(tmp_path / "x.csv", "--replace", *more)
        return {row["metric"] for row in csv.DictReader((tmp_path / "x.csv").open())}

    assert taken() == {"lighting.power_w", "lighting.dim_level"}
    assert taken("--metric", "lighting.power_w") == {"lighting.power_w"}
    assert taken("--series", str(filled["lighting.dim_level"])) == {"lighting.dim_level"}
    assert taken("--domain", "lighting", "--zone", "lighting") == {"lighting.power_w", "lighting.dim_level"}
    for wrong in (["--zone", "nowhere"], ["--series", "987654"]):
        with pytest.raises(CommandError, match="There is no series"):
            taken(*wrong)


def test_personal_data_leave_only_when_asked_for_by_name_and_with_a_reason(filled, tmp_path, capsys):
    export(tmp_path / "a.csv")
    assert "personal data (--personal takes them too): waste.latitude" in capsys.readouterr().out
    for more in (["--metric", "waste.latitude"], ["--series", str(filled["waste.latitude"])]):
        with pytest.raises(CommandError, match="is personal data"):
            export(tmp_path / "b.csv", *more)
    with pytest.raises(CommandError, match="leave with a reason"):
        export(tmp_path / "b.csv", "--personal")
    export(tmp_path / "b.csv", "--personal", "--reason", "request of the driver", "--metric", "waste.latitude")
    assert stat.S_IMODE((tmp_path / "b.csv").stat().st_mode) == 0o600
    first, second = AuditEntry.objects.order_by("pk")
    assert (first.action, first.after["personal"], second.after["personal"]) == ("export readings", False, True)
    assert (second.reason, second.after["metrics"]) == ("request of the driver", ["waste.latitude"])
    assert second.after["rows"] == len((tmp_path / "b.csv").read_text().splitlines()) - 1


def test_a_file_that_is_there_is_left_alone_and_an_export_that_fails_leaves_none(filled, tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(CommandError, match="there already"):
        export(tmp_path / "a.csv")

    def breaks(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting, "readings_of_day", breaks)
    with pytest.raises(CommandError, match="Broken off; no file was written"):
        export(tmp_path / "b.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "mine" and not AuditEntry.objects.exists()


def changed(tmp_path, **columns):
    """The exported file with other words in the third row."""
    export(tmp_path / "a.csv", "--replace")
    with (tmp_path / "a.csv").open() as file:
        found = list(csv.DictReader(file))
    found[2] |= columns
    with (tmp_path / "b.csv").open("w") as file:
        writer = csv.DictWriter(file, found[0])
        writer.writeheader()
        writer.writerows(found)
    return tmp_path / "b.csv"


WRONG = {
    "no number": ({"value": "much"}, "Row 3 of .*value 'much' is not a number"),
    "not finite": ({"value": "nan"}, "Nothing was imported: in row 3 value is not finite"),
    "no zone": ({"at_utc": "2026-11-01T00:00:00"}, "Row 3 of .*at_utc .* is not an instant in UTC"),
    "to come": ({"at_utc": "2098-01-01T00:00:00.000Z"}, "in row 3 at_utc is .* in this city's future"),
    "no code": ({"quality": "7"}, "in row 3 quality is no code"),
    "other unit": ({"unit": "lm"}, "1 series of the file have no place(.|\n)*'lm' in the file: 1 rows"),
    "other device": ({"device": "L-7"}, "Nothing was imported(.|\n)*L-7 lighting.*is not in this city: 1 rows"),
}


@pytest.mark.parametrize(("columns", "words"), WRONG.values(), ids=WRONG)
def test_a_file_with_one_wrong_row_imports_nothing_and_names_it(filled, tmp_path, columns, words):
    file = changed(tmp_path, **columns)
    _empty()
    with pytest.raises(CommandError, match=words):
        take(file)
    assert held() == []


def test_rows_of_series_the_city_lacks_can_be_left_out_and_are_counted(filled, tmp_path, capsys):
    file = changed(tmp_path, device="L-7")
    _empty()
    take(file, "--skip-unknown", "--dry-run")
    assert "Nothing was changed" in capsys.readouterr().out and held() == []
    take(file, "--skip-unknown", "--reason", "back-up")
    assert "1 were not taken: they are of series this city does not have" in capsys.readouterr().out
    entry = AuditEntry.objects.get(action="import readings")
    assert (entry.after["left_out"], entry.reason) == (1, "back-up")
    assert entry.after["stored"] == len(held()) == entry.after["rows_in_file"] - 1


def test_a_value_the_city_has_otherwise_stays_and_old_readings_are_said_not_to_be_kept(filled, tmp_path, capsys):
    before = held()
    take(changed(tmp_path, value="-1.0"))
    assert "1 were not taken: they have another value" in capsys.readouterr().out
    assert held() == before
    take(changed(tmp_path, at_utc="2001-01-01T00:00:00.000Z"))
    assert "1 were not taken: they are past their metric's retention" in capsys.readouterr().out


def test_an_import_that_is_broken_off_says_how_far_it_came_and_goes_on_when_started_again(
    filled, tmp_path, monkeypatch, capsys
):
    export(tmp_path / "a.csv")
    before = [row for row in held() if row[1] != filled["waste.latitude"]]
    _empty()
    monkeypatch.setattr("smartcity.telemetry.csv_form.AT_ONCE", 500)
    write, calls = Store.write, list[int]()

    def breaks(store, batch):
        calls.append(1)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return write(store, batch)

    monkeypatch.setattr(Store, "write", breaks)
    with pytest.raises(CommandError, match=r"after 1,000 of .* rows, of which 1,000 were new and are stored\. Start"):
        take(tmp_path / "a.csv")
    monkeypatch.setattr(Store, "write", write)
    take(tmp_path / "a.csv")
    assert held() == before


class Nested:
    """Sends us a signal where Python swallows what is raised: in a finaliser."""

    def __init__(self, number):
        self.number = number

    def __del__(self):
        os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_at_a_bad_moment_breaks_off_all_the_same(filled, tmp_path, monkeypatch, number):
    """Where the handler raises, one in 576 was swallowed (measured), and the export went on to its end."""
    was = signal.signal(number, signal.default_int_handler)  # tests started in the background ignore SIGINT
    try:
        _broken_off_at_its_next_step(tmp_path, monkeypatch, number)
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, was)


def _broken_off_at_its_next_step(tmp_path, monkeypatch, number):
    export(tmp_path / "whole.csv")
    of_day, write = exporting.readings_of_day, Store.write
    monkeypatch.setattr(exporting, "readings_of_day", lambda *given: (Nested(number), of_day(*given))[1])
    with pytest.raises(CommandError, match="Broken off; no file was written"):
        export(tmp_path / "b.csv")
    monkeypatch.setattr("smartcity.telemetry.csv_form.AT_ONCE", 500)
    monkeypatch.setattr(Store, "write", lambda *given: (Nested(number), write(*given))[1])
    with pytest.raises(CommandError, match=r"after 500 of .* rows.*\. Start it again"):
        take(tmp_path / "whole.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["whole.csv"]


def test_what_does_not_come_to_its_next_step_is_broken_off_by_a_second_signal():
    with pytest.raises(KeyboardInterrupt), BreakingOff():
        os.kill(os.getpid(), signal.SIGTERM)
        assert time.monotonic()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(20)


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with BreakingOff() as breaking_off:
            os.kill(os.getpid(), signal.SIGINT)
            breaking_off.here()
    finally:
        signal.signal(signal.SIGINT, before)


def test_without_pyarrow_it_says_what_to_do(filled, tmp_path, monkeypatch):
    export(tmp_path / "a.parquet", form="parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CommandError, match="script/bootstrap --parquet"):
        export(tmp_path / "b.parquet", form="parquet")
    with pytest.raises(CommandError, match="script/bootstrap --parquet"):
        take(tmp_path / "a.parquet")
    assert parquet_form.MISSING and not (tmp_path / "b.parquet").exists()


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", b"a,b\n1,2\n", b"\xff\xfe\x00", b'at_utc,"'])
def test_what_is_no_such_file_is_refused_in_a_sentence(city, tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(CommandError, match=r"cannot be read as Parquet|no column|no CSV"):
        take(tmp_path / "x")
    with pytest.raises(CommandError, match="cannot be read"):
        take(tmp_path / "missing")


def test_progress_says_rows_a_second_and_how_long_it_will_take():
    assert headway.words(1_500_000, 0.25, 10.0) == "1,500,000 rows, 25%, 150,000 rows/s, 0:30 to go"
    assert headway.words(10, 1.0, 5000.0) == "10 rows, 100%, 0 rows/s, took 1:23:20"
    ticks, out = iter([0.0, 1.0, 11.0, 12.0]), io.StringIO()
    told = headway.Headway(out, clock=lambda: next(ticks))
    for _ in range(3):
        told(5, 0.5)
    assert len(out.getvalue().splitlines()) == 1
