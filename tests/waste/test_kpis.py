# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from smartcity.kernel.worth import Evidence
from waste.kpis import Fleet, Past, inflow, replay, worth

DAYS = 10


def past(level, every=2, counted_days=1, km=5.0):
    """One container, hours from midnight of an even day on."""
    hours = np.arange(DAYS * 24)
    return Past(
        ("C-1",),
        np.asarray(level, float)[None, :],
        np.array([1.0]),
        np.array([100.0]),
        np.array([every]),
        np.array([0]),
        hours % 24,
        20_000 + hours // 24,
        hours >= (DAYS - counted_days) * 24,
        km,
    )


def fleet():
    metres = np.array([[0, 1000, 2000], [1000, 0, 1500], [2000, 1500, 0]], float)
    return Fleet(metres / 5, metres, np.array([0]), (1, 2), 1, 1000.0)


def filling(rate, emptied_at=85.0):
    level, found = 0.0, []
    for _ in range(DAYS * 24):
        level = level + rate if level < emptied_at else 0.0
        found.append(level)
    return found


def figures(shown):
    return {w.kpi: (w.value, w.baseline) for w in worth(shown, fleet(), (0, 1), Evidence.SIMULATED)}


def test_the_rota_is_replayed_on_the_waste_that_really_came():
    shown = past(filling(1.0))
    level, visited = replay(shown)
    assert visited.sum() == DAYS / 2 and level.max() == pytest.approx(47.0)


def test_a_rota_too_sparse_overflows_where_planned_calls_did_not():
    hours = figures(past(filling(2.0), every=7, counted_days=3))["overflow_hours"]
    assert hours[0] == 0 and hours[1] > 20


def test_kilometres_stand_beside_the_tour_of_the_rotas_day():
    driven, baseline = figures(past(filling(1.0), every=1))["distance"]
    assert driven == 5.0 and baseline == pytest.approx((1000 + 2000 + 1500) / 1000)


def test_visits_are_emptyings_seen_by_the_sensor():
    assert figures(past(filling(4.0), every=1, counted_days=2))["visits"] == (2.0, 2.0)


def test_where_the_sensor_was_full_its_mean_rate_stands_in():
    level = np.array([[50.0, 100.0, 100.0, np.nan, 100.0, 1.0]])
    assert inflow(level, np.array([3.0]))[0].tolist() == [3.0, 3.0, 3.0, 3.0, 3.0, 3.0]
