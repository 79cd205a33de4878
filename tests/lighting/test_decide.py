# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighting.classes import below, power_share, share
from lighting.controller import Lamp, Picture, Policy, Street, decide
from lighting.darkness import Programme, base_level, is_dark, next_change
from lighting.interlocks import dims_for_two_hours_at_most, keeps_minimum_class, light_is_due
from lighting.osm import programme
from smartcity.kernel.control import Setpoint, Situation

POLICY = Policy()


def street(flow=None, expected=None, programme=100.0, normal="M3", lanes=2, reported=100.0):
    lamps = (Lamp("L-1", 100.0, reported), Lamp("L-2", 100.0, reported))
    minimum = below(normal, 2)
    return Street("S-1", "Test street", normal, minimum, lanes, 1000.0, programme, flow, expected, ("series:1",), lamps)


def levels(*streets):
    return [setpoint.value for setpoint in decide(Picture(True, streets), POLICY)]


def situation(is_signed=True, **engineering):
    return Situation("L-1", "luminaire", engineering, {}, {}, {}, 0, is_signed=is_signed)


def wish(value, expires_in_s=3600.0):
    return Setpoint(asset="L-1", point="dim_level", value=value, reason="test", expires_in_s=expires_in_s)


@pytest.mark.parametrize(("flow", "level"), [(100, 50), (149, 50), (200, 75), (440, 75), (600, None)])
def test_a_two_lane_street_is_lit_by_its_share_of_capacity(flow, level):
    assert levels(street(flow, reported=0.0)) == ([] if level is None else [level, level])


def test_by_day_nothing_is_commanded():
    assert decide(Picture(False, (street(100),)), POLICY) == []


def test_without_traffic_figures_the_signed_programme_stands():
    assert levels(street()) == []


def test_the_forecast_of_a_busy_hour_raises_a_quiet_street():
    assert levels(street(flow=50, expected=500, programme=50.0, reported=50.0)) == [100, 100]


def test_a_street_is_not_lowered_when_traffic_is_just_under_the_threshold():
    assert levels(street(flow=145, reported=75.0)) == [75, 75]
    assert levels(street(flow=120, reported=75.0)) == [50, 50]


@given(st.floats(0, 5000), st.floats(0, 5000), st.sampled_from(["M2", "M3", "M4", "M5"]), st.integers(1, 6))
def test_no_decision_is_below_the_minimum_class(flow, expected, normal, lanes):
    for level in levels(street(flow, expected, normal=normal, lanes=lanes)):
        assert level + 0.5 >= share(below(normal, 2), normal)


@given(st.floats(allow_nan=True, allow_infinity=True) | st.text(max_size=5) | st.booleans())
def test_no_setpoint_below_the_minimum_class_or_out_of_range_passes_the_limit_check(value):
    passed = keeps_minimum_class(wish(value), situation(normal_class="M3", minimum_class="M5")) is None
    is_number = isinstance(value, float)
    assert passed == (is_number and 49.5 <= value <= 100)


UNSIGNED = situation(is_signed=False, normal_class="M3", minimum_class="M5")


@pytest.mark.parametrize("lamp", [situation(), UNSIGNED], ids=["no class", "unsigned"])
def test_a_lamp_without_a_signed_class_may_only_be_lit_fully(lamp):
    assert keeps_minimum_class(wish(99), lamp) == "no signed lighting class: only full light may be commanded"
    assert keeps_minimum_class(wish(100), lamp) is None


def test_a_loop_cannot_dim_for_longer_than_two_hours():
    assert dims_for_two_hours_at_most(wish(50, 7201), situation()) is not None
    assert dims_for_two_hours_at_most(wish(100, 7201), situation()) is None


@pytest.mark.parametrize(("hour", "level"), [(17, 100), (23, 60), (2, 60), (5, 100), (11, 100)])
def test_the_programme_is_read_from_noon_to_noon(hour, level):
    assert Programme(((16, 100), (23, 60), (5, 100))).level(hour) == level


def test_a_broken_programme_fails_bright_at_night_and_dark_by_day():
    night, day = 1_700_000_000_000 - 60_000, 1_700_046_000_000
    assert is_dark(60.17, 24.94, night) and not is_dark(60.17, 24.94, day)
    assert base_level({"programme": "nonsense"}, 60.17, 24.94, night, "Europe/Helsinki") == 100
    assert base_level({"programme": "nonsense"}, 60.17, 24.94, day, "Europe/Helsinki") == 0


def test_power_follows_the_published_curve():
    assert [round(power_share(level), 3) for level in (0, 10, 30, 50, 100)] == [0, 0.138, 0.319, 0.506, 1.0]


@pytest.mark.parametrize("normal", ["M2", "M3", "M4", "M5", "M6", "P1", "P2", "P3", "P4", "P5", "P6"])
def test_no_base_programme_of_the_demo_is_below_the_minimum_class(normal):
    assert min(level for _, level in programme(normal)) + 0.5 >= share(below(normal, 2), normal)


HELSINKI = (24.94, 60.17)
NIGHT, DAY = 1_700_000_000_000 - 60_000, 1_700_046_000_000  # 14 November 2023, 22:12 UTC; the day after, 11:00 UTC


def lamp_at(now_ms, where=HELSINKI, **announced):
    return Situation("L-1", "luminaire", {}, announced, {}, {}, now_ms, where, "Europe/Helsinki")


def change_after(at_ms):
    """The next dusk or dawn in Helsinki."""
    found = next_change(60.17, 24.94, at_ms)
    assert found is not None
    return found


def test_by_day_a_lamp_is_refused_with_the_time_of_dusk():
    assert light_is_due(wish(100), lamp_at(NIGHT)) is None
    assert light_is_due(wish(100), lamp_at(DAY)) == "it is day: the lamps have no supply until dusk at 16:18"


def test_at_the_edges_of_the_night_a_command_must_still_be_provable():
    dusk, dawn = change_after(DAY), change_after(NIGHT)
    assert light_is_due(wish(100), lamp_at(dusk - 180_000)) is not None
    assert light_is_due(wish(100), lamp_at(dusk - 60_000)) is None
    assert light_is_due(wish(100), lamp_at(dawn - 11 * 60_000)) is None
    late = light_is_due(wish(100), lamp_at(dawn - 9 * 60_000))
    assert late == "day breaks at 07:51: the lamps lose their supply before the effect could be measured"


def test_a_node_with_a_supply_of_its_own_may_be_tested_by_day():
    assert light_is_due(wish(100), lamp_at(DAY, supply="permanent")) is None


def test_where_the_sun_does_not_set_no_time_is_promised():
    june = 1_718_971_200_000
    assert light_is_due(wish(100), lamp_at(june, (25.7, 70.0))) == "it is day: the lamps have no supply"


def test_a_lamp_whose_place_is_unknown_is_refused():
    assert light_is_due(wish(100), lamp_at(NIGHT, None)) is not None
