# SPDX-License-Identifier: Apache-2.0
"""What control was worth: one column measured, the other the same day without it, each site at its own terms."""

from __future__ import annotations

import numpy as np
import pytest

from energy.kpis import Day, worth
from energy.tariffs import LIGHTING, SMALL, TARIFF, carbon, of, price, usual
from smartcity.kernel.worth import Evidence

HOURS = np.arange(96) / 4


def day(measured, baseline, *tariffs):
    return Day(
        np.array(measured),
        np.array(baseline),
        np.array([price(tariff, HOURS) for tariff in tariffs]),
        np.array([carbon(tariff, HOURS) for tariff in tariffs]),
        np.array([float(tariff["capacity"]) for tariff in tariffs]),
    )


def figures(day):
    return {found.kpi: (found.value, found.baseline) for found in worth(day, 0, 1, Evidence.SIMULATED)}


def test_each_site_pays_by_its_own_tariff():
    flat = np.full(96, 10.0)
    one = figures(day([flat], [flat], TARIFF))["cost"][0]
    other = figures(day([flat], [flat], SMALL))["cost"][0]
    both = figures(day([flat, flat], [flat, flat], TARIFF, SMALL))["cost"][0]
    assert one != other and both == pytest.approx(one + other)


def test_charging_that_was_held_back_counts_as_control():
    held, as_it_comes = np.zeros(96), np.zeros(96)
    held[32:64], as_it_comes[32:48] = 5.0, 10.0
    found = figures(day([held], [as_it_comes], TARIFF))
    assert found["peak"] == (5.0, 10.0)
    assert found["cost"][0] < found["cost"][1]


def test_quarters_without_a_reading_are_in_neither_column():
    measured = np.full(96, 10.0)
    measured[:48] = np.nan
    found = figures(day([measured], [np.full(96, 20.0)], TARIFF))
    assert found["carbon"][1] == pytest.approx(2 * found["carbon"][0])


def test_terms_that_are_not_all_given_are_as_usual_for_the_rest():
    assert of({}) is TARIFF
    assert of({"tariff": {"night": 0.01}}) == {**TARIFF, "night": 0.01}


def test_in_the_demo_terms_follow_the_use_and_the_size():
    assert usual("lighting", 5.0) is LIGHTING
    assert usual("office", 20.0) is SMALL and usual("office", 200.0) is TARIFF
