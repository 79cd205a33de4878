# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.traffic.build import NOW, cabinet
from traffic.metrics import REASONS
from traffic.street.controller import CENTRE, FALLBACK, FLASHING, LOCAL, MANUAL

FOES = [(0, 2), (0, 3), (1, 2), (1, 3)]


def run(box, seconds, start=NOW, calls=(), before=lambda second: None):
    shown = []
    for second in range(start, start + seconds):
        before(second)
        shown.append(box.tick(second, calls))
    return shown


def runs(shown, link):
    return [(letter, len(list(group))) for letter, group in groupby(state[link] for state in shown)]


requests = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 3), st.integers(-30, 30), st.sampled_from(["ask", "hold", "local"])),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(requests, st.sets(st.sampled_from([1, 2])))
def test_whatever_is_asked_greens_are_long_enough_never_conflict_and_an_intergreen_lies_between(asked, calls):
    box = cabinet()
    by_second: dict[int, list[tuple[int, int, str]]] = {}
    for second, stage, offset, what in asked:
        by_second.setdefault(NOW + second, []).append((stage, offset, what))

    def ask(second):
        for stage, offset, what in by_second.get(second, ()):
            if what == "hold":
                box.hold(stage, second + 40)
            elif what == "local":
                box.to_local()
            else:
                box.lease(second + 60)
                box.ask(f"{stage}@{second + offset}", second + 30, second)

    shown = run(box, 320, calls=sorted(calls), before=ask)
    for state in shown:
        assert not any(state[a] in "Gg" and state[b] in "Gg" for a, b in FOES)
    for link in range(4):
        for letter, length in runs(shown, link)[1:-1]:
            assert letter not in "Gg" or length >= 5
            assert letter != "y" or length == 3
    for a, b in FOES:
        last = [n for n, state in enumerate(shown) if state[a] in "Gg"]
        first = [n for n, state in enumerate(shown) if state[b] in "Gg"]
        gaps = [n - max(m for m in last if m < n) for n in first if any(m < n for m in last)]
        assert min(gaps, default=6) >= 6


def test_the_fixed_plan_runs_by_itself():
    assert runs(run(cabinet(), 120), 0)[:4] == [("G", 30), ("y", 3), ("r", 19), ("G", 30)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"2@{NOW}", "minimum green"),
        (f"9@{NOW + 60}", "no stage"),
        ("nonsense", "not a segment"),
        (f"1@{NOW} 2@{NOW + 6}", "minimum green"),
    ],
)
def test_the_cabinet_refuses_with_the_reason(text, why):
    box = cabinet()
    box.lease(NOW + 60)
    assert why in (box.ask(text, NOW + 30, NOW + 1) or "")
    assert box.refused == 1


def test_without_a_lease_the_cabinet_refuses():
    assert cabinet().ask(f"2@{NOW + 10}", NOW + 30, NOW + 10) == "no lease"


def test_when_the_lease_ends_the_fixed_plan_goes_on_from_the_running_stage():
    box = cabinet()
    box.lease(NOW + 40)
    run(box, 10)
    assert box.ask(f"2@{NOW + 10}", NOW + 200, NOW + 10) is None
    shown = run(box, 30, NOW + 10)
    assert (box.source, box.running) == (CENTRE, 2)
    shown += run(box, 25, NOW + 40)
    assert box.source == FALLBACK
    assert runs(shown, 2)[1] == ("G", 25)  # the whole time to the end of the lease, then the plan changes in order
    run(box, 500, NOW + 65)
    assert (box.source, REASONS[box.reason]) == (FALLBACK, "the centre is silent")
    run(box, 100, NOW + 565)
    assert (box.source, box.reason) == (LOCAL, 0)  # the grant is long over: the plan is its own right now


def test_somebody_who_waits_is_served_before_the_maximum_red_even_against_the_centre():
    box = cabinet()

    def insist(second):
        box.lease(second + 60)
        box.ask(f"1@{NOW}", second + 30, second)

    shown = run(box, 200, calls=[1, 2], before=insist)
    assert next(n for n, state in enumerate(shown) if state[2] == "G") <= 120


def test_all_is_red_before_the_first_stage_after_a_fault():
    box = cabinet()
    run(box, 10)
    box.become(FLASHING, NOW + 10)
    assert set(box.tick(NOW + 10, [])) == {"o"}
    assert box.ask(f"1@{NOW}", NOW + 60, NOW + 12) == "the signal is flashing"
    box.become(0, NOW + 30)
    shown = run(box, 8, NOW + 30)
    assert runs(shown, 0) == [("r", 5), ("G", 3)]
    assert runs(shown, 2) == [("r", 8)]


def follow(box, point, value, at=NOW):
    return box.follow(at * 1000, point, value, (at + 60) * 1000)


def test_under_a_lease_a_plan_is_followed_and_a_person_may_hold_a_stage():
    box = cabinet()
    assert follow(box, "lease", "auto") == ""
    assert follow(box, "stage_plan", f"2@{NOW + 10}", at=NOW + 10) == ""
    run(box, 15, NOW + 10)
    assert (box.source, box.running or box.changing_to) == (CENTRE, 2)
    assert follow(box, "stage", 1, at=NOW + 25) == ""
    run(box, 15, NOW + 25)
    assert (box.source, box.running) == (MANUAL, 1)


def test_a_point_a_stage_or_a_lease_there_is_not_is_refused():
    box = cabinet()
    assert follow(box, "paint", 1) == "not understood: paint = 1"
    assert follow(box, "lease", "perhaps") == "not understood: lease = 'perhaps'"
    assert follow(box, "stage", 9) == "there is no stage 9"


def test_return_to_local_drops_everything_asked():
    box = cabinet()
    assert follow(box, "lease", "auto") == follow(box, "stage", 2) == follow(box, "lease", "local") == ""
    assert follow(box, "stage_plan", f"2@{NOW + 10}", at=NOW + 10) == "no lease"
    run(box, 10)
    assert (box.source, box.running) == (LOCAL, 1)
