# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from astral import Observer
from astral.sun import elevation

from lighting.classes import power_share
from lighting.history import dark
from lighting.kpis import KPIS, Night, worth
from lighting.loop import EDGE_MS, QUARTER_MS
from lighting.twin import Twin
from smartcity.kernel.street import Up
from smartcity.kernel.worth import Evidence
from tests.lighting.test_twin import HOUR, street

DARK = np.array([False, True, True, True, True, False])
NAN = np.nan


def night(levels, power, hour=20.0, rated=100.0, least=50.0):
    """One lamp of 100 W that may be dimmed to 50 %, over six quarters; dusk in the first, dawn in the last but one."""
    return Night(
        levels=np.array([levels], float),
        power_w=np.array([power], float),
        rated_w=np.array([rated]),
        least=np.array([least]),
        is_dark=DARK,
        is_night=DARK & np.append(DARK[1:], False),
        local_hour=np.full(6, hour),
    )


def figures(measured):
    return {row.kpi: (row.value, row.baseline) for row in worth(measured, 0, 1, Evidence.SIMULATED)}


def minutes(measured):
    found = figures(measured)
    return found["below_class"][0], found["not_known"][0]


HALF = [0, 50, 50, 50, 50, 0]


def test_energy_is_compared_over_the_quarters_that_reported():
    found = figures(night(HALF, [0, 50, 50, NAN, 50, 0]))
    assert found["energy"] == pytest.approx((0.0375, 0.075))


def test_a_lamp_at_its_minimum_is_never_below_class():
    assert minutes(night(HALF, HALF)) == (0.0, 0.0)


def test_every_whole_quarter_of_the_night_below_class_counts():
    assert minutes(night([0, 50, 40, 40, 50, 0], HALF))[0] == 30.0


def test_quarters_with_dusk_or_dawn_are_not_judged():
    assert minutes(night([20, 50, 50, 50, 20, 0], [10, 50, 50, 50, 10, 0])) == (0.0, 0.0)


def test_a_lamp_that_reports_darkness_all_night_is_below_class_and_saves_nothing():
    found = figures(night([0] * 6, [0] * 6))
    assert found["below_class"][0] == 45.0
    assert found["energy"] == pytest.approx((0.0, 0.025))  # only the quarter of dawn, which nobody judges


def test_a_failed_lamp_is_below_class_whatever_its_node_reports():
    found = figures(night([0, 100, 100, 100, 100, 0], [0, 0.4, 0.4, 100, 100, 0]))
    assert found["below_class"][0] == 30.0
    assert found["energy"] == pytest.approx((0.05, 0.05))


@pytest.mark.parametrize("power", [NAN, 50])
def test_a_level_below_class_needs_no_power_to_be_seen(power):
    assert minutes(night([0, 50, 0, 50, 50, 0], [0, 50, power, 50, 50, 0])) == (15.0, 0.0)


@pytest.mark.parametrize("level", [NAN, 50])
def test_minutes_in_which_power_is_silent_are_not_known_and_nothing_is_saved_in_them(level):
    silent = night([0, 50, level, level, 50, 0], [0, 50, NAN, NAN, 50, 0])
    assert minutes(silent) == (0.0, 30.0)
    assert figures(silent)["energy"] == pytest.approx((0.025, 0.05))
    assert {kpi.name for kpi in KPIS} == set(figures(silent))


def test_power_alone_shows_that_the_class_is_kept():
    assert minutes(night([0, NAN, NAN, NAN, NAN, 0], [0, 50, 50, 50, 50, 0])) == (0.0, 0.0)


def test_a_small_lamp_that_is_dark_is_seen_too():
    assert minutes(night([0, 100, 100, 100, 100, 0], [0, 2.5, 0.4, 2.5, 2.5, 0], rated=5.0))[0] == 15.0


def test_a_lamp_nobody_has_rated_or_classed_must_give_some_light_and_saves_nothing_known():
    unknown = night([0, 20, 20, 0, 20, 0], [0, 15, 0.4, 0, 15, 0], rated=NAN, least=NAN)
    assert minutes(unknown)[0] == 30.0
    assert figures(unknown)["energy"] == (0.0, 0.0)


def test_the_lamps_concerned_are_counted():
    notes = {row.kpi: row.note for row in worth(night([0] * 6, [0] * 6), 0, 1, Evidence.SIMULATED)}
    assert (notes["below_class"], notes["not_known"]) == ("1 of 1 luminaires", "0 of 1 luminaires")


class Winter:
    """A day and a night in Helsinki, by the sun."""

    def local_hours(self, at_ms):
        return (at_ms / HOUR + 2) % 24, 0

    def note_power(self, drawn):
        """Nobody meters them here."""

    def sun_elevation(self, at_ms):
        return elevation(Observer(60.2, 24.9), datetime.fromtimestamp(at_ms / 1000, UTC))


NOON = 1_796_032_800_000  # 30 November 2026, 12 h in Helsinki
QUARTERS = 96


def lived(fault="none", commanded=None):
    """What the street of the demo measures in a day and a night, as quarter-hour means."""
    world = Winter()
    model = Twin(street(), world, 5)  # type: ignore[arg-type]
    model.lamps["L-0"].fault = fault
    if commanded is not None:
        model.lamps["L-0"].commanded, model.lamps["L-0"].expires_ms = commanded, NOON + 86_400_000
    sums, counts = np.zeros((2, QUARTERS)), np.zeros(QUARTERS)
    for at in range(NOON, NOON + QUARTERS * QUARTER_MS, 20_000):
        for up in model.step(at, 20.0):
            assert isinstance(up, Up)
            said = {record["n"]: record["v"] for record in json.loads(up.payload)}
            quarter = (at - NOON) // QUARTER_MS
            sums[:, quarter] += said["lighting.dim_level"], said["lighting.power_w"]
            counts[quarter] += 1
    buckets = NOON + QUARTER_MS * np.arange(QUARTERS)
    is_dark_at = [dark(60.2, 24.9, buckets + by) for by in (0, -EDGE_MS, QUARTER_MS + EDGE_MS)]
    return Night(
        levels=(sums[0] / counts)[None, :],
        power_w=(sums[1] / counts)[None, :],
        rated_w=np.array([100.0]),
        least=np.array([50.0]),
        is_dark=is_dark_at[0],
        is_night=is_dark_at[1] & is_dark_at[2],
        local_hour=(buckets / HOUR + 2) % 24,
    )


@pytest.mark.parametrize("commanded", [None, 50.0, 100.0])
def test_a_healthy_night_of_the_demo_has_no_minute_below_class_and_none_unknown(commanded):
    healthy = lived(commanded=commanded)
    assert minutes(healthy) == (0.0, 0.0)
    assert figures(healthy)["energy"][0] == pytest.approx(
        figures(healthy)["energy"][1] * (1.0 if commanded == 100.0 else power_share(commanded or 77.0)), rel=0.2
    )


def test_a_lamp_that_has_failed_in_the_demo_is_below_class_all_night():
    failed = lived("lamp failure")
    assert minutes(failed) == (15.0 * failed.is_night.sum(), 0.0) and failed.is_night.sum() > 55


def test_a_lamp_that_burns_by_day_is_not_below_class():
    assert minutes(lived("burning by day")) == (0.0, 0.0)
