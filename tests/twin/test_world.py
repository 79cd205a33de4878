# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.twin.world import StreetWorld

HELSINKI = (24.94, 60.17)
HOUR = 3_600_000
INSTANTS = st.integers(1_500_000_000_000, 2_200_000_000_000)


def world(seed=1):
    return StreetWorld(HELSINKI, "Europe/Helsinki", seed)


def ms(year, month, day, hour=0, minute=0):
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp() * 1000)


@given(at=INSTANTS)
def test_weather_stays_within_what_a_city_has_and_repeats_itself(at):
    one, two = world(), world()
    assert 0 <= one.cloud(at) <= 1 and -45 < one.temperature(at) < 45 and 0 <= one.irradiance(at) < 1100
    assert one.temperature(at) == two.temperature(at) and one.cloud(at) == two.cloud(at)
    assert abs(one.temperature(at) - one.temperature(at + 60_000)) < 0.2


def test_another_seed_is_another_year():
    at = ms(2026, 11, 20)
    assert world(1).temperature(at) != world(2).temperature(at)


def test_the_sun_is_where_it_is_in_helsinki():
    assert world().sun_elevation(ms(2026, 6, 21, 10, 22)) == pytest.approx(53.3, abs=0.3)
    assert world().sun_elevation(ms(2026, 12, 21, 10, 18)) == pytest.approx(6.5, abs=0.4)
    assert world().irradiance(ms(2026, 12, 21, 22)) == 0


def test_summers_are_warm_and_winters_cold_here_and_the_other_way_round_in_the_south():
    def mean(place, month):
        made = StreetWorld(place, "UTC", 1)
        return np.mean(
            [made.temperature(ms(2026, month, day, hour)) for day in range(1, 29) for hour in (0, 6, 12, 18)]
        )

    assert mean(HELSINKI, 7) > 12 > 3 > mean(HELSINKI, 1)
    assert mean((151.2, -33.9), 1) > mean((151.2, -33.9), 7)


def test_local_hours_follow_the_clocks_of_the_city():
    assert world().local_hours(ms(2026, 10, 25, 0, 30)) == (3.5, 6)
    assert world().local_hours(ms(2026, 10, 25, 1, 30)) == (3.5, 6)


def test_traffic_is_what_the_nearest_detector_sees_if_one_is_near():
    street = world()
    assert street.traffic_flow(HELSINKI) is None
    street.note_traffic([((24.9401, 60.17), 500.0, 0.25), ((24.95, 60.17), 90.0, 0.0)])
    assert street.traffic_flow(HELSINKI) == 500 and street.congestion(HELSINKI) == 0.25
    assert street.traffic_flow((24.96, 60.17)) is None
    street.note_traffic([((24.9401, 60.17), 300.0, 0.5), ((24.95, 60.17), 90.0, 0.0)])
    assert street.traffic_flow(HELSINKI) == 300
    street.note_traffic([((24.96, 60.17), 70.0, 0.0)])
    assert street.traffic_flow(HELSINKI) is None and street.traffic_flow((24.96, 60.17)) == 70


def test_what_others_meter_is_what_was_said_last_and_has_no_past_while_the_city_lives():
    street = world()
    assert street.power_drawn() == {} and street.past_power(np.arange(3)) == {}
    street.note_power({(24.94, 60.17): 60.0})
    assert street.power_drawn() == {(24.94, 60.17): 60.0}
