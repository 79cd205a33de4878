# SPDX-License-Identifier: Apache-2.0
"""Quarters, hours and days: the same however the readings came."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from threading import Thread
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from smartcity.telemetry import buckets, read, rollups, tally
from smartcity.telemetry.batch import Readings
from smartcity.telemetry.buckets import Grain
from tests.telemetry.conftest import ALL, LATEST, MINUTE, NOW, TABLES, batch, readings, rows

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


def deal(stores, arrived, now):
    """Each message to one of them, as a shared subscription deals them."""
    for number, store in enumerate(stores):
        share = [message for message in arrived if (message[0] // 300_000 + message[1]) % len(stores) == number]
        if share:
            store.write(batch(*share, now=now))


TWO = [(ALL, "test.all"), (4, "test.all")]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("ingesters", "restarts", "kills", "late"),
    [(1, 0, 0, 0), (1, 0.05, 0.02, 0.05), (2, 0, 0.1, 0), (3, 0.02, 0.05, 0.02)],
)
def test_hours_and_days_are_those_of_the_readings_whoever_closes_restarts_and_dies(
    new_store, seed, ingesters, restarts, kills, late
):
    random = np.random.default_rng(seed)
    stores = [new_store(series=TWO) for _ in range(ingesters)]
    now = NOW - NOW % QUARTER
    for arrived in messages(random, 120, late):
        half = len(arrived) // 2
        deal(stores, arrived[:half], now + QUARTER // 2)
        deal(stores, arrived[half:], now + QUARTER - 1)
        now += QUARTER
        for number in random.permutation(ingesters).tolist():
            if random.random() < restarts:
                stores[number].reload()
            if random.random() < kills:  # what it had in memory is gone; another starts in its place
                stores[number] = new_store(series=TWO)
            if random.random() < 0.9:
                stores[number].close_quarters(now + 120_000)
            if random.random() < 0.5:
                stores[number].mend_all()
    for later in (now + QUARTER, now + 2 * DAY):
        for store in stores:
            store.close_quarters(later)
    if ingesters == 1 and not late and not kills:
        assert [mark for mark in rows("SELECT grain, bucket FROM dirty") if mark[1] >= NOW] == []
    stores[0].mend_all()
    assert len(table("1d")) >= 2
    assert [table(grain) == from_readings(grain) for grain in GRAINS] == [True] * 3
    assert len(rows("SELECT name FROM watermark WHERE name LIKE 'open:%%'")) <= ingesters


def test_the_share_of_an_ingester_killed_between_anothers_closing_and_its_own_is_made_again(new_store):
    quarter = NOW - NOW % QUARTER
    killed, left = new_store(), new_store()
    left.write(batch((quarter, ALL, 1.0)))
    killed.write(batch((quarter + 60_000, ALL, 3.0)))
    settle(left, quarter + QUARTER + 120_000)
    settle(left, quarter + 2 * QUARTER + 120_000)
    assert read.rollups([ALL], "15m", quarter, quarter + 1).mean.tolist() == [2.0]


def test_an_ingester_taken_for_dead_that_wakes_up_marks_what_it_writes(new_store):
    """It writes of a quarter it believes open, and is killed before it closes anything."""
    quarter = NOW - NOW % QUARTER
    asleep, awake = new_store(), new_store()
    asleep.write(batch((quarter, ALL, 1.0)))
    awake.write(batch((quarter + 30_000, ALL, 3.0)))
    for number in range(1, 4):
        settle(awake, quarter + number * QUARTER + 120_000)
    asleep.write(batch((quarter + 60_000, ALL, 8.0)))
    settle(awake, quarter + 4 * QUARTER + 120_000)
    assert read.rollups([ALL], "15m", quarter, quarter + 1).mean.tolist() == [4.0]


def test_an_ingester_that_is_about_is_not_taken_for_dead(new_store):
    quarter = NOW - NOW % QUARTER
    stores = [new_store(), new_store()]
    for number in range(4):
        for store in stores:
            store.write(batch((quarter + number * QUARTER + stores.index(store), ALL, 1.0)))
        for store in stores:
            settle(store, quarter + (number + 1) * QUARTER + 120_000)
    assert len(rows("SELECT name FROM watermark WHERE name LIKE 'open:%%'")) == 2
    assert rows("SELECT DISTINCT series FROM dirty WHERE grain = '15m'") == []


def meanwhile(engine, work):
    """Begin `work` in a thread while a transaction of `engine` is under way; it ends after it."""

    @contextmanager
    def running():
        thread = Thread(target=work)
        with engine.transaction():
            yield thread
            thread.start()
            thread.join(0.3)
        thread.join()

    return running()


def test_a_batch_under_way_when_its_ingester_is_taken_for_dead_is_made_again_too(new_store):
    quarter = NOW - NOW % QUARTER
    slow, quick = new_store(), new_store()
    slow.write(batch((quarter, ALL, 1.0)))
    quick.write(batch((quarter + 30_000, ALL, 3.0)))
    settle(quick, quarter + QUARTER + 120_000)
    with meanwhile(slow.engine, lambda: settle(quick, quarter + 2 * QUARTER + 120_000)):
        assert slow.rolling.hold(NOW) == quarter
        slow.engine.insert(readings((quarter + 60_000, ALL, 8.0)))
    settle(quick, quarter + 3 * QUARTER + 120_000)
    assert read.rollups([ALL], "15m", quarter, quarter + 1).mean.tolist() == [4.0]


def test_two_that_close_at_once_close_one_after_the_other(new_store):
    quarter, closed = NOW - NOW % QUARTER, NOW - NOW % QUARTER + QUARTER
    first, second = new_store(), new_store()
    second.write(batch((quarter, ALL, 1.0)))
    first.write(batch((quarter + 1, ALL, 3.0)))
    with meanwhile(first.engine, lambda: second.close_quarters(closed + 120_000)):
        first.engine.put_sums("rollup_15m", first.rolling.open.closed(closed))
        first.engine.run("UPDATE watermark SET at = ? WHERE name = 'rolled'", [closed])
    second.mend_all()
    assert read.rollups([ALL], "15m", quarter, quarter + 1).mean.tolist() == [2.0]


def test_a_mark_that_is_there_already_is_not_mended_before_the_reading_it_is_for(new_store):
    quarter = NOW - NOW % QUARTER
    writer, mender = new_store(), new_store()
    writer.write(batch((quarter, ALL, 1.0)))
    mender.close_quarters(quarter + QUARTER + 120_000)
    with writer.engine.transaction():
        writer.rolling.mark("15m", np.array([quarter]), np.array([ALL]))
    with meanwhile(writer.engine, mender.mend_all):
        writer.rolling.mark("15m", np.array([quarter]), np.array([ALL]))
        writer.engine.insert(readings((quarter + 1, ALL, 3.0)))
    mender.mend_all()
    assert read.rollups([ALL], "15m", quarter, quarter + 1).mean.tolist() == [2.0]


@pytest.mark.parametrize("restart", [True, False])
def test_days_that_began_by_another_time_zone_are_made_again(new_store, settings, restart):
    """A city moves when it is set another zone, or when it had none until its first map."""
    series, at, values, last = history(zone="UTC")
    first = new_store(zone="UTC")
    first.bulk(series, at, values, now_ms=last)
    settle(first, last + DAY)
    before = table("1d")
    settings.CITY_TIME_ZONE = "Asia/Kathmandu"  # 5 h 45 min
    if restart:
        moved = new_store(zone="Asia/Kathmandu")
    else:
        moved, first.zone = first, ZoneInfo("Asia/Kathmandu")
    settle(moved, last + DAY + HOUR)
    days = buckets.starts(last - 4 * DAY, last + DAY, "1d", ZoneInfo("Asia/Kathmandu")).tolist()
    assert before and {row[0] for row in table("1d")} <= set(days)
    wanted, found = read.grid([ALL], "1d", last - 3 * DAY, last)
    assert wanted.tolist() == days[1:4]
    for day, mean in zip(wanted.tolist(), found[0].tolist(), strict=True):
        inside = (series == ALL) & (at >= day) & (at < day + DAY)
        assert mean == pytest.approx(values[inside].mean())
    count = len(rows("SELECT 1 FROM dirty"))
    again = new_store(zone="Asia/Kathmandu")
    settle(again, last + DAY + 2 * HOUR)
    assert len(rows("SELECT 1 FROM dirty")) == count  # that of the day that runs


def test_days_of_another_zone_that_cannot_be_made_again_are_not_mistaken_for_this_one_s(new_store, settings):
    series, at, values, last = history(zone="UTC")
    new_store(zone="UTC").bulk(series, at, values, now_ms=last)
    settings.CITY_TIME_ZONE = "Asia/Kathmandu"
    many = [ALL, MINUTE, *range(100, 400)]  # so many that the whole span is read
    assert np.isnan(read.grid(many, "1d", last - 3 * DAY, last)[1]).all()
