# SPDX-License-Identifier: Apache-2.0
"""Measures of signals on logs small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from traffic.atspm import arrivals, counts, failures, health, timeline, waits
from traffic.atspm.log import Detectors, Log

AT = 1_713_182_400_000  # 2024-04-15 12:00, the begin of a quarter hour
ADVANCE = Detectors.of([1], [2], [22], ["Advance"])
PRESENCE = Detectors.of([1, 1], [2, 2], [3, 4], ["Presence", "Presence"])


def log(*rows):
    """Rows of (second, code, parameter)."""
    second, code, parameter = zip(*rows, strict=True)
    return Log.of([AT + round(1000 * s) for s in second], np.ones(len(rows)), code, parameter)


def cycles(many, green=20, yellow=4, length=60):
    rows = []
    for n in range(many):
        begin = n * length
        rows += [(begin, 1, 2), (begin + green, 7, 2), (begin + green, 8, 2), (begin + green + yellow, 9, 2),
                 (begin + green + yellow, 10, 2), (begin + green + yellow + 2, 11, 2)]  # fmt: skip
    return rows


def test_the_log_is_in_order_and_holds_nothing_twice():
    found = log((5, 8, 2), (0, 1, 2), (5, 8, 2), (5, 7, 2))
    assert list(zip(found.at - AT, found.code, strict=True)) == [(0, 1), (5000, 7), (5000, 8)]


def test_instants_may_be_datetimes():
    found = Log.of(np.array(["2024-04-15T12:00:00.100"], "datetime64[us]"), [1], [1], [2])
    assert found.at.tolist() == [AT + 100]


def test_arrivals_at_the_instant_green_begins_are_on_green_and_those_at_yellow_are_not():
    found = arrivals.arrivals_on_green(
        log(*cycles(2), (60, 82, 22), (70, 82, 22), (80, 82, 22), (100, 82, 22)), ADVANCE
    )
    assert (found.total.tolist(), found.on_green.tolist()) == ([4], [2])


def test_a_bin_without_an_arrival_on_green_says_none_of_how_many():
    found = arrivals.arrivals_on_green(log(*cycles(2), (30, 82, 22)), ADVANCE)
    assert (found.total.tolist(), found.share.tolist()) == ([1], [0.0])


def test_platoon_ratio_is_one_when_vehicles_come_evenly():
    even = [(s + 0.5, 82, 22) for s in range(900)]
    found = arrivals.platoon_ratio(log(*cycles(15), *even), ADVANCE)
    assert found.green_s.tolist() == [300.0]
    assert (found.ratio.round(2).tolist(), found.arrival_type.tolist()) == ([1.0], [3])


def test_a_green_over_the_end_of_a_bin_counts_in_both():
    (bin_, _, _), seconds = arrivals.green_seconds(log((890, 1, 2), (920, 8, 2)), ADVANCE)
    assert dict(zip(((bin_ - AT) // 1000).tolist(), seconds.tolist(), strict=True)) == {0: 10.0, 900: 20.0}


def test_greens_are_cut_where_the_log_was_cut():
    cut = (AT + 10_000, AT + 930_000)
    (_, _, _), seconds = arrivals.green_seconds(log((20, 8, 2), (925, 1, 2)), ADVANCE, within=cut)
    assert seconds.tolist() == [10.0, 5.0]


def test_the_coordination_diagram_runs_from_red_to_red():
    found = arrivals.coordination_diagram(log(*cycles(3), (44, 82, 22), (65, 82, 22)), ADVANCE, 1, 2)
    assert ((found.begin - AT) / 1000).tolist() == [24.0, 84.0]
    assert found.cycle_s.tolist() == [60.0, 60.0]
    assert (found.green_s.tolist(), found.yellow_s.tolist()) == ([36.0, 36.0], [56.0, 56.0])
    assert (found.dot_s.tolist(), found.on_green.tolist()) == ([20.0, 41.0], [False, True])


def test_who_comes_on_red_waits_until_green_and_who_comes_on_green_does_not():
    found = arrivals.approach_delay(log(*cycles(2), (10, 82, 22), (40, 82, 22), (100, 82, 22)), ADVANCE)
    assert (found.arrivals.tolist(), found.delay_s.tolist()) == ([2], [20.0])


def full(detector, *spans):
    return [row for begin, end in spans for row in ((begin, 82, detector), (end, 81, detector))]


def test_a_split_fails_when_green_and_the_first_seconds_of_red_are_full():
    rows = [*cycles(3), *full(3, (-1, 60), (62, 63), (121, 122)), *full(4, (-2, -1.5))]
    found = failures.split_failures(log(*rows), PRESENCE)
    assert (found.cycles.tolist(), found.failures.tolist()) == ([3], [1])


def test_by_approach_two_detectors_together_fill_what_neither_fills_alone():
    rows = [*cycles(2), *full(3, (-1, 10), (24, 27)), *full(4, (-2, -1.5), (10, 20), (27, 29))]
    together = failures.split_failures(log(*rows), PRESENCE)
    alone = failures.split_failures(log(*rows), PRESENCE, by_approach=False)
    assert (together.failures.sum(), alone.failures.sum()) == (1, 0)


def test_a_lost_off_is_put_back_halfway():
    rows = [*cycles(1), (-2, 82, 3), (10, 82, 3), (30, 81, 3), (-2, 82, 4), (-1, 81, 4)]
    found = failures.cycle_occupancy(log(*rows), PRESENCE, by_approach=False)
    first = found.detector == 3
    assert found.green_occupancy[first].tolist() == [pytest.approx((4 + 10) / 20)]


def test_terminations_are_counted_by_what_ended_the_green():
    found = counts.terminations(log((1, 4, 2), (2, 4, 2), (3, 6, 2), (4, 5, 3), (901, 4, 2)))
    rows = zip((found.bin - AT) // 1000, found.phase, found.code, found.total, strict=True)
    assert {tuple(map(int, row)) for row in rows} == {(0, 2, 4, 2), (0, 2, 6, 1), (0, 3, 5, 1), (900, 2, 4, 1)}


def test_a_silent_detector_counts_nought_where_its_controller_lived():
    found = counts.actuations(log((1, 82, 5), (901, 1, 2)))
    assert list(zip(((found.bin - AT) // 1000).tolist(), found.total.tolist(), strict=True)) == [(0, 1), (900, 0)]


def test_who_crosses_on_yellow_and_red_is_told_by_seconds_from_red():
    lights = Detectors.of([1], [2], [42], ["Yellow_Red"])
    found = counts.yellow_red(log(*cycles(1), (21, 82, 42), (24.6, 82, 42), (10, 82, 42)), lights)
    assert set(zip(found.state.tolist(), found.from_red_s.tolist(), strict=True)) == {(8, -3.0), (10, 0.5), (1, -14.0)}


def test_a_wait_longer_than_one_and_a_half_cycles_is_a_skip():
    called = log((0, 132, 60), (1, 43, 2), (51, 1, 2), (55, 44, 2), (60, 43, 3), (160, 1, 3), (165, 44, 3))
    found = waits.phase_wait(called)
    assert dict(zip(found.phase.tolist(), found.skips.tolist(), strict=True)) == {2: 0, 3: 1}
    assert found.mean_s.tolist() == [50.0, 100.0]


def test_a_call_dropped_before_green_is_no_wait():
    assert len(waits.phase_wait(log((1, 43, 2), (5, 44, 2), (20, 1, 2))).phase) == 0


def test_waits_during_a_preemption_and_two_minutes_after_are_left_out():
    first = ((100, 43, 2), (140, 1, 2), (145, 44, 2), (150, 7, 2))
    second = ((200, 43, 2), (240, 1, 2), (250, 44, 2), (255, 7, 2))
    forced = log((0, 102, 1), (30, 104, 1), *first, *second)
    assert waits.phase_wait(forced).waits.tolist() == [1]
    assert waits.preemption(forced).mean_s.tolist() == [30.0]


def test_the_second_press_of_a_cycle_does_not_wait_anew():
    pressed = log((0, 22, 2), (10, 90, 2), (15, 90, 2), (40, 21, 2), (60, 22, 2), (90, 90, 2), (120, 21, 2))
    assert waits.pedestrian_delay(pressed).mean_s.tolist() == [30.0]
    people = counts.pedestrians(pressed)
    assert (people.services.sum(), people.presses.sum(), people.unique.sum()) == (2, 3, 1)


def test_a_yellow_of_a_minute_is_bad_data():
    found = timeline.timeline(log((0, 8, 2), (4, 9, 2), (30, 8, 2), (90, 9, 2)))["Yellow"]
    assert found.valid.tolist() == [True, False]


def test_an_interval_over_a_silence_or_a_clock_being_set_is_not_trusted():
    walks = ((0, 21, 2), (10, 23, 2), (20, 21, 2), (400, 23, 2), (500, 21, 2), (510, 23, 2))
    found = timeline.timeline(log(*walks, (503, 181, 0)))
    assert found["Ped Service"].valid.tolist() == [True, False, False]


def test_detectors_are_judged_by_what_they_do():
    three = Detectors.of([1] * 4, [1, 2, 3, 4], [11, 12, 13, 14], ["Presence"] * 4)
    well = [row for n in range(0, 7200, 60) for row in ((n, 82, 11), (n + 5, 81, 11))]
    double = ((0, 82), (1, 81), (1.05, 82), (2, 81))
    flutter = [(n + after, code, 14) for n in range(0, 7200, 60) for after, code in double]
    found = health.detector_health(log(*well, (100, 82, 12), *flutter), three, AT, AT + 7_201_000)
    assert [health.WORDS[verdict] for verdict in found.verdict] == ["well", "stuck on", "silent", "chatters"]


def test_an_empty_log_has_empty_measures():
    none = Log.of([], [], [], [])
    assert len(arrivals.platoon_ratio(none, ADVANCE).ratio) == 0
    assert len(failures.split_failures(none, PRESENCE).failures) == 0
    assert len(waits.phase_wait(none).phase) == len(counts.pedestrians(none).phase) == 0
    assert timeline.timeline(none) == {}
    assert len(counts.coordination(none).bin) == len(counts.yellow_red(none, ADVANCE).total) == 0


CODES = [1, 7, 8, 9, 10, 11, 21, 22, 43, 44, 81, 82, 90, 102, 104]
one = st.tuples(st.integers(0, 4000), st.sampled_from(CODES), st.sampled_from([2, 3, 4, 22]))
events = st.lists(one, min_size=1, max_size=80)


@given(events)
def test_whatever_is_logged_shares_stay_between_nought_and_one(rows):
    found = log(*rows)
    occupied = failures.cycle_occupancy(found, PRESENCE)
    for share in (occupied.green_occupancy, occupied.red_occupancy, arrivals.arrivals_on_green(found, ADVANCE).share):
        assert ((share >= 0) & (share <= 1)).all()
    assert (waits.phase_wait(found).mean_s >= 0).all()
    arrivals.coordination_diagram(found, ADVANCE, 1, 2)
