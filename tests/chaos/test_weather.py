# SPDX-License-Identifier: Apache-2.0
"""What is done to a street before its tables are compared must be what the scenario claims."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest

from benchmarks.chaos import disorder, weather
from benchmarks.chaos.history import Rows
from benchmarks.chaos.holdings import Holdings
from benchmarks.chaos.judge import quarters
from benchmarks.chaos.weather import DAY_TICKS, Street

STREET = Street(devices=10, ticks=DAY_TICKS, start_ms=1_774_742_400_000)


def keys(deliveries):
    return Counter((one.device, one.at) for one in deliveries if not one.is_ahead)


def test_in_order_each_message_comes_once_and_in_the_tick_it_is_about():
    found = list(weather.in_order(STREET))
    assert len(found) == len(keys(found)) == 2 * 10 * DAY_TICKS
    assert all(0 < STREET.now_ms(one.tick) - one.at <= weather.TICK_MS for one in found)


def test_in_disorder_nothing_is_missing_and_the_shares_are_as_promised():
    plain, found = list(weather.in_order(STREET)), weather.disordered(STREET, seed=1)
    many = keys(found)
    assert many.keys() == keys(plain).keys()
    assert sum(n > 1 for n in many.values()) / len(plain) == pytest.approx(0.30, abs=0.03)
    assert sum(one.is_ahead for one in found) / len(plain) == pytest.approx(0.01, abs=0.005)
    first: dict[tuple[int, int], int] = {}
    for one in found:
        if not one.is_ahead:
            first.setdefault((one.device, one.at), one.tick)
    late = [first[one.device, one.at] - one.tick for one in plain]
    assert sum(n > 0 for n in late) / len(plain) == pytest.approx(0.20, abs=0.03)
    assert max(late) == DAY_TICKS
    assert [one.tick for one in found] == sorted(one.tick for one in found)
    assert any(weather.is_sealed(STREET, one) for one in found)


def test_a_stamp_from_the_future_is_too_far_ahead_to_be_believed():
    found = weather.disordered(STREET, seed=2)
    assert all(one.at - STREET.now_ms(one.tick) > 10 * weather.MINUTE_MS for one in found if one.is_ahead)


def test_the_same_seed_is_the_same_weather():
    assert weather.disordered(STREET, seed=3) == weather.disordered(STREET, seed=3)
    assert weather.disordered(STREET, seed=3) != weather.disordered(STREET, seed=4)


@pytest.fixture
def held():
    at, series = np.arange(6) * 60_000 + STREET.start_ms, np.arange(6) % 2
    rows = Rows(series, at, (at % 7 + 0.5).astype(np.float64))
    table = np.arange(16.0).reshape(2, 8)
    latest = rows.take(np.array([4, 5]))
    return Holdings(rows, np.zeros(6, np.int64), latest, quarters(rows), {}, 0, [], {"15m": table}, 0)


def test_the_comparison_minds_no_order_of_rows_and_no_lateness_but_everything_else(held):
    order = np.array([3, 1, 0, 2, 5, 4])
    other = dataclasses.replace(held, readings=held.readings.take(order), quality=np.array([0, 1, 0, 0, 0, 0]))
    assert all(disorder.compared(held, other).values())
    value = held.readings.value.copy()
    value[2] += 1e-9
    changed = dataclasses.replace(held.readings, value=value)
    assert not disorder.compared(held, dataclasses.replace(held, readings=changed))["readings"]
    suspect = dataclasses.replace(held, quality=np.array([10, 0, 0, 0, 0, 0]))
    assert not disorder.compared(held, suspect)["readings"]
    fewer = dataclasses.replace(held, latest=held.latest.take(np.array([0])))
    assert not disorder.compared(held, fewer)["latest"]
    table = held.rollups["15m"].copy()
    table[1, 3] = 0
    assert not disorder.compared(held, dataclasses.replace(held, rollups={"15m": table}))["rollup_15m"]
