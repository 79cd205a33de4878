# SPDX-License-Identifier: Apache-2.0
"""What a cabinet says of the change to come is what it then does."""

from __future__ import annotations

import pytest

from tests.traffic.build import NOW, cabinet


def said_and_done(box, seconds, calls=()):
    """(second it said, stage it said, second the change began, stage it changed to) of every green second."""
    said: dict[int, tuple[int, int]] = {}
    done = []
    for second in range(NOW, NOW + seconds):
        was_changing = box.changing_to
        box.tick(second, calls)
        if box.changing_to and not was_changing:
            done += [(second, box.changing_to)] * len(said)
            yield from zip(said.items(), done, strict=True)
            said, done = {}, []
        elif not box.changing_to:
            stage, left = box.coming(second)
            said[second] = (stage, second + left)


def test_on_the_fixed_plan_every_second_of_green_says_when_the_next_stage_is_due():
    found = list(said_and_done(cabinet(), 200))
    assert len(found) > 60
    assert all(stage == changed and at == began for (_, (stage, at)), (began, changed) in found)


def test_a_request_says_its_next_stage_and_none_when_it_asks_for_the_running_one_only():
    box = cabinet()
    box.lease(NOW + 60)
    box.ask(f"1@{NOW} 2@{NOW + 20}", NOW + 60, NOW)
    assert box.coming(NOW + 12) == (2, 8)
    box.ask(f"1@{NOW}", NOW + 60, NOW)
    assert box.coming(NOW + 12) == (0, 0)


def test_nothing_is_due_before_the_minimum_green():
    box = cabinet()
    box.hold(2, NOW + 60)
    assert box.coming(NOW + 1) == (2, 4)


def test_the_maximum_red_comes_before_what_was_asked():
    box = cabinet()
    box.hold(1, NOW + 600)
    box.red_since[2] = NOW
    assert box.coming(NOW + 100) == (2, 15)


def test_while_changing_it_is_the_stage_that_begins_and_what_is_left_of_the_intergreen():
    box = cabinet()
    for second in range(NOW, NOW + 32):
        box.tick(second, ())
    assert box.changing_to == 2 and box.coming(NOW + 32) == (2, 3)


@pytest.mark.parametrize("status", [1, 2, 3])
def test_a_signal_out_of_order_promises_nothing(status):
    box = cabinet()
    box.become(status, NOW)
    assert box.coming(NOW + 5) == (0, 0)
