# SPDX-License-Identifier: Apache-2.0
"""What may be commanded, and what must never happen."""

from __future__ import annotations

import math

import pytest

from smartcity import declared
from smartcity.kernel.control import Setpoint, Situation
from tests.conformance.installed import ALL_KINDS, NOW, named


@pytest.mark.parametrize("point", named(declared.points()))
def test_every_point_belongs_to_a_kind_has_bounds_and_a_longest_time(point):
    assert point.kind in ALL_KINDS
    is_number = point.low is not None or point.high is not None
    if is_number:
        assert point.unit and not point.choices and point.low < point.high
    assert 0 < point.longest_s <= 48 * 3600 and point.title
    value = point.high if is_number else (*point.choices, "a text its limit check reads")[0]
    expected = point.expect(value, nothing_known(point)) if point.expect else None
    assert expected is None or (expected.metric in declared.metrics() and expected.low <= expected.high)


def rules_of(point):
    return [rule for rule in declared.interlocks() if point.kind in rule.kinds and point.name in rule.points]


def wish(point, value):
    return Setpoint(asset="X-1", point=point.name, value=value, reason="a test", expires_in_s=60)


def nothing_known(point):
    return Situation("X-1", point.kind, {}, {}, {}, {}, NOW)


NONSENSE = ["", "everything", math.nan, math.inf, -math.inf, -1e12, 1e12]


@pytest.mark.parametrize("value", NONSENSE, ids=str)
@pytest.mark.parametrize("point", named(declared.points()))
def test_every_point_has_a_limit_check_that_refuses_what_it_does_not_understand(point, value):
    answers = [rule.check(wish(point, value), nothing_known(point)) for rule in rules_of(point)]
    assert any(answers) and all(answer is None or answer for answer in answers)


@pytest.mark.parametrize("rule", named(declared.interlocks()))
def test_every_limit_check_names_its_source_and_guards_a_point_there_is(rule):
    assert rule.source and rule.kinds and rule.points
    known = {(point.kind, point.name) for point in declared.points()}
    assert any((kind, name) in known for kind in rule.kinds for name in rule.points)
