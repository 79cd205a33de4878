# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from waste import cycles, filling
from waste.cycles import Cycle


def past(rate, seed, days=46.0, spread=0.4):
    """A container's cycles: called at when it passes a level drawn by lot, each cycle with its own luck."""
    dice, at, found = np.random.default_rng(seed), 0.0, []
    while at < days:
        level = float(dice.uniform(55, 99))
        took = level / (rate * float(np.exp(dice.normal(0, spread))))
        found.append(Cycle(at, at + took, level))
        at += took
    return found


def pasts(count=60):
    rates = np.exp(np.random.default_rng(9).normal(3.4, 0.5, count))
    return [past(rate, seed) for seed, rate in enumerate(rates)]


def only_emptyings(one, hours):
    """Readings as a sensor gives them that speaks only when it is emptied: the level before, and none after."""
    fill = np.full(hours, np.nan)
    for cycle in one:
        at = int(cycle.ended * 24)
        if 0 < at < hours:
            fill[at - 1], fill[at] = cycle.level, 0.0
    return fill


def test_the_band_holds_four_of_five_cycles_it_has_not_seen():
    every = pasts()
    rule = cycles.learn([[cycle for cycle in one if cycle.ended < 32] for one in every])
    assert rule
    late = [(one[:k], cycle) for one in every for k, cycle in enumerate(one) if cycle.began >= 32 and k]
    inside = []
    for known, cycle in late:
        band = filling.time_to_full(0, 0, rule.foresee(known, cycle.began), cycle.level)
        inside.append(band.early_h <= cycle.days * 24 <= (band.late_h or 1e9))
    assert 0.72 < np.mean(inside) < 0.88


def test_what_comes_after_the_instant_changes_nothing():
    every = pasts()
    rule = cycles.learn(every)
    one, at = every[3], every[3][4].ended
    assert rule and rule.foresee(one, at) == rule.foresee(one[:5], at)


def test_a_container_without_a_past_is_like_the_others_and_says_so():
    every = pasts()
    rule = cycles.learn(every)
    found = rule.foresee([], 46.0) if rule else None
    rates = [sum(c.level for c in one) / sum(c.days for c in one) for one in every]
    assert found and not found.is_own and min(rates) < found.mean < max(rates)


def test_few_cycles_teach_no_rule_and_get_a_wide_band():
    few, many = cycles.learn(pasts(3)), cycles.learn(pasts())
    assert few and many and few.ratios[-2] / few.ratios[1] > many.ratios[-2] / many.ratios[1]
    own = past(30, 1)
    assert few.foresee(own, 46.0).mean == pytest.approx(sum(c.level for c in own) / sum(c.days for c in own), rel=0.25)


def test_nothing_is_claimed_without_a_cycle():
    assert cycles.learn([]) is None and cycles.learn([[]]) is None
    assert cycles.learn_all([np.full(100, np.nan)]) == [None]


def test_sensors_that_speak_only_when_emptied_are_understood():
    every, hours = pasts(), 46 * 24
    fills = [only_emptyings(one, hours) for one in every]
    seen = cycles.of_readings(fills[0])
    assert len(seen) == len([c for c in every[0] if c.ended * 24 < hours - 1]) - 1
    found = cycles.learn_all(fills)
    assert None not in found
    assert np.mean([bool(one and one.ratios) for one in found]) > 0.9  # the fastest show whole days


def test_days_that_readings_show_go_before_cycles():
    steady = np.tile(np.arange(0, 90, 0.9), 20)[: 46 * 24]
    (found,) = cycles.learn_all([steady])
    assert found and found.is_own and not found.ratios and found.mean == pytest.approx(21.6, rel=0.1)
