# SPDX-License-Identifier: Apache-2.0
"""One batch, one transaction: what is stored, what is not, and that every reading is accounted for."""

from __future__ import annotations

import sqlite3
import threading
import time

import numpy as np
import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartcity.telemetry import read, tally
from smartcity.telemetry.batch import Batch
from smartcity.telemetry.engines import Unavailable
from tests.telemetry.conftest import ALL, LATEST, MINUTE, NOW, TABLES, batch, quarantined, readings, rows

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]
SECOND, DAY = 1000, 86_400_000


def stored():
    return rows("SELECT at, series, value FROM reading ORDER BY at, series")


def test_a_batch_stores_readings_latest_values_and_who_was_seen(store):
    written = store.write(batch((NOW, ALL, 1.5), (NOW + SECOND, ALL, 2.5), seen={7: NOW}))
    assert (written.stored, written.fresh.tolist()) == (2, [True, True])
    assert stored() == [(NOW, ALL, 1.5), (NOW + SECOND, ALL, 2.5)]
    assert read.latest([ALL])[ALL] == read.Value(NOW + SECOND, 2.5, 0)
    assert read.last_seen([7, 8]) == {7: NOW}


def test_a_batch_sent_again_changes_nothing_and_is_counted_as_duplicate(store, new_store):
    sent = batch((NOW, ALL, 1.5), (NOW + SECOND, ALL, 2.5))
    store.write(sent)
    for again in (store, new_store()):
        written = again.write(sent)
        assert (written.stored, written.duplicate, written.fresh.any()) == (0, 2, False)
    assert len(stored()) == 2


def test_the_first_value_of_an_instant_wins_and_the_other_is_conflicting(store):
    written = store.write(batch((NOW, ALL, 1.0), (NOW, ALL, 2.0), (NOW, ALL, 1.0)))
    assert (written.stored, written.duplicate, written.conflicting) == (1, 1, 1)
    written = store.write(batch((NOW, ALL, 3.0)))
    assert (written.stored, written.conflicting) == (0, 1)
    assert stored() == [(NOW, ALL, 1.0)]


def test_latest_values_and_last_seen_move_forward_only(store):
    store.write(batch((NOW, ALL, 1.0), seen={7: NOW}))
    written = store.write(batch((NOW - DAY, ALL, 2.0), seen={7: NOW - 5}))
    assert (written.stored, written.fresh.tolist()) == (1, [True])
    assert read.latest([ALL])[ALL].at_ms == NOW
    assert read.last_seen([7]) == {7: NOW}


def test_a_metric_kept_once_a_minute_stores_the_earliest_of_each_minute_and_shows_the_newest(store):
    minute = NOW - NOW % 60_000
    written = store.write(batch(*((minute + n * 10_000, MINUTE, n) for n in range(9))))
    assert (written.stored, written.not_kept, written.fresh.all()) == (2, 7, True)
    assert [at for at, _, _ in stored()] == [minute, minute + 60_000]
    assert read.latest([MINUTE])[MINUTE].value == 8.0


def test_an_earlier_reading_of_the_same_minute_displaces_the_later_one(store):
    minute = NOW - NOW % 60_000
    store.write(batch((minute + 20_000, MINUTE, 2.0)))
    written = store.write(batch((minute + 5_000, MINUTE, 1.0)))
    assert (written.stored, written.not_kept) == (0, 1)
    assert stored() == [(minute + 5_000, MINUTE, 1.0)]
    assert not tally.imbalances(tally.totals() | {"messages.received": 0})


def test_a_metric_of_which_only_the_latest_counts_stores_no_rows(store):
    written = store.write(batch((NOW, LATEST, 1.0), (NOW + SECOND, LATEST, 2.0)))
    assert (written.stored, written.not_kept, stored()) == (0, 2, [])
    assert read.latest([LATEST])[LATEST].value == 2.0


def test_a_reading_past_its_retention_is_not_kept(store):
    written = store.write(batch((NOW - 20 * DAY, ALL, 1.0)))
    assert (written.stored, written.not_kept, written.fresh.any()) == (0, 1, False)


def test_what_is_not_finite_never_reaches_the_database(store):
    with pytest.raises(ValueError, match="finite"):
        store.write(batch((NOW, ALL, float("nan")), (NOW, MINUTE, 1.0)))
    assert stored() == []


def test_quarantined_messages_are_kept_with_their_reason_and_counted(store):
    written = store.write(batch(quarantined=[quarantined()], seen={1: NOW}))
    assert (written.quarantined, written.refused) == (0, ())
    assert rows("SELECT uid, kind, reason, size FROM quarantine") == [("D-1", "bad payload", "not SenML JSON", 1)]
    assert tally.totals()["messages.quarantined"] == 1


