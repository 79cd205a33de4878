# SPDX-License-Identifier: Apache-2.0
"""Quarters, hours and days: the same however the readings came."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from smartcity.telemetry import buckets, read, rollups, tally
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.buckets import Grain
from tests.telemetry.conftest import ALL, LATEST, MINUTE, NOW, TABLES, batch, rows

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]
QUARTER, HOUR, DAY = 900_000, 3_600_000, 86_400_000
GRAINS: tuple[Grain, ...] = ("15m", "1h", "1d")


def table(grain):
    return rows(f"SELECT bucket, series, n, n_good, total, low, high, last FROM rollup_{grain} ORDER BY 1, 2")


def settle(store, now):
    store.close_quarters(now)
    store.mend_all()


def history(days=3, series=(ALL, MINUTE), zone="Europe/Helsinki", end=NOW):
    last = buckets.midnight(buckets.local_date(end, ZoneInfo(zone)), ZoneInfo(zone))
    at = np.arange(last - days * DAY, last, QUARTER)
    values = np.random.default_rng(3).normal(100, 20, (len(at), len(series))).round(3)
    return np.tile(series, len(at)), np.repeat(at, len(series)), values.ravel(), last


def test_a_quarter_is_written_two_minutes_after_it_ends(store):
    quarter = NOW - NOW % QUARTER
    store.write(batch((quarter, ALL, 1.0), (quarter + 60_000, ALL, 4.0), (quarter + 90_000, ALL, 9.0, 10)))
    assert store.close_quarters(quarter + QUARTER + 60_000) == 0
    assert store.close_quarters(quarter + QUARTER + 120_000) == 1
    found = read.rollups([ALL], "15m", quarter, quarter + 1)
    assert (found.n.tolist(), found.n_good.tolist(), found.mean.tolist()) == ([3], [2], [2.5])
    assert (found.low[0], found.high[0], found.last[0]) == (1.0, 4.0, 4.0)


def test_late_readings_are_mended_into_quarter_hour_and_day(store):
    start = NOW - NOW % HOUR
    for n in range(4 * 30):
        store.write(batch((start + n * QUARTER, ALL, float(n)), now=start + n * QUARTER))
    now = start + 120 * QUARTER
    settle(store, now)
    store.write(batch((start + 1, ALL, 1000.0), now=now))
    assert read.rollups([ALL], "15m", start, start + 1).high[0] == 0.0
    settle(store, now)
    for grain in GRAINS:
        first = int(buckets.floor(np.array([start]), grain, ZoneInfo("Europe/Helsinki"))[0])
        assert read.rollups([ALL], grain, first, first + 1).high[0] == 1000.0


def test_a_process_that_starts_again_writes_the_quarter_it_found_open(store, new_store):
    quarter = NOW - NOW % QUARTER
    store.write(batch((quarter, ALL, 1.0)))
    again = new_store()
    again.write(batch((quarter + 60_000, ALL, 3.0)))
    again.close_quarters(quarter + QUARTER + 120_000)
    assert read.rollups([ALL], "15m", quarter, quarter + 1).mean.tolist() == [2.0]


def test_what_a_process_that_closes_nothing_writes_is_in_the_quarter_another_closes(new_store):
    quarter = NOW - NOW % QUARTER
    city, visitor = new_store(), new_store(closes=False)
    city.write(batch((quarter, ALL, 1.0)))
    visitor.write(batch((quarter + 60_000, ALL, 3.0)))
    settle(city, quarter + QUARTER + 120_000)
    assert read.rollups([ALL], "15m", quarter, quarter + 1).mean.tolist() == [2.0]


def test_history_in_bulk_is_there_with_its_quarters_hours_and_days(store):
    series, at, values, last = history()
    values[5] = np.nan
    written = store.bulk(series, at, values, now_ms=last)
    assert written.stored == len(values) - 1
    assert rows("SELECT count(*) FROM reading") == [(len(values) - 1,)]
    _, days = read.grid([ALL, MINUTE], "1d", last - 3 * DAY, last)
    expected = np.nanmean(values.reshape(3, 96, 2), axis=1).T
    assert np.allclose(days, expected)
    assert len(table("1h")) == 3 * 24 * 2
    assert read.latest([ALL])[ALL].at_ms == last - QUARTER
    assert not tally.imbalances(tally.totals() | {"messages.received": 0})
    assert not store.mend()


def test_history_written_twice_is_written_once(store):
    series, at, values, last = history(days=2)
    store.bulk(series, at, values, now_ms=last)
    before = [table(grain) for grain in GRAINS]
    written = store.bulk(series, at, values, now_ms=last)
    assert (written.stored, written.duplicate) == (0, len(values))
    store.mend_all()
    assert [table(grain) for grain in GRAINS] == before


def test_bulk_and_messages_leave_the_same_rollups(new_store):
    series, at, values, last = history(days=2)
    bulk = new_store()
    bulk.bulk(series, at, values, now_ms=last)
    settle(bulk, last + HOUR)
    expected = [table(grain) for grain in GRAINS]
    for name in TABLES:
        bulk.engine.run(f"DELETE FROM {name}")
    single = new_store()
    for n in range(0, len(at), 40):
        part = zip(at[n : n + 40].tolist(), series[n : n + 40].tolist(), values[n : n + 40].tolist(), strict=True)
        single.write(batch(*part, now=int(at[n])))
    settle(single, last + HOUR)
    assert [table(grain) for grain in GRAINS] == expected


def test_history_past_raw_retention_goes_into_rollups_only(store):
    series, at, values, last = history(days=20, series=(ALL,))
    written = store.bulk(series, at, values, now_ms=last)
    assert 0 < written.not_kept < len(values)
    assert rows("SELECT min(at) FROM reading")[0][0] >= last - 15 * DAY
    assert len(table("15m")) == len(values)


def test_history_that_reaches_into_the_open_quarter_is_completed_by_the_live_day(store):
    quarter = NOW - NOW % QUARTER
    store.write(batch((quarter + 60_000, ALL, 3.0)))
    store.bulk(np.array([ALL] * 2), np.array([quarter - QUARTER, quarter]), np.array([5.0, 1.0]), now_ms=NOW)
    settle(store, quarter + QUARTER + 120_000)
    assert read.rollups([ALL], "15m", quarter - QUARTER, quarter + QUARTER).mean.tolist() == [5.0, 2.0]


@pytest.mark.parametrize(
    ("zone", "end", "hours"), [("Europe/Helsinki", date(2026, 10, 26), 25), ("UTC", date(2026, 3, 5), 24)]
)
def test_a_day_is_as_long_as_the_city_lived_it(new_store, zone, end, hours):
    last = buckets.midnight(end, ZoneInfo(zone))
    at = np.arange(last - hours * HOUR, last, QUARTER)
    store = new_store(zone=zone)
    store.bulk(np.full(len(at), ALL), at, np.ones(len(at)), now_ms=last)
    (day,) = table("1d")
    assert (day[0], day[2]) == (last - hours * HOUR, hours * 4)


def test_a_metric_of_which_only_the_latest_counts_has_no_history(store):
    written = store.bulk(np.array([LATEST]), np.array([NOW - DAY]), np.array([1.0]), now_ms=NOW)
    assert (written.stored, written.not_kept, table("15m")) == (0, 1, [])


def sums(value, *quarters):
    first = NOW - NOW % QUARTER
    at = np.array([first + number * QUARTER for number in quarters for _ in (0, 1)])
    values = np.array([value, value + 1.0] * len(quarters))
    good = np.zeros(len(at), np.int64)
    good[:2] = 10  # nothing usable in the first
    return rollups.of_readings(Readings(at, np.full(len(at), ALL), values, good, at))


def test_rollups_are_written_at_once_and_replace_those_that_are_there(store):
    for put in (sums(1.0, 0, 1), sums(5.0, 1, 2)):
        with store.engine.transaction():
            store.engine.put_sums("rollup_15m", put)
    found = [row[2:] for row in table("15m")]
    assert found == [
        (2, 0, 0.0, None, None, None),
        (2, 0, 0.0, None, None, None),
        (2, 2, 11.0, 5.0, 6.0, 6.0),
    ]


def from_readings(grain):
    """What the table must hold, made from every stored reading at once."""
    kept = np.array(rows("SELECT at, series, quality, value FROM reading")).T
    at, series, quality = kept[:3].astype(np.int64)
    found = rollups.of_readings(Readings(at, series, kept[3], quality, at))
    if grain != "15m":
        stored = rollups.as_stored(found)
        found = rollups.into(stored, buckets.floor(stored.bucket, grain, ZoneInfo("Europe/Helsinki")))
    columns = rollups.columns(found)
    return list(zip(*(columns[name] for name in rollups.COLUMNS), strict=True))


def messages(random, quarters, late):
    """Per quarter, (at, series, value) of two series that speak or not; some arrive some quarters late."""
    arriving: list[list[tuple[int, int, float]]] = [[] for _ in range(quarters + 8)]
    first = NOW - NOW % QUARTER
    for number in range(quarters):
        for series in (ALL, 4):
            for minute in range(0, 15, 5) if random.random() < 0.8 else ():
                delay = int(random.integers(1, 8)) if random.random() < late else 0
                at = first + number * QUARTER + minute * 60_000
                arriving[number + delay].append((at, series, random.normal(100, 20)))
    return arriving


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("ingesters", "restarts", "late"), [(1, 0, 0), (1, 0.05, 0.05), (2, 0, 0), (3, 0, 0.02)])
def test_hours_and_days_are_those_of_the_readings_whoever_closes_and_restarts(
    new_store, seed, ingesters, restarts, late
):
    random = np.random.default_rng(seed)
    stores = [new_store(series=[(ALL, "test.all"), (4, "test.all")]) for _ in range(ingesters)]
    now = NOW - NOW % QUARTER
    for arrived in messages(random, 120, late):
        for number, store in enumerate(stores):
            share = [message for message in arrived if (message[0] // 300_000 + message[1]) % ingesters == number]
            if share:
                store.write(batch(*share, now=now + QUARTER - 1))
        now += QUARTER
        for number in random.permutation(ingesters).tolist():
            if random.random() < restarts:
                stores[number].reload()
            if random.random() < 0.9:
                stores[number].close_quarters(now + 120_000)
            if random.random() < 0.5:
                stores[number].mend_all()
    for store in stores:
        store.close_quarters(now + 2 * DAY)
    if ingesters == 1 and not late:
        assert [mark for mark in rows("SELECT grain, bucket FROM dirty") if mark[1] >= NOW] == []
    stores[0].mend_all()
    assert len(table("1d")) >= 2
    assert [table(grain) == from_readings(grain) for grain in GRAINS] == [True] * 3
