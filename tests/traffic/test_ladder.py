# SPDX-License-Identifier: Apache-2.0
"""Down the fallback ladder and back: each reason leads down, a while without one leads up, and no green jumps."""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.traffic.build import NOW, cabinet
from traffic.metrics import DETECTOR_FAULTS, REASONS, RUNGS
from traffic.street.controller import CENTRE, CONFLICT, FALLBACK
from traffic.street.detectors import Lane, Sight
from traffic.street.stages import Timed, Walk

LANES = {"m1": Lane("A-1", (1,)), "m2": Lane("A-2", (1,)), "s": Lane("A-3", (2,))}
ALL = frozenset(LANES)


class Street:
    """A cabinet, its loops, and a centre that asks for one stage; what is broken is switched by name."""

    def __init__(self, **changes):
        self.box = cabinet(lanes=LANES, **changes)
        self.box.ladder.recover_s = 60
        self.now, self.off_s = NOW, 0
        self.plugged, self.waiting, self.asks, self.want = set(ALL), {"m1", "s"}, True, 1
        self.shown, self.answers = [], []

    def live(self, seconds):
        for _ in range(seconds):
            self.now += 1
            if self.asks:
                self.box.lease(self.now + 900)
                if self.now % 5 == 0:
                    self.answers.append(self.ask(f"{self.want}@{self.now}"))
            seen = {name: self.sight(name) for name in self.plugged}
            self.shown.append(self.box.tick(self.now + self.off_s, [], seen=seen))
        return self

    def sight(self, name):
        is_green = bool(self.shown) and self.shown[-1][{"m1": 0, "m2": 1, "s": 2}[name]] in "Gg"
        return Sight(name in self.waiting, int(is_green and name in self.waiting and self.now % 2 == 0))

    def ask(self, text):
        return self.box.ask(text, self.now + 30, self.now + self.off_s, made_at=self.now)

    @property
    def stands(self):
        return RUNGS[self.box.rung], REASONS[self.box.reason]


@pytest.fixture
def street():
    made = Street().live(20)
    assert made.stands == ("adaptive", "none") and made.box.source == CENTRE
    return made


def test_a_plug_pulled_leads_to_the_loops_that_are_left_and_back(street):
    street.plugged.remove("s")
    street.live(9)
    assert street.stands == ("adaptive", "none")
    street.live(4)
    assert street.stands == ("actuated", "a detector is silent") and street.box.source == FALLBACK
    assert street.box.detector_faults() == {"A-3": DETECTOR_FAULTS.index("silent")}
    street.live(60)
    assert "G" in {state[2] for state in street.shown[-60:]}  # the lane nobody sees is served: it is on recall
    street.plugged.add("s")
    street.live(60)
    assert street.stands[0] == "actuated"
    street.live(60)
    assert street.stands == ("adaptive", "none") and street.box.source == CENTRE


def test_with_most_loops_silent_the_fixed_plan_runs(street):
    street.plugged.clear()
    street.live(13)
    assert street.stands == ("fixed plan", "most detectors have failed")
    greens = [len(list(run)) for letter, run in groupby(s[0] for s in street.live(200).shown[40:]) if letter == "G"]
    assert greens[1] == 30
    street.plugged = set(ALL)
    assert street.live(100).stands == ("adaptive", "none")


def test_a_centre_that_falls_silent_is_waited_for_three_seconds_longer_than_it_promised(street):
    street.asks = False
    last = street.now // 5 * 5
    street.live(last + 33 - street.now)
    assert street.stands == ("adaptive", "none")
    assert street.live(1).stands == ("actuated", "the centre is silent")
    street.asks = True
    street.live(30)
    assert "in fallback (the centre is silent)" in street.answers[-1]
    assert street.live(40).stands == ("adaptive", "none")


@pytest.mark.parametrize("by", [2, -2, 30, 3600])
def test_a_clock_that_jumps_is_noticed_and_forgiven_once_it_agrees(street, by):
    refused = street.box.refused
    street.off_s = by
    assert street.live(10).stands == ("actuated", "clocks disagree")
    street.live(100)
    assert street.stands == ("actuated", "clocks disagree")
    assert street.box.refused > refused and "clocks disagree" in street.answers[-1]
    street.off_s = 0
    assert street.live(50).stands[0] == "actuated"
    assert street.live(40).stands == ("adaptive", "none")


def test_a_request_a_little_late_is_no_clock_that_is_wrong(street):
    for _ in range(2):
        assert street.box.ask(f"1@{street.now}", street.now + 30, street.now, made_at=street.now - 3) is None
    assert "clocks" in street.box.ask(f"1@{street.now}", street.now + 30, street.now, made_at=street.now - 3)


def test_three_refusals_in_a_row_lead_down(street):
    street.asks = False
    for _ in range(3):
        street.ask("9@1700000000")
    street.live(1)
    assert street.stands == ("actuated", "refusals in a row")


def test_the_way_down_and_up_is_without_a_jump(street):
    street.want = 2
    street.live(3)
    street.plugged.remove("s")
    street.live(40)
    street.plugged.add("s")
    street.live(150)
    assert not street.box.tripped
    for link in range(4):
        runs = [(letter, len(list(run))) for letter, run in groupby(state[link] for state in street.shown)]
        assert all(length >= 5 for letter, length in runs[1:-1] if letter == "G")
        assert all(length == 3 for letter, length in runs[1:-1] if letter == "y")


