# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from lighting.kpis import Night, worth
from smartcity.kernel.worth import Evidence

DARK = np.array([False, True, True, True, True, False])


def night(levels, power, hour=20.0):
    """One lamp of 100 W that may be dimmed to 50 %, over six quarters; dusk in the first, dawn in the last but one."""
    return Night(
        levels=np.array([levels], float),
        power_w=np.array([power], float),
        rated_w=np.array([100.0]),
        least=np.array([50.0]),
        is_dark=DARK,
        is_dark_after=np.append(DARK[1:], False),
        local_hour=np.full(6, hour),
    )


def figures(measured):
    return {row.kpi: (row.value, row.baseline) for row in worth(measured, 0, 1, Evidence.SIMULATED)}


def test_energy_is_compared_over_the_quarters_that_reported():
    found = figures(night([0, 50, 50, 50, 50, 0], [0, 50, 50, np.nan, 50, 0]))
    assert found["energy"] == pytest.approx((0.0375, 0.075))


def test_a_lamp_at_its_minimum_is_never_below_class():
    assert figures(night([0, 50, 50, 50, 50, 0], [0, 50, 50, 50, 50, 0]))["below_class"] == (0.0, 0.0)


def test_every_whole_quarter_of_the_night_below_class_counts():
    assert figures(night([0, 50, 40, 40, 50, 0], [0] * 6))["below_class"][0] == 30.0


def test_quarters_with_dusk_or_dawn_are_not_judged():
    assert figures(night([20, 50, 50, 50, 20, 0], [0] * 6))["below_class"][0] == 0.0
