# SPDX-License-Identifier: Apache-2.0
"""What is nowhere is put down to the kill that came next, and the subscriber's rows are what its devices said."""

from __future__ import annotations

from benchmarks.chaos import subscriber
from benchmarks.chaos.history import Heard, LogBook, payload
from benchmarks.chaos.mosquitto import SETUPS, lost_by_kill


def heard(*sent, each=2):
    book = LogBook(each)
    for number, instant in enumerate(sent):
        book.hear(book.say(3, number, 1_000 * number, instant), Heard.ACKNOWLEDGED, instant)
    return book


def test_lost_readings_count_at_the_kill_after_which_they_are_missed():
    log = heard(1.0, 2.0, 5.0, 9.0).read()
    held = log.readings.take(log.readings.at != 1_000)
    assert lost_by_kill(log, held, [4.0, 8.0]).tolist() == [2, 0, 0]
    assert lost_by_kill(log, held.take(held.at < 3_000), [4.0, 8.0]).tolist() == [2, 0, 2]


def test_what_nobody_acknowledged_is_not_lost():
    book = heard(1.0)
    book.say(3, 1, 1_000, 2.0)
    log = book.read()
    assert lost_by_kill(log, log.readings.take(log.readings.at < 1_000), [4.0]).tolist() == [0, 0]


def test_the_subscriber_reads_what_devices_write(tmp_path):
    log = heard(1.0, 2.0, each=4).read()
    with subscriber.open_file(tmp_path / "rows.sqlite") as connection:
        for number in range(2):
            rows = subscriber.rows("sc/CH-3/up", payload(3, number, 1_000 * number, 4))
            connection.executemany("INSERT INTO reading VALUES (?, ?, ?)", rows)
    connection.close()
    held = subscriber.holdings(tmp_path / "rows.sqlite")
    assert subscriber.stored(tmp_path / "rows.sqlite") == 8
    assert sorted(held.key.tolist()) == sorted(log.readings.key.tolist())
    assert sorted(held.value.tolist()) == sorted(log.readings.value.tolist())


def test_each_way_says_the_settings_it_was_tried_with():
    for setup in SETUPS:
        assert all(line in setup.settings for line in setup.broker) and setup.words in setup.settings