def test_actuated_ends_a_green_in_its_gap_and_rests_where_nobody_else_waits(street):
    street.asks = False
    street.live(40)
    assert street.stands[0] == "actuated"
    street.waiting = {"s"}
    street.live(30)
    assert (street.box.running, street.shown[-1][2]) == (2, "G")
    street.waiting = {"m1"}
    street.live(12)
    assert street.box.running == 1
    street.waiting = set()
    assert set(street.live(60).shown[-50:]) == {"GGrr"}


def test_what_the_monitor_sees_makes_the_signal_flash_until_somebody_comes(street, monkeypatch):
    monkeypatch.setattr(type(street.box), "_letters", lambda self, now: "GGGG")
    street.live(1)
    assert (street.box.status, street.shown[-1], street.stands) == (CONFLICT, "oooo", ("flash", "conflict monitor"))
    assert "conflict: G and G together" in street.box.tripped


def test_a_stage_that_serves_a_lane_in_part_does_not_end_its_wait():
    """The lamp of lane s is green in stage 1 too, for its left turn: nobody leaves, and its clock goes on."""
    street = Street()
    street.live(60)
    assert street.box.longest_red(street.now)[1] == 2
    assert street.box.longest_red(street.now)[0] >= 58
    street.live(65)
    assert "G" in {state[2] for state in street.shown[-20:]}


def test_people_on_foot_are_given_time_to_cross_before_vehicles_drive():
    box = cabinet(walks=(Walk("A-3", 12.0, frozenset({2, 3})),))
    shown = []
    for second in range(NOW, NOW + 60):
        shown.append((box.tick(second, []), box.walks()["A-3"]))
    closes = next(n for n, (_, is_open) in enumerate(shown) if n and not is_open and shown[n - 1][1])
    drives = next(n for n, (state, _) in enumerate(shown) if state[2] == "G")
    assert drives - closes == 10  # 12 m at 1.2 m/s
    assert box.programme.announced()["intergreen_s"] == {"1": {"2": 10.0}, "2": {"1": 5.0}}


def test_a_change_that_is_not_allowed_is_refused_and_not_announced():
    box = cabinet(forbidden=frozenset({(1, 2)}))
    box.lease(NOW + 100)
    assert box.ask(f"2@{NOW + 20}", NOW + 60, NOW + 20) == "a change from stage 1 to stage 2 is not allowed"
    assert box.programme.announced()["intergreen_s"] == {"1": {}, "2": {"1": 5.0}}


def test_a_signal_whose_box_stays_occupied_is_all_red_for_ten_seconds_at_most():
    box = cabinet()
    shown = [box.tick(second, [], box_is_blocked=True) for second in range(NOW, NOW + 50)]
    assert [len(list(run)) for state, run in groupby(shown) if state == "rrrr"] == [10]


def test_the_plan_of_the_hour_runs():
    night = Timed(0, 2, ((1, 10.0), (2, 10.0)))
    day = Timed(6 * 3600, 1, ((1, 30.0), (2, 12.0)))
    box = cabinet(timetable=(night, day), zone="Europe/Helsinki")  # NOW is 00:13 there
    shown = [box.tick(second, []) for second in range(NOW, NOW + 60)]
    assert box.plan == 2
    assert next(len(list(run)) for letter, run in groupby(s[0] for s in shown) if letter == "G") == 10


@pytest.mark.parametrize(
    ("speaks", "fault"),
    [
        (lambda now, green: Sight(True), "stuck on"),
        (lambda now, green: Sight(True, 1), "chatter"),
        (lambda now, green: Sight(True, int(not green and now % 2 == 0)), "implausible"),
    ],
)
def test_a_loop_that_cannot_be_believed_is_reported_and_its_lane_recalled(speaks, fault, monkeypatch):
    street = Street()
    plain = street.sight

    def sight(name):
        is_green = bool(street.shown) and street.shown[-1][2] == "G"
        return speaks(street.now, is_green) if name == "s" else plain(name)

    monkeypatch.setattr(street, "sight", sight)
    street.want = 1
    seen = set()
    for n in range(700):
        street.want = 1 + n // 60 % 2
        street.live(1)
        seen |= {DETECTOR_FAULTS[code] for code in street.box.detector_faults().values()}
    assert fault in seen and "silent" not in seen
    assert 2 in street.box.detectors.recalls()


def test_a_loop_that_falls_quiet_while_its_neighbours_count_on_is_stuck_off():
    street = Street()
    for n in range(1200):
        street.want = 1 + n // 30 % 2
        if n == 300:
            street.waiting = {"m1"}
        street.live(1)
    assert street.box.detector_faults() == {"A-3": DETECTOR_FAULTS.index("stuck off")}


def test_what_follows_is_said_on_every_rung(street):
    street.asks = False
    assert street.ask(f"1@{street.now - 1} 2@{street.now + 20}") is None
    assert street.box.coming(street.now) == (2, 20)
    street.live(60)
    assert street.stands[0] == "actuated"
    assert street.box.changing_to or street.box.coming(street.now)[0] in (0, 1, 2)
    street.box.to_local()
    stage, left_s = street.box.coming(street.now)
    assert stage != street.box.running and 0 <= left_s <= 30
