# SPDX-License-Identifier: Apache-2.0
"""Whatever is asked of a cabinet: the judge beside it finds nothing, and finds each thing that is broken on purpose."""

from __future__ import annotations

import pytest

from benchmarks.traffic_safety import sequences
from traffic.street.controller import Cabinet
from traffic.street.monitor import Monitor
from traffic.street.stages import Programme
from traffic.street.starvation import Guard


def test_no_sequence_of_requests_breaks_a_rule():
    counts = sequences.run(6_000, seed=1)
    assert counts.broken == []
    assert counts.accepted > 4_000 and counts.switches > 2_000
    assert set(counts.rungs) == {0, 1, 2, 3}  # it has been on every rung


def blind(monkeypatch):
    """The cabinet's own monitor sees nothing: what is broken must be found from outside."""
    monkeypatch.setattr(Cabinet, "__post_init__", _without_monitor(Cabinet.__post_init__))


def _without_monitor(before):
    class Blind:
        def look(self, shown):
            return ""

        def forget(self):
            pass

    def after(self):
        before(self)
        self.monitor = Blind()

    return after


BROKEN = {
    "intergreen": (Cabinet, "_change_s", property(lambda self: 4), "ended"),
    "minimum": (Programme, "least_green_s", property(lambda self: 2.0), "was green for"),
    "maximum red": (Guard, "choose", lambda self, now, running, green_s, wanted, waits: wanted, "has waited"),
    "transitions": (Cabinet, "_next", lambda self, now: self._wanted(now), "is forbidden"),
    "yellow": (Cabinet, "_changing", lambda self, a, b, y: "r" * len(self.matrix.greens[a]), "without yellow"),
}


@pytest.mark.parametrize("is_blind", [False, True], ids=["monitor", "outside"])
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_on_purpose_is_found(name, is_blind, monkeypatch):
    owner, attribute, value, says = BROKEN[name]
    monkeypatch.setattr(owner, attribute, value)
    if is_blind:
        blind(monkeypatch)
    found = sequences.run(3_000, seed=1, most_broken=30).broken
    assert any(says in one for one in found)


@pytest.mark.parametrize(
    ("shown", "is_fine"),
    [
        (["Gr"] * 8 + ["yG"], False),
        (["Gr"] * 8 + ["yg"], False),
        (["Gg"] * 8 + ["yG"], False),
        (["Gg"] * 8 + ["yg"], True),
        (["gG"] * 8 + ["yG"], True),
        (["Gr"] * 8 + ["yr"] * 3 + ["rr"] * 2 + ["rG"], True),
    ],
)
def test_a_turn_may_clear_beside_what_it_yields_to_but_a_main_green_may_not(shown, is_fine):
    both = {(0, 1), (1, 0)}
    monitor = Monitor(2, frozenset(both), frozenset(both), dict.fromkeys(both, 5.0), 5.0, 3.0)
    assert (not any(monitor.look(letters) for letters in shown)) == is_fine
