# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartcity.kernel.control import Expectation
from tests.waste.build import POLICY, bin_, picture, truck
from waste import itinerary, solver
from waste.controller import decide
from waste.picture import left_s
from waste.planning import make_plan

levels = st.lists(st.floats(0, 100), min_size=1, max_size=14)


def plan(shown, **changes):
    from dataclasses import replace

    return make_plan(shown, list(shown.trucks), replace(POLICY, **changes))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(levels=levels, capacity=st.integers(60, 600), hour=st.floats(6, 13), seed=st.integers(1, 99))
def test_no_route_exceeds_capacity_or_shift_and_every_due_container_is_visited_or_explained(
    levels, capacity, hour, seed
):
    count = len(levels)
    trucks = (truck(1, count, capacity_kg=capacity), truck(2, count, capacity_kg=capacity))
    shown = picture([bin_(i, level) for i, level in enumerate(levels)], trucks, hour, seed)
    found = plan(shown)
    visited = [stop.uid for route in found.routes for stop in route.stops if not stop.is_unload]
    assert len(set(visited)) == len(visited)
    for route in found.routes:
        assert itinerary.heaviest(route.stops) <= capacity
        assert route.seconds <= left_s(route.truck, hour) + 60
        assert route.stops[-1].is_unload
    for uid in found.due:
        assert uid in visited or found.left_out[uid]


def test_who_may_overflow_is_called_at_and_who_will_not_is_left_alone():
    found = plan(picture([bin_(0, 97), bin_(1, 3), bin_(2, 95)]))
    visited = {stop.uid for route in found.routes for stop in route.stops}
    assert {"C-000", "C-002"} <= visited and "C-001" not in visited


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"blocked": "the crew of RT-1 found it blocked"}, "blocked"),
        ({"access": (2.0, 4.0)}, "only from 2 to 4"),
        ({"off_m": 900.0}, "900 m from any road"),
        ({"kg_full": None}, "not known"),
    ],
)
def test_a_due_container_that_cannot_be_reached_is_explained(changes, why):
    found = plan(picture([bin_(0, 99, **changes), bin_(1, 99)]))
    assert why in found.left_out["C-000"]


def test_an_unheard_container_is_not_planned_blind():
    found = plan(picture([bin_(0, None), bin_(1, 99)]))
    assert found.risks["C-000"] == 0 and "C-000" not in found.due


def test_a_silent_sensor_grows_riskier_with_its_age():
    fresh, old = plan(picture([bin_(0, 60), bin_(1, 60, age_h=48)])).risks.values()
    assert old > fresh


def test_what_another_truck_has_promised_is_not_due_again():
    shown = picture(
        [bin_(0, 99), bin_(1, 99)], (truck(1, 2), truck(2, 2, state="driving", stops_left=1, promised=("C-000",)))
    )
    found = plan(shown)
    assert found.due == ("C-001",)
    silent = picture([bin_(0, 99)], (truck(1, 1), truck(2, 1, state=None, promised=("C-000",))))
    assert plan(silent).due == ("C-000",)


def test_in_the_middle_of_a_shift_one_container_that_can_wait_is_not_worth_a_trip():
    shown = picture([bin_(0, 90)], hour=10.0)
    found = plan(shown)
    assert found.due == ("C-000",) and found.routes == () and "not worth a trip yet" in found.left_out["C-000"]
    assert plan(picture([bin_(0, 99.5)], hour=10.0)).routes


def test_a_setpoint_says_what_it_rests_on_how_it_is_proved_and_what_the_rota_would_do():
    shown = picture([bin_(i, 95, on_rota_today=i < 2) for i in range(3)])
    route = next(s for s in decide(shown, POLICY) if s.value != itinerary.STAND_BY)
    assert route.point == "route" and "3 containers, 3 of them may overflow" in route.reason
    assert set(route.rests_on) == {"series:0", "series:1", "series:2"}
    assert isinstance(route.expect, Expectation) and route.expect.asset.startswith("C-00")
    assert (route.expect.metric, route.expect.high) == ("waste.fill_level", 20.0)
    assert route.alternative == "the fixed rota would call at 2 containers today"
    assert route.expires_in_s <= left_s(shown.trucks[0], shown.hour)


def test_a_truck_without_a_call_is_told_to_stand_by_so_that_it_does_not_drive_the_rota():
    found = decide(picture([bin_(0, 5)]), POLICY)
    assert [(s.asset, s.value) for s in found] == [("RT-1", "stand by"), ("RT-2", "stand by")]
    assert "no container is likely to overflow" in found[0].reason


@pytest.mark.parametrize("changes", [{"state": None}, {"state": "driving"}, {"stops_left": 3}, {"shift": (14.0, 22.0)}])
def test_a_truck_that_is_silent_busy_or_off_shift_is_told_nothing(changes):
    assert decide(picture([bin_(0, 99)], (truck(1, 1, **changes),)), POLICY) == []


def test_a_planner_that_fails_leaves_trucks_standing_by_with_the_reason():
    def broken(problem):
        raise solver.Unsolved("the planner did not answer in time")

    found = plan(picture([bin_(0, 99)]), solve=broken)
    assert found.routes == () and found.left_out == {"C-000": "the planner did not answer in time"}


def test_the_planner_in_a_process_of_its_own_answers_the_same():
    shown = picture([bin_(i, 95) for i in range(4)])
    assert {r.stops for r in plan(shown, solve=solver.solve_apart).routes} == {r.stops for r in plan(shown).routes}


def test_a_shift_may_pass_midnight():
    night = truck(1, 0, shift=(22.0, 6.0))
    assert left_s(night, 23.0) == 7 * 3600 and left_s(night, 5.0) == 3600 and left_s(night, 12.0) == 0


@given(st.text(max_size=60))
def test_any_text_is_a_route_or_refused(text):
    try:
        stops = itinerary.read(text)
    except itinerary.BadItinerary as error:
        assert str(error)
    else:
        assert itinerary.read(itinerary.write(stops)) == stops


def test_a_route_is_proven_by_a_container_that_still_speaks():
    shown = picture([bin_(i, 95, proof=None if i else ("waste.fill_level", 0.0, 20.0)) for i in range(3)])
    (route,) = [s for s in decide(shown, POLICY) if s.value != itinerary.STAND_BY]
    assert route.expect and route.expect.asset == "C-000"
    mute = picture([bin_(i, 95, proof=None) for i in range(3)])
    assert [s.expect for s in decide(mute, POLICY) if s.value != itinerary.STAND_BY] == [None]
