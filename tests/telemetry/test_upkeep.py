# SPDX-License-Identifier: Apache-2.0
"""Rollups follow the clock and what is past its life goes, while batches come in."""

from __future__ import annotations

import asyncio
import math

import pytest
from asgiref.sync import sync_to_async

from smartcity.kernel.clock import Anchor, clock
from smartcity.kernel.metrics import DataClass, faults
from smartcity.telemetry import book, buckets, upkeep
from tests.telemetry.conftest import ALL, MINUTE, NOW, batch, metric, quarantined, rows

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]
DAY, QUARTER = 86_400_000, 900_000


def fill(store, days=6):
    """A reading at noon of each of so many days, as they were."""
    noon = NOW - NOW % DAY + DAY // 2
    for day in range(days, -1, -1):
        at = noon - day * DAY
        store.write(batch((at, ALL, 1.0), (at, MINUTE, 1.0), now=at))


def days_left(series):
    return [at // DAY - NOW // DAY for (at,) in rows("SELECT at FROM reading WHERE series = %s ORDER BY at", series)]


def test_readings_go_when_their_metric_says_so_whole_days_at_a_time(store):
    fill(store)
    store.book.raw_ms[ALL], store.book.raw_ms[MINUTE] = 3 * DAY, 5 * DAY
    store.book.raw_ms[-1] = DAY
    swept = upkeep.retain(store, NOW)
    assert days_left(ALL) == [-3, -2, -1, 0]
    assert days_left(MINUTE) == [-5, -4, -3, -2, -1, 0]
    assert swept.readings + 2 * len(swept.partitions) == 4 or swept.readings == 4
    assert rows("SELECT readings FROM retention_run") == [(swept.readings,)]


def test_a_city_may_keep_raw_readings_for_less_than_declared_and_a_simulation_does(settings, monkeypatch):
    given = [(ALL, "test.all")]
    declared = {"test.all": metric("test.all", keep_raw_days=90)}
    assert set(book.write(given, declared).raw_ms) == {90 * DAY}
    assert set(book.write(given, declared, raw_days=7).raw_ms) == {7 * DAY}
    assert book.longest_raw_days() == math.inf
    monkeypatch.setattr(clock, "anchor", Anchor(NOW, NOW, 1.0, 1.0, simulated=True))
    assert book.longest_raw_days() == 14
    settings.RAW_DAYS = 30
    assert book.longest_raw_days() == 30


def test_a_reading_lives_as_long_as_its_data_class_says_where_its_metric_says_nothing():
    def life(**declared):
        told = metric("test.all", keep_sealed_days=None, keep_raw_days=90, **declared)
        return int(book.write([(ALL, "test.all")], {"test.all": told}).raw_ms[ALL] // DAY)

    assert [life(), life(data_class=DataClass.PUBLIC)] == [730, 730]
    assert [life(data_class=DataClass.SAFETY), life(data_class=DataClass.PERSONAL)] == [90, 90]


def test_a_declaration_that_keeps_personal_data_too_long_is_refused():
    def wrong(**declared):
        return faults(metric("test.all", **{"data_class": DataClass.PERSONAL, "keep_rollup_days": 400} | declared))

    assert wrong() == []
    assert "400 days" in wrong(keep_rollup_days=401)[0]
    assert "400 days" in wrong(keep_sealed_days=500)[0]
    assert "must not be less" in wrong(keep_sealed_days=3)[0]


def test_a_second_sweep_takes_only_what_has_come_of_age_since(store):
    fill(store)
    store.book.raw_ms[:] = 3 * DAY
    upkeep.retain(store, NOW)
    upkeep.retain(store, NOW + DAY, since_ms=NOW)
    assert days_left(ALL) == [-2, -1, 0]


def test_rollups_and_quarantine_have_a_life_of_their_own(store):
    fill(store, days=3)
    store.write(batch(quarantined=[quarantined()]))
    store.close_quarters(NOW + DAY)
    store.mend_all()
    assert rows("SELECT count(*) FROM rollup_15m") == [(8,)]
    store.book.rollup_ms[:] = 2 * DAY
    swept = upkeep.retain(store, NOW + DAY)
    assert swept.rollups > 0
    assert rows("SELECT count(*) FROM rollup_15m WHERE bucket < %s", NOW - NOW % DAY - DAY) == [(0,)]
    assert rows("SELECT count(*) FROM quarantine") == [(1,)]
    assert upkeep.retain(store, NOW + 15 * DAY).quarantined == 1
    assert store.write(batch(quarantined=[quarantined()])).refused == ()


@pytest.mark.asyncio
async def test_the_tasks_keep_up_with_a_clock_that_runs_fast(new_store, monkeypatch):
    monkeypatch.setattr(upkeep, "TICK_S", 0.01)
    monkeypatch.setattr(upkeep, "FIRST_LOOK_S", 0.0)
    store = await sync_to_async(new_store)()
    quarter = NOW - NOW % QUARTER
    now = quarter
    tasks = [asyncio.create_task(keep(store, lambda: now)) for keep in (upkeep.keep_rollups, upkeep.keep_retention)]
    for _ in range(8):
        await store.do(store.write, batch((now, ALL, 1.0), now=now))
        now += QUARTER
    now += 30 * 60_000
    for _ in range(200):
        await asyncio.sleep(0.02)
        closed = await sync_to_async(rows)("SELECT count(*) FROM rollup_15m")
        hours = await sync_to_async(rows)("SELECT sum(n) FROM rollup_1h WHERE bucket < %s", buckets_end(now))
        if closed == [(8,)] and hours[0][0] and hours[0][0] >= 7:
            break
    for task in tasks:
        task.cancel()
    assert closed == [(8,)]
    assert hours[0][0] >= 7
    assert len(await sync_to_async(rows)("SELECT at FROM retention_run")) >= 1


def buckets_end(now):
    return now - now % buckets.HOUR_MS
