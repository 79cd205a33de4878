# SPDX-License-Identifier: Apache-2.0
"""The stage planner: what it holds, when it changes, what it sees of neighbours, how it copes with silence."""

from __future__ import annotations

import numpy as np
import pytest

from traffic.planner import model
from traffic.planner.centre import Centre, Junction, State
from traffic.planner.frames import Frame, Way, Zone
from traffic.planner.search import Now, Settings, plan
from traffic.planner.watch import RECALL, Watch, arrival_s

SETTINGS = Settings()
CROSS = model.intersection("x", ("Gr", "rG"), (("a",), ("b",)), {})


def now(queues, *, stage=0, green_s=10.0, arrivals=None, blocked=(False, False), junction=CROSS):
    lanes = len(junction.lanes)
    coming = np.zeros((SETTINGS.horizon_s, lanes)) if arrivals is None else arrivals
    return Now(junction, stage, green_s, np.array(queues, float), coming, np.array(blocked))


def test_goes_to_whoever_waits():
    assert plan(now([0, 5]), SETTINGS).stage == 1
    assert plan(now([5, 0], stage=1), SETTINGS).stage == 0


def test_holds_while_its_own_queue_goes():
    assert plan(now([6, 1]), SETTINGS).stage == 0


def test_waits_for_a_platoon_about_to_arrive():
    arrivals = np.zeros((SETTINGS.horizon_s, 2))
    arrivals[1:12, 0] = 0.5
    assert plan(now([0, 1], arrivals=arrivals), SETTINGS).stage == 0
    assert plan(now([0, 1]), SETTINGS).stage == 1


def test_green_is_not_spent_on_lanes_without_room_beyond():
    assert plan(now([5, 4], blocked=(True, False)), SETTINGS).stage == 1


def test_says_what_each_stage_would_cost():
    costs = plan(now([0, 5]), SETTINGS).costs
    assert len(costs) == 2 and costs[1] < costs[0]


def test_a_shared_lane_is_not_served_by_a_stage_for_a_part_of_it():
    shared = model.intersection("y", ("Gr", "rG", "GG"), (("a",), ("a", "b")), {})
    lane = shared.lanes.index("a")
    assert list(shared.share[:, lane]) == [0.0, 0.0, 1.0]
    assert shared.best_stage(lane) == 2


def test_a_turn_that_gives_way_is_slower_the_more_come_against_it():
    """Left turns of `a` give way to `b` in stage 1 and have stage 2 to themselves."""
    turning = model.intersection("z", ("gG", "Gr"), (("a",), ("b",)), {0: frozenset({1})})
    free = plan(now([4, 0], stage=1, junction=turning), SETTINGS)
    against = np.zeros((SETTINGS.horizon_s, 2))
    against[:, 1] = 0.45
    busy = plan(now([4, 6], arrivals=against, junction=turning), SETTINGS)
    assert free.costs[1] < busy.costs[0]
    assert turning.opposing[0, 0, 1] == 1.0 and turning.opposing[1].sum() == 0.0


@pytest.mark.parametrize(("metres", "speed", "at"), [(30, 0.5, 0.0), (27.8, 13.9, 1.5), (1, 13.9, 0.0)])
def test_when_a_vehicle_reaches_the_stop_line(metres, speed, at):
    assert arrival_s(metres, speed, 13.9) == pytest.approx(at, abs=0.01)


def frame(second, zones, **more):
    return Frame(second * 1000, zones, more.pop("departed", {}), **more)


def watch(lit=None):
    return Watch(CROSS, [Zone(13.9, 50.0, (0,)), Zone(13.9, 50.0, (1,))], lit or {})


def test_who_stands_is_a_queue_and_who_drives_arrives():
    seen = watch()
    seen.take(frame(1, {0: [(3.0, 0.0), (10.0, 0.0), (41.7, 13.9)], 1: []}))
    found = seen.situation(1.0, 0, 10.0, 60)
    assert found.queues[0] == 2.0 and found.arrivals[2, 0] == pytest.approx(1.0, abs=0.1)


def test_a_silent_detector_counts_as_somebody_who_waits():
    seen = watch()
    seen.take(frame(1, {0: []}))
    assert seen.situation(1.0, 0, 10.0, 60).queues[1] == RECALL


def test_nothing_is_planned_on_frames_that_are_old():
    seen = watch()
    seen.take(frame(1, {0: [], 1: []}))
    assert seen.situation(5.0, 0, 10.0, 60) is not None
    assert seen.situation(5.1, 0, 10.0, 60) is None


def test_a_late_frame_counts_departures_and_changes_nothing_else():
    seen = watch()
    seen.take(frame(5, {0: [(3.0, 0.0)], 1: []}))
    flow = seen.flow[0]
    seen.take(frame(3, {0: [], 1: []}, departed={0: 2}))
    assert seen.flow[0] > flow
    assert seen.situation(5.0, 0, 10.0, 60).queues[0] == 1.0


def test_waits_end_when_somebody_leaves_not_when_the_lamp_is_green():
    seen = watch()
    for second in range(1, 101):
        seen.take(frame(second, {0: [(3.0, 0.0)], 1: []}))
    assert seen.must_serve(30.0) == 0
    seen.take(frame(101, {0: [(3.0, 0.0)], 1: []}, departed={0: 1}))
    assert seen.must_serve(30.0) is None


def test_what_one_junction_lets_out_arrives_at_the_next():
    zones = [Zone(13.9, 50.0, (0,)), Zone(13.9, 50.0, (1,))]
    first = Junction(CROSS, zones, ways={0: (Way("b", (1,), 20.0, 1.0),)})
    second = Junction(CROSS, zones, lit={1: 20.0})
    centre = Centre({"a": first, "b": second}, SETTINGS)
    centre.take("a", frame(100, {0: [], 1: []}, passed={0: 3}))
    centre.take("b", frame(100, {0: [], 1: []}))
    found = centre.watches["b"].situation(100.0, 0, 10.0, 60)
    assert found is not None
    arrivals = found.arrivals
    assert arrivals[21, 1] == pytest.approx(3.0, abs=0.1) and arrivals[21, 0] < 0.1


def test_no_wish_before_the_minimum_green_or_while_changing():
    centre = Centre({"a": Junction(CROSS, [Zone(13.9, 50.0, (0,)), Zone(13.9, 50.0, (1,))])}, SETTINGS)
    centre.take("a", frame(1, {0: [], 1: [(3.0, 0.0)]}))
    assert centre.wish("a", State(1, 4.0), 1.0) is None
    assert centre.wish("a", State(0, 0.0), 1.0) is None
    wish = centre.wish("a", State(1, 10.0), 1.0)
    assert wish is not None and wish.stage == 2 and "changing to stage 2 costs" in wish.reason


def test_near_the_maximum_red_the_waiting_lane_is_served_whatever_it_costs():
    centre = Centre({"a": Junction(CROSS, [Zone(13.9, 50.0, (0,)), Zone(13.9, 50.0, (1,))])}, SETTINGS)
    full = [(float(5 * k), 0.0) for k in range(10)]
    for second in range(1, 95):
        centre.take("a", frame(second, {0: full, 1: [(3.0, 0.0)]}, departed={0: 1}))
    wish = centre.wish("a", State(1, 90.0), 94.0)
    assert wish is not None and wish.stage == 2 and "near its maximum red" in wish.reason
