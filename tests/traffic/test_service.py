# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.traffic.build import programme
from traffic.service import Greens, Served, delay_s, greens, level, mean_delay, served

MINUTE = 60_000
HALF = Greens({1: 0.5, 2: 0.3}, 900.0, 80.0)


def cycle(many=10, length_s=80):
    """Stage 1 for 40 s, stage 2 for 24 s, 8 s between; reported every 4 s."""
    found = []
    for second in range(0, many * length_s, 4):
        place = second % length_s
        found.append((second * 1000, 1 if place < 40 else 0 if place < 48 else 2 if place < 72 else 0))
    return found


def approach(values, seen=HALF, uid="A-1", **more):
    given = {"length_m": 150.0, "lanes": 1, "speed_kmh": 40.0} | more
    said = {f"traffic.{name}": value for name, value in values.items()}
    return served(programme().announced()["approaches"][uid], said, seen, **given)


def test_green_shares_and_the_cycle_come_from_what_was_reported():
    found = greens(cycle(), 800_000)
    assert found.share == pytest.approx({1: 0.5, 2: 0.3}) and found.cycle_s == pytest.approx(80.0)


def test_a_silent_controller_is_not_taken_to_have_stood_in_its_last_stage():
    found = greens([(0, 1), (10_000, 2)], 20 * MINUTE)
    assert found.known_s == pytest.approx(40.0) and found.cycle_s is None


def test_the_degree_of_saturation_is_flow_by_what_the_green_lets_through():
    assert approach({"flow": 450.0}).saturation == pytest.approx(0.5)  # 0.5 veh/s, half of the time: 900 veh/h
    assert approach({"flow": 450.0}).capacity == pytest.approx(900.0)


def test_nothing_measured_nothing_said():
    silent = approach({})
    assert silent.capacity == pytest.approx(900.0)
    assert silent == Served(silent.capacity, None, None, None, None)
    assert approach({"flow": 450.0}, Greens({}, 0.0, None)).saturation is None


def test_the_back_of_the_queue_stops_where_the_detector_ends():
    assert approach({"queue": 10.0}).back_m == pytest.approx(75.0)
    assert approach({"queue": 10.0}, lanes=2).back_m == pytest.approx(37.5)
    assert approach({"queue": 90.0}).back_m == pytest.approx(150.0)


def test_delay_is_that_of_the_manual():
    """HCM: g/C 0.5, C 80 s, X 0.5: uniform 13.3 s; the random part at c 900 veh/h 2.0 s."""
    assert delay_s(0.5, 900.0, 0.5, 80.0) == pytest.approx(13.33 + 1.99, abs=0.02)
    assert delay_s(1.2, 900.0, 0.5, 80.0) > 100


@pytest.mark.parametrize(
    ("wait", "degree", "scale", "said"),
    [
        (20, 0.5, "hbs", "A"), (20.1, 0.5, "hbs", "B"), (50, 0.9, "hbs", "C"), (70, 0.9, "hbs", "D"),
        (200, 0.99, "hbs", "E"), (20, 1.01, "hbs", "F"), (9, 0.2, "hcm", "A"), (81, 0.9, "hcm", "F"),
        (30, None, "hcm", "C"),
    ],
)  # fmt: skip
def test_levels_of_service(wait, degree, scale, said):
    assert level(wait, degree, scale) == said


def test_travel_time_by_speed_else_free_with_the_delay():
    assert approach({"speed": 18.0}).travel_s == pytest.approx(30.0)
    assert approach({"speed": 0.0}).travel_s == pytest.approx(180.0)
    slow = approach({"flow": 450.0})
    assert slow.delay_s is not None and slow.travel_s == pytest.approx(13.5 + slow.delay_s)


def test_a_junctions_delay_weighs_its_approaches_by_their_vehicles():
    a, b = (Served(None, None, wait, None, None) for wait in (10.0, 40.0))
    assert mean_delay([(a, 300.0), (b, 100.0), (b, None)]) == pytest.approx(17.5)
