# SPDX-License-Identifier: Apache-2.0
"""A day that is over is packed, and nobody who reads can tell; what comes late opens it again."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from smartcity.telemetry import packing, read, sealing, tally, upkeep
from tests.telemetry.conftest import ALL, MINUTE, NOW, batch, readings, rows

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]
DAY, HOUR, MINUTE_MS = 86_400_000, 3_600_000, 60_000
OLD = NOW - NOW % DAY - 4 * DAY  # a day long over


def fill(store, days=(0, 1), every_ms=15 * MINUTE_MS):
    """Two series over whole old days, with decimals, a suspect and gaps."""
    for day in days:
        start = OLD + day * DAY
        at = np.arange(start, start + DAY, every_ms)
        given = [
            (int(t), s, round(s + (t % DAY) / DAY, 3), 11 if t % HOUR == 0 else 0) for t in at for s in (ALL, MINUTE)
        ]
        store.write(batch(*given, now=start + DAY + HOUR))


def all_readings():
    series, at, value, quality = read.raw([ALL, MINUTE], OLD, OLD + 3 * DAY)
    return list(zip(series.tolist(), at.tolist(), value.tolist(), quality.tolist(), strict=True))


def test_sealing_changes_nothing_for_who_reads(store):
    fill(store)
    before = all_readings()
    pages = [read.readings(ALL, OLD, OLD + 2 * DAY), read.readings(ALL, OLD + HOUR, OLD + 2 * DAY, 7)]
    done = upkeep.seal(store, NOW)
    assert (done.days, done.readings) == (2, len(before))
    assert rows("SELECT count(*) FROM reading") == [(0,)]
    assert sorted(rows("SELECT series, day, n FROM sealed"))[0] == (ALL, OLD // DAY, 96)
    assert all_readings() == before
    assert [read.readings(ALL, OLD, OLD + 2 * DAY), read.readings(ALL, OLD + HOUR, OLD + 2 * DAY, 7)] == pages
    assert read.first_at() == OLD


def test_pages_of_raw_readings_run_on_from_sealed_days_into_open_ones(store):
    fill(store)
    upkeep.seal(store, OLD + DAY + sealing.AFTER_MS)
    assert rows("SELECT count(*) FROM reading") == [(192,)]
    whole, page, after = [], None, None
    while page is None or page:
        page = read.readings(ALL, OLD, OLD + 2 * DAY, 50, after)
        whole += page
        after = page[-1].at_ms if page else None
    assert len(whole) == 192
    assert [value.at_ms for value in whole] == sorted({value.at_ms for value in whole})


def test_days_not_long_enough_over_stay_open(store):
    fill(store)
    assert upkeep.seal(store, OLD + DAY + sealing.AFTER_MS - 1).days == 0


def test_what_comes_for_a_sealed_day_is_stored_once_and_sealed_with_the_rest(store):
    fill(store)
    upkeep.seal(store, NOW)
    at = OLD + 7 * MINUTE_MS
    late = [(at, ALL, 5.0), (OLD, ALL, 1.0, 11), (OLD, MINUTE, 7.0)]
    written = store.write(batch(*late))
    assert (written.stored, written.duplicate, written.conflicting) == (1, 1, 1)
    again = store.write(batch(*late))
    assert (again.stored, again.duplicate, again.conflicting) == (0, 2, 1)
    before = all_readings()
    assert (ALL, at, 5.0, 0) in before
    assert upkeep.seal(store, NOW).readings == 1
    assert rows("SELECT count(*) FROM reading") == [(0,)]
    assert all_readings() == before
    assert store.write(batch(*late)).stored == 0


def test_history_written_again_over_sealed_days_is_known(store):
    at = OLD + np.arange(96) * 15 * MINUTE_MS
    series, values = np.full(96, ALL), np.round(np.sin(np.arange(96)), 3)
    assert store.bulk(series, at, values, now_ms=NOW).stored == 96
    upkeep.seal(store, NOW)
    before = all_readings()
    again = store.bulk(series, at, values, now_ms=NOW)
    assert (again.stored, again.duplicate) == (0, 96)
    assert (all_readings(), rows("SELECT count(*) FROM reading")) == (before, [(0,)])


def test_a_late_reading_opens_its_own_day_and_no_other(store, monkeypatch):
    fill(store, days=(0, 1, 2))
    upkeep.seal(store, NOW + 2 * DAY)
    opened, unpack = [], packing.unpack_values

    def counted(days):
        opened.append(len(days))
        return unpack(days)

    monkeypatch.setattr(packing, "unpack_values", counted)
    late = [(OLD, ALL, 1.0, 11), (OLD + 2 * DAY, MINUTE, 2.0, 11)]  # a span of three days, two series
    assert store.write(batch(*late, now=NOW + 2 * DAY)).duplicate == 2
    assert opened == [2]


def test_rollups_of_a_sealed_day_are_made_again_from_sealed_and_late_readings_together(store):
    fill(store)
    store.close_quarters(OLD + 3 * DAY)
    store.mend_all()
    upkeep.seal(store, NOW)
    store.write(batch((OLD + 7 * MINUTE_MS, ALL, 99.0)))
    store.mend_all()
    found = read.rollups([ALL], "15m", OLD, OLD + 1)
    assert found.n.tolist() == [2]
    assert found.high.tolist() == [99.0]


def test_a_reading_of_a_span_decided_long_ago_is_not_kept(store):
    fill(store, days=(0,))
    upkeep.seal(store, NOW)
    written = store.write(batch((OLD + 5, MINUTE, 1.0)))
    assert (written.stored, written.not_kept) == (0, 1)


@pytest.mark.parametrize("steps", [1, 24, 25, 26, 30])
def test_a_crash_at_any_step_loses_and_doubles_nothing(store, new_store, steps):
    fill(store)
    before = all_readings()
    list(itertools.islice(sealing.seal(store, NOW, sealing.Sealed()), steps))
    assert all_readings() == before
    upkeep.seal(new_store(), NOW)
    assert all_readings() == before
    assert rows("SELECT count(*) FROM reading") == [(0,)]
    assert tally.totals()["readings.stored"] == sum(n for (n,) in rows("SELECT n FROM sealed"))


def test_what_comes_while_its_day_is_being_sealed_is_not_taken_away(store):
    fill(store, days=(0,))
    steps = sealing.seal(store, NOW, sealing.Sealed())
    list(itertools.islice(steps, 24))  # all of the day is read
    store.write(batch((OLD + 7 * MINUTE_MS, ALL, 5.0)))
    list(steps)
    assert (ALL, OLD + 7 * MINUTE_MS, 5.0, 0) in all_readings()
    assert len(all_readings()) == 193


def test_sealed_days_go_when_their_metric_says_so(store):
    fill(store)
    upkeep.seal(store, NOW)
    store.book.raw_ms[ALL], store.book.raw_ms[MINUTE] = 3 * DAY, 5 * DAY
    store.book.raw_ms[-1] = DAY
    swept = upkeep.retain(store, NOW)
    assert swept.sealed == 1
    assert sorted(rows("SELECT series, day FROM sealed"))[0] == (ALL, OLD // DAY + 1)


def test_delays_and_qualities_are_sealed_too(store):
    store.write(batch(now=OLD))
    from smartcity.telemetry import packing
    from smartcity.telemetry.batch import Batch

    store.write(Batch(now_ms=OLD + 60_000, readings=readings((OLD, ALL, 1.0, 1), received=OLD + 42_000)))
    upkeep.seal(store, NOW)
    ((packed,),) = rows("SELECT packed FROM sealed")
    day = packing.unpack(bytes(packed))
    assert (day.quality.tolist(), day.delay_s.tolist()) == ([1], [42])


def test_what_another_process_stored_and_sealed_is_known_to_one_that_has_not_heard_of_it(new_store):
    """Its high-water marks are of before: only the packed days tell."""
    other, one = new_store(), new_store()
    other.write(batch((OLD - DAY, ALL, 1.0), now=OLD))
    fill(one, days=(0,))
    upkeep.seal(one, NOW)
    again = other.write(batch((OLD, ALL, 1.0, 11), (OLD + 15 * MINUTE_MS, ALL, 99.0)))
    assert (again.stored, again.duplicate, again.conflicting) == (0, 1, 1)
    assert rows("SELECT count(*) FROM reading WHERE at >= %s", OLD) == [(0,)]
