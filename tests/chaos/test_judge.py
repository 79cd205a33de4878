# SPDX-License-Identifier: Apache-2.0
"""The judge must see every way in which a store can break its promise; a judge that passes all proves nothing."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from benchmarks.chaos import judge
from benchmarks.chaos.history import METRICS, Heard, LogBook, Rows, payload

START = 1_800_000_000_000
RUN = {
    "messages.received": 6, "messages.decoded": 6, "readings.decoded": 24, "readings.stored": 24,
}  # fmt: skip


@pytest.fixture
def log():
    """Six messages of two devices, four readings each, all acknowledged."""
    book = LogBook(each=4)
    for number in range(3):
        for device in range(2):
            line = book.say(device, number, START + 500_000 * number, now=float(number))
            book.hear(line, Heard.ACKNOWLEDGED, now=number + 0.5)
    return book.read()


def changed(rows, **columns):
    return dataclasses.replace(rows, **columns)


def heard(log, line, what):
    column = log.heard.copy()
    column[line] = what
    return dataclasses.replace(log, heard=column)


def test_a_store_that_holds_what_was_acknowledged_is_clean(log):
    verdict = judge.compare(log, log.readings)
    assert verdict.is_clean
    assert (verdict.acknowledged, verdict.held) == (24, 24)


@pytest.mark.parametrize("row", [0, 11, 23])
def test_one_missing_row_is_a_loss(log, row):
    held = log.readings.take(np.arange(24) != row)
    assert judge.compare(log, held).lost == 1
    assert judge.missing(log, held).key.tolist() == [log.readings.key[row]]
    assert judge.compare(heard(log, row // 4, Heard.NOTHING), held).lost == 0


def test_an_empty_store_has_lost_everything(log):
    assert judge.compare(log, log.readings.take(np.zeros(24, np.bool_))).lost == 24


@pytest.mark.parametrize("row", [0, 11, 23])
def test_a_row_held_twice_another_value_and_a_row_nobody_said_are_seen(log, row):
    held = log.readings
    assert judge.compare(log, held.take(np.append(np.arange(24), row))).duplicated == 1
    value = held.value.copy()
    value[row] += 0.25
    assert judge.compare(log, changed(held, value=value)).altered == 1
    at = held.at.copy()
    at[row] += 17
    verdict = judge.compare(log, changed(held, at=at))
    assert (verdict.unsaid, verdict.lost) == (1, 1)


def test_what_was_refused_must_not_be_held_and_what_was_not_answered_may_be(log):
    assert judge.compare(heard(log, 2, Heard.REFUSED), log.readings).kept_though_refused == 4
    verdict = judge.compare(heard(log, 2, Heard.NOTHING), log.readings)
    assert (verdict.unheard, verdict.is_clean) == (4, True)


def test_a_log_that_says_a_key_twice_cannot_be_judged(log):
    with pytest.raises(ValueError, match="same key"):
        judge.compare(log.take(np.array([0, 0])), log.readings)


def test_devices_write_what_their_log_says():
    said = json.loads(payload(3, 7, START + 5, each=4))
    book = LogBook(each=4)
    book.say(3, 7, START + 5, 0.0)
    rows = book.read().readings
    assert [record["v"] for record in said] == rows.value.tolist()
    assert [round(record["t"] * 1000) for record in said] == rows.at.tolist()
    assert [3 * len(METRICS) + METRICS.index(record["n"]) for record in said] == rows.series.tolist()


def test_rollups_are_worked_out_again(log):
    held = log.readings
    right = judge.quarters(held)
    assert right.n.sum() == 24 and len(right) == 8  # two devices, two metrics, two quarters
    assert judge.wrong_quarters(held, right) == 0
    for name in ("n", "total", "low", "high", "last"):
        column = getattr(right, name).copy()
        column[3] += 1
        assert judge.wrong_quarters(held, dataclasses.replace(right, **{name: column})) == 1
    fewer = judge.Quarters(*(getattr(right, name)[1:] for name in judge.Quarters.__slots__))
    assert judge.wrong_quarters(held, fewer) == 1
    assert judge.wrong_quarters(held.take(np.arange(20)), right) > 0


def test_the_latest_value_is_the_newest_reading(log):
    held = log.readings
    newest = Rows(
        *(np.array(column) for column in zip(*[_newest(held, s) for s in np.unique(held.series)], strict=True))
    )
    assert judge.wrong_latest(held, newest) == 0
    assert judge.wrong_latest(held, newest.take(np.arange(3))) == 1
    assert judge.wrong_latest(held, changed(newest, at=newest.at - 1)) == 8


def _newest(held, series):
    of = held.take(held.series == series)
    place = of.at.argmax()
    return series, of.at[place], of.value[place]


def test_both_ledgers_balance_over_closed_runs_and_the_devices_log(log):
    assert judge.imbalances({"a": RUN}, log, log.readings) == []


@pytest.mark.parametrize(
    ("name", "more"),
    [("messages.received", 1), ("messages.decoded", 1), ("readings.decoded", 4), ("readings.stored", -1),
     ("readings.duplicate", 1), ("messages.refused", 1)],
)  # fmt: skip
def test_a_count_that_is_off_by_one_is_an_imbalance(log, name, more):
    assert judge.imbalances({"a": RUN | {name: RUN.get(name, 0) + more}}, log, log.readings)


def test_runs_that_balance_may_still_contradict_the_devices(log):
    invented = {"messages.received": 7, "messages.decoded": 7, "readings.decoded": 28, "readings.stored": 24}
    repeated = invented | {"readings.duplicate": 4}
    assert judge.imbalances({"a": repeated}, log, log.readings) == []
    lied = invented | {"readings.not_kept": 4}
    assert judge.imbalances({"a": lied}, log, log.readings) == ["readings.duplicate is 0, not 4"]


def test_others_who_say_no_readings_are_no_imbalance_but_a_reading_nobody_said_is(log):
    more = RUN | {name: RUN[name] + 3 for name in ("messages.received", "messages.decoded")}
    assert judge.imbalances({"a": more}, log, log.readings)
    assert judge.imbalances({"a": more}, log, log.readings, others_speak=True) == []
    lied = more | {name: RUN.get(name, 0) + 4 for name in ("readings.decoded", "readings.quarantined")}
    assert judge.imbalances({"a": lied}, log, log.readings, others_speak=True)
