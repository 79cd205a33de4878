# SPDX-License-Identifier: Apache-2.0
"""What charging would have been without control, worked out from what it was."""

from __future__ import annotations

import numpy as np
import pytest

from energy.sessions import uncontrolled

MINUTES = 24 * 60


def charge(arrivals, limit):
    """Mean kW by quarter hour of cars (minute, kWh) at one point under `limit(minute)` kW."""
    kw, waiting, left = np.zeros(MINUTES), sorted(arrivals), 0.0
    for minute in range(MINUTES):
        if left <= 1e-9 and waiting and waiting[0][0] <= minute:
            left = waiting.pop(0)[1]
        kw[minute] = min(limit(minute), 60 * left)
        left -= kw[minute] / 60
    return kw.reshape(-1, 15).mean(axis=1)


def free(minute):
    return 11.0


def held_back(minute):
    return 4.2 if 8 * 60 <= minute < 11 * 60 else 11.0


CARS = [(7 * 60 + 50, 18.0), (12 * 60 + 7, 9.0), (17 * 60 + 31, 30.0)]


def test_what_nobody_steered_is_left_as_it_was():
    drawn = charge(CARS, free)
    assert uncontrolled(drawn, 22.0) == pytest.approx(drawn, abs=0.01)


def test_a_car_that_was_held_back_would_have_been_done_earlier():
    found, truth = uncontrolled(charge(CARS, held_back), 22.0), charge(CARS, free)
    assert found.sum() == pytest.approx(truth.sum())
    assert found[8 * 4 : 9 * 4].sum() > 1.8 * charge(CARS, held_back)[8 * 4 : 9 * 4].sum()
    assert np.abs(found - truth).max() < 6.0 and np.abs(found - truth).sum() < 0.15 * truth.sum()


def test_a_point_never_draws_more_than_it_can():
    fast = charge([(600, 30.0), (690, 30.0)], lambda minute: 22.0)
    found = uncontrolled(fast, 22.0)
    assert found.max() <= 11.0 + 1e-9 and found.sum() == pytest.approx(fast.sum())
    assert uncontrolled(charge([(600, 10.0)], lambda minute: 3.7), 3.7).max() <= 3.7 + 1e-9


def test_a_quarter_nobody_heard_of_stays_unknown_and_an_idle_point_idle():
    drawn = charge(CARS, free)
    drawn[40] = np.nan
    assert np.isnan(uncontrolled(drawn, 22.0)[40])
    assert not uncontrolled(np.zeros(96), 22.0).any()
