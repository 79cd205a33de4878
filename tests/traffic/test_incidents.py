# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from traffic.incidents import BLOCKED, SPILLED, Policy, Seen, Track, expected, found, resumed, step

FREE = Seen(flow=600.0, occupancy=25.0, queue=0.0, storage=20.0, usual_flow=600.0, usual_occupancy=25.0, served=0.5)
STUCK = replace(FREE, flow=150.0, occupancy=95.0, queue=12.0, beyond={"A-9": 8.0})


def live(*spans, every_s=10):
    """[(seconds, what is seen)] → the last track, and every finding with its second."""
    track, told, now = None, [], 0
    for seconds, seen in spans:
        for _ in range(seconds // every_s):
            track = step(track, seen, now * 1000)
            told += [(now, one) for one in found("A-1", track, seen)] if track else []
            now += every_s
    return track, told


def test_full_before_little_through_and_free_beyond_is_an_incident_within_minutes():
    _, told = live((1200, FREE), (600, STUCK))
    second, first = told[0]
    assert first.rule == BLOCKED and 90 <= second - 1200 <= 240
    assert first.text == "150 veh/h pass where 600 are expected; it is 82 % full; beyond it A-9 8 %"


def test_a_usual_peak_is_none():
    peak = replace(FREE, flow=590.0, occupancy=90.0, usual_occupancy=80.0)
    assert live((1200, FREE), (1800, peak))[1] == []


def test_what_is_held_up_from_beyond_is_not_an_incident_here():
    assert live((1200, FREE), (900, replace(STUCK, beyond={"A-9": 90.0})))[1] == []


def test_a_signal_that_gives_little_green_explains_little_flow():
    held = replace(STUCK, flow=150.0, served=0.1)
    assert expected(live((1200, FREE))[0], held) == 162.0
    assert live((1200, FREE), (900, held))[1] == []


def test_without_a_usual_figure_what_was_before_counts_once_it_is_known():
    unknown = replace(FREE, usual_flow=None, usual_occupancy=None)
    stuck = replace(STUCK, usual_flow=None, usual_occupancy=None)
    assert live((1800, unknown), (600, stuck))[1][0][1].rule == BLOCKED
    assert live((60, unknown), (200, stuck))[1] == []


STANDS = replace(FREE, flow=200.0, occupancy=8.0, queue=1.0, usual_flow=220.0, usual_occupancy=4.0)


def test_in_light_traffic_a_queue_that_no_green_clears_is_an_incident():
    light = replace(STANDS, queue=0.0)
    _, told = live((600, light), (600, STANDS))
    assert told[0][1].rule == BLOCKED and 225 <= told[0][0] - 600 <= 270
    assert told[0][1].text == "1 vehicle stands, though only 200 veh/h pass: no green has cleared the queue for 4 min"


def test_a_queue_that_comes_with_each_red_and_goes_with_each_green_is_none():
    empty = replace(STANDS, queue=0.0)
    assert live((600, empty), *[(60, replace(STANDS, queue=5.0)), (20, empty)] * 20)[1] == []


def test_a_busy_approach_or_one_without_green_may_keep_its_queue():
    for busy in (
        replace(STANDS, flow=700.0, usual_flow=700.0),
        replace(STANDS, served=0.05),
        replace(STANDS, served=None),
    ):
        assert live((600, replace(busy, queue=0.0)), (900, busy))[1] == []


def test_it_ends_when_the_queue_clears_with_the_greens_again():
    empty = replace(STANDS, queue=0.0)
    again = [(40, replace(STANDS, queue=3.0)), (20, empty)] * 6
    track, _ = live((600, empty), (600, STANDS), *again)
    assert not track.blocked.stands


def test_it_stands_until_traffic_passes_again_for_a_while():
    _, told = live((1200, FREE), (600, STUCK), (60, FREE), (300, STUCK), (600, FREE))
    seconds = [second for second, _ in told]
    assert max(b - a for a, b in pairwise(seconds)) == 10  # one alarm, no gap
    assert 2160 + 100 <= seconds[-1] <= 2160 + 200


def test_a_quiet_road_is_never_an_incident():
    quiet = replace(FREE, flow=60.0, usual_flow=60.0)
    assert live((1200, quiet), (900, replace(quiet, flow=0.0, occupancy=95.0)))[1] == []


def test_a_queue_beyond_its_room_that_is_not_usual_is_spillback():
    full = replace(FREE, flow=600.0, occupancy=95.0, queue=19.0)
    _, told = live((1200, FREE), (900, full))
    assert {one.rule for _, one in told} == {SPILLED}
    assert (
        told[0][1].text.startswith("19 vehicles stand where 20 have room; it is 9") and 240 <= told[0][0] - 1200 <= 420
    )
    assert live((1200, FREE), (900, replace(full, usual_occupancy=90.0)))[1] == []


def test_a_silent_detector_neither_raises_nor_clears():
    silent = replace(STUCK, flow=None, occupancy=None)
    track, _ = live((1200, FREE), (600, STUCK), (1200, silent))
    assert track.blocked.stands
    assert live((1200, FREE), (900, silent))[1] == []


def test_what_stood_before_a_restart_goes_on_until_it_is_over():
    track: Track | None = resumed(frozenset({BLOCKED}), 0)
    for now in range(10, 100, 10):
        track = step(track, STUCK, now * 1000)
    assert track is not None and track.blocked.stands
    for now in range(100, 400, 10):
        track = step(track, FREE, now * 1000)
    assert track is not None and not track.blocked.stands


numbers = st.floats(0, 2000) | st.none()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(numbers, st.floats(0, 100) | st.none(), st.floats(0, 50) | st.none()), max_size=60))
def test_whatever_detectors_say_an_alarm_is_never_shorter_than_its_off_delay(readings):
    track, began = None, None
    for number, (flow, full, queue) in enumerate(readings):
        seen = replace(FREE, flow=flow, occupancy=full, queue=queue)
        track = step(track, seen, number * 10_000)
        if track is None:
            continue
        if track.blocked.stands and began is None:
            began = number
        elif not track.blocked.stands and began is not None:
            assert (number - began) * 10 >= Policy().off_s
            began = None