def test_over_the_cap_unreadable_messages_are_refused_and_sound_ones_counted(store, new_store):
    many = [quarantined() for _ in range(100)]
    store.write(batch(quarantined=many))
    other = new_store()
    written = other.write(batch(quarantined=[quarantined(), quarantined(device=2), quarantined(kind="far future")]))
    assert written.refused == (0,)
    written = other.write(batch(quarantined=[quarantined(kind="far future", readings=3)]))
    assert written.refused == ()
    assert rows("SELECT surplus FROM quarantine WHERE kind = 'far future'") == [(3,)]
    assert not tally.imbalances(tally.totals() | {"messages.received": 103})


def test_when_one_statement_fails_nothing_of_the_batch_is_there(store, monkeypatch):
    def breaks(*_):
        raise Unavailable("disk full")

    monkeypatch.setattr(tally, "add", breaks)
    with pytest.raises(Unavailable):
        store.write(batch((NOW, ALL, 1.0), seen={7: NOW}, quarantined=[quarantined()]))
    monkeypatch.undo()
    assert all(rows(f"SELECT count(*) FROM {name}") == [(0,)] for name in TABLES if name != "watermark")
    assert [name for (name,) in rows("SELECT name FROM watermark") if not name.startswith("days:")] == []
    written = store.write(batch((NOW, ALL, 1.0), seen={7: NOW}, quarantined=[quarantined()]))
    assert (written.stored, written.refused) == (1, ())


def test_a_reading_another_process_stored_meanwhile_is_a_duplicate(store, new_store):
    other = new_store()
    store.write(batch((NOW, ALL, 1.0)))
    other.write(batch((NOW + SECOND, ALL, 2.0), (NOW + 2 * SECOND, ALL, 3.0)))
    written = store.write(batch((NOW + SECOND, ALL, 2.0), (NOW + 2 * SECOND, ALL, 9.0), (NOW + 3 * SECOND, ALL, 4.0)))
    assert (written.stored, written.duplicate, written.conflicting) == (1, 1, 1)
    assert not tally.imbalances(tally.totals() | {"messages.received": 0})


def test_a_locked_database_is_waited_for_and_nothing_is_half_written(store):
    store.write(batch((NOW, ALL, 1.0)))
    if connections["telemetry"].vendor != "sqlite":
        pytest.skip("PostgreSQL writers do not lock each other out")
    lock = sqlite3.connect(
        connections["telemetry"].settings_dict["NAME"], isolation_level=None, check_same_thread=False
    )
    lock.execute("BEGIN IMMEDIATE")
    threading.Timer(1.0, lock.rollback).start()
    began = time.monotonic()
    written = store.write(batch((NOW + SECOND, ALL, 1.0)))
    assert written.stored == 1
    assert 0.8 < time.monotonic() - began < 4


@pytest.mark.parametrize("spread", [0, 400, 800])
def test_instants_on_any_day_find_their_place(store, spread):
    book = store.book
    book.raw_ms[:] = 3000 * DAY
    at = [NOW - spread * DAY, NOW - (spread + 1) * DAY]
    assert store.write(batch(*((instant, ALL, 1.0) for instant in at))).stored == 2
    assert store.write(batch(*((instant, ALL, 1.0) for instant in at))).duplicate == 2


ROWS = st.lists(
    st.tuples(st.integers(0, 40).map(lambda n: NOW + n * 15_000), st.integers(1, 3), st.integers(0, 2).map(float)),
    max_size=40,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(ROWS, min_size=1, max_size=4))
def test_whatever_comes_in_whatever_order_every_reading_is_accounted_for_once(new_store, batches):
    store = new_store()
    before = tally.totals()
    for sent in batches:
        if sent:
            written = store.write(batch(*sent))
            told = written.stored + written.duplicate + written.conflicting + written.not_kept
            assert told == len(sent)
    gained = {name: n - before.get(name, 0) for name, n in tally.totals().items()}
    assert not tally.imbalances(gained | {"messages.received": 0})
    assert tally.totals().get("readings.stored", 0) == rows("SELECT count(*) FROM reading")[0][0]


def test_shuffled_and_repeated_batches_leave_the_tables_of_a_clean_run(new_store):
    rng = np.random.default_rng(7)
    sent = [(NOW + n * 15_000, 1 + n % 3, float(n)) for n in range(300)]
    clean = new_store()
    clean.write(batch(*sent))
    expected = stored(), rows("SELECT series, at, value FROM latest ORDER BY series")
    for name in TABLES:
        clean.engine.run(f"DELETE FROM {name}")
    messy = new_store()
    order = rng.permutation(np.concatenate([np.arange(300), rng.integers(0, 300, 90)]))
    for part in np.array_split(order, 13):
        messy.write(batch(*(sent[n] for n in part)))
    assert (stored(), rows("SELECT series, at, value FROM latest ORDER BY series")) == expected


def test_the_delay_between_measuring_and_receiving_is_kept(store):
    store.write(Batch(now_ms=NOW, readings=readings((NOW - 30_000, ALL, 1.0), received=NOW)))
    assert rows("SELECT delay_s FROM reading") == [(30,)]
