# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from benchmarks.chaos.rounds import Round, run_twice


def rounds(*said):
    return [Round("adaptive", at_ms, sender, epoch) for at_ms, sender, epoch in said]


def test_who_leads_after_another_runs_nothing_twice():
    assert run_twice(rounds((1, "a", 1), (2, "a", 1), (9, "b", 2), (12, "a", 3))) == []


def test_a_round_of_an_older_epoch_after_one_of_a_newer_is_found():
    (found,) = run_twice(rounds((1, "a", 1), (9, "b", 2), (10, "a", 1), (11, "b", 2)))
    assert (found.sender, found.at_ms) == ("a", 10)


def test_each_loop_is_looked_at_for_itself():
    other = Round("dimming", 5, "a", 1)
    assert run_twice([*rounds((9, "b", 2)), other]) == []
