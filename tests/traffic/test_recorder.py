# SPDX-License-Identifier: Apache-2.0
"""What a cabinet logs, seen from outside, and that the measures can be made of it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.traffic.build import NOW, cabinet
from traffic import event_codec
from traffic.atspm import codes, counts, waits
from traffic.atspm.arrivals import arrivals_on_green
from traffic.atspm.log import Detectors, Log
from traffic.street.controller import DARK, FLASHING, OK
from traffic.street.recorder import Recorder, Second

CYCLE = 30 + 5 + 12 + 5  # the plan of the test's cabinet: two stages and two intergreens


def recorded(seconds, seen=lambda second: {}, before=lambda second, box: None, crossings=()):
    box, recorder = cabinet(), Recorder(["A-1", "A-2", "A-3"], crossings)
    for second in range(NOW, NOW + seconds):
        before(second, box)
        recorder.second(second, box, box.tick(second, ()), seen(second))
    return recorder


def log_of(recorder):
    at, code, parameter = event_codec.read(recorder.batch((NOW + 9999) * 1000))
    return Log.of(at, np.ones(len(at)), code, parameter)


def happened(log, phase, *which):
    chosen = log.only(*which)
    return [(int(at) // 1000 - NOW, int(code)) for at, code, parameter in
            zip(chosen.at, chosen.code, chosen.parameter, strict=True) if parameter == phase]  # fmt: skip


def test_a_phase_is_green_then_yellow_then_red_as_its_plan_says():
    log = log_of(recorded(CYCLE + 1))
    assert happened(log, 1, 0, 1, 7, 8, 9, 10, 11, 12) == [
        (0, 0), (0, 1), (30, 7), (30, 8), (33, 9), (33, 10), (35, 11), (35, 12), (52, 0), (52, 1),
    ]  # fmt: skip
    assert happened(log, 3, 1, 8) == [(35, 1), (47, 8)]


def test_a_green_nobody_waits_in_gaps_out_and_a_full_one_is_forced_off():
    full = {"A-1": Second(at_line=True, came=0, left=0)}

    def asked(second, box):
        box.lease(second + 60)
        box.ask(f"1@{NOW} 2@{NOW + 30}", NOW + 600, second)

    log = log_of(recorded(40, lambda second: full, asked))
    assert happened(log, 1, 4, 5, 6) == [(30, codes.FORCE_OFF)]
    assert happened(log, 2, 4, 5, 6) == [(30, codes.GAP_OUT)]


def test_a_fixed_plan_forces_every_green_off():
    log = log_of(recorded(40))
    assert happened(log, 1, 4, 5, 6) == happened(log, 2, 4, 5, 6) == [(30, codes.FORCE_OFF)]


def test_vehicles_are_detector_events_of_their_phase():
    def passing(second):
        return {"A-1": Second(at_line=second < NOW + 5, came=2 if second == NOW + 3 else 0, left=0)}

    log = log_of(recorded(20, passing))
    assert happened(log, 1, 81, 82) == [(0, 82), (5, 81)]
    assert [code for _, code in happened(log, 21, 81, 82)] == [82, 81, 82, 81]


def test_a_button_pressed_at_a_closed_crossing_waits_for_its_walk():
    pressed = {"A-1": Second(at_line=False, came=0, left=0, pressed=True)}
    log = log_of(recorded(60, lambda second: pressed if second >= NOW + 10 else {}, crossings=["A-1"]))
    assert happened(log, 1, 21, 22, 45, 90) == [(10, 45), (10, 90), (35, 21), (47, 22)]
    delay = waits.pedestrian_delay(log)
    assert delay.mean_s.tolist() == [25.0]


def test_plan_and_cycle_are_told_at_first_and_when_they_change():
    def asked(second, box):
        if second == NOW + 8:
            box.lease(second + 600)
            box.ask(f"1@{second}", second + 600, second)

    log = log_of(recorded(60, before=asked)).only(codes.PATTERN, codes.CYCLE_LENGTH)
    assert list(zip(log.code.tolist(), log.parameter.tolist(), strict=True)) == [
        (131, 1),
        (132, 52),
        (131, 0),
        (132, 0),
    ]


@pytest.mark.parametrize(("status", "told"), [(FLASHING, [(10, 173), (20, 173)]), (DARK, [(10, 182), (20, 184)])])
def test_flashing_and_dark_end_the_greens_and_are_told(status, told):
    def broken(second, box):
        if second in (NOW + 10, NOW + 20):
            box.become(status if second == NOW + 10 else OK, second)

    log = log_of(recorded(30, before=broken))
    chosen = log.only(173, 182, 184)
    assert [(int(at) // 1000 - NOW, int(code)) for at, code in zip(chosen.at, chosen.code, strict=True)] == told
    assert happened(log, 1, 7, 8) == [(10, 7)]


def test_the_measures_of_an_hour_are_those_of_the_plan_it_ran():
    def passing(second):
        return {"A-1": Second(at_line=False, came=int(second % 10 == 0), left=0)}

    log = log_of(recorded(3600, passing))
    split = waits.split_monitor(log, bin_ms=3_600_000 * 24)
    assert dict(zip(split.key.tolist(), split.mean_s.round(1).tolist(), strict=True)) == {1: 35.0, 2: 35.0, 3: 17.0}
    ended = counts.terminations(log, bin_ms=3_600_000 * 24)
    assert set(ended.total[ended.phase == 3].tolist()) == {3600 // CYCLE}
    aog = arrivals_on_green(log, Detectors.of([1], [1], [21], ["Advance"]), bin_ms=3_600_000 * 24)
    assert aog.total.tolist() == [360]
    assert float(aog.share[0]) == pytest.approx(30 / CYCLE, abs=0.02)


def test_what_gathers_is_handed_out_in_numbered_batches():
    recorder = recorded(40)
    first = event_codec.head_of(recorder.batch((NOW + 40) * 1000))
    assert (first.number, first.sent_ms, recorder.batch(0)) == (1, (NOW + 40) * 1000, None)
