# SPDX-License-Identifier: Apache-2.0
"""A limit check knows what stands on the asset's other points, or is asked of them together with this one."""

from __future__ import annotations

import pytest

from smartcity.control import overriding, proposals
from smartcity.control.models import Command
from smartcity.control.refusals import Refused
from smartcity.kernel.control import Interlock, Mode, Point, State
from tests.control.conftest import NOW, acting, dim, later
from tests.control.test_advice import set_mode

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


def low_below_high(setpoint, situation):
    both = {**situation.held, setpoint.point: setpoint.value}
    return "low is above high" if both.get("low", 0) > both.get("high", 100) else None


@pytest.fixture(autouse=True)
def band(street, declare):
    rule = Interlock("band", ("lamp",), ("low", "high"), low_below_high, "test")
    points = [Point("lamp", name, name, "%", low=0, high=100) for name in ("low", "high")]
    declare(interlocks=(rule,), points=tuple(points), loops=(street.loop,))
    street.lamp()


def ask(**bounds):
    return [dim(point=point, value=value) for point, value in bounds.items()]


def outcome(commands):
    return {(c.point, c.value): str(c.state) for c in commands}


def hold(people, point, value, now_ms=NOW):
    return overriding.override(
        "L-1",
        point,
        value,
        owner=people.anna,
        by=acting(people.anna),
        reason="test",
        until_ms=later(3600),
        now_ms=now_ms,
    )


def test_two_bounds_asked_together_are_judged_together(street):
    assert outcome(street.wants(*ask(high=40.0, low=60.0))) == {("high", 40.0): "refused", ("low", 60.0): "refused"}
    assert outcome(street.wants(*ask(high=60.0, low=40.0))) == {("high", 60.0): "queued", ("low", 40.0): "queued"}


def test_what_is_asked_together_takes_the_place_of_what_stood(street):
    street.wants(*ask(high=40.0, low=10.0))
    assert outcome(street.wants(*ask(high=90.0, low=60.0), now_ms=later(5))) == {
        ("high", 90.0): "queued",
        ("low", 60.0): "queued",
    }


def test_what_a_person_holds_stands_against_what_a_loop_asks_together(street, people):
    hold(people, "high", 40.0)
    assert outcome(street.wants(*ask(high=90.0, low=60.0), now_ms=later(5))) == {("low", 60.0): "refused"}


def test_what_a_loop_has_asked_for_stands_against_a_person(street, people):
    street.wants(*ask(high=40.0, low=10.0))
    with pytest.raises(Refused, match="Low is above high"):
        hold(people, "low", 60.0, later(5))
    hold(people, "high", 80.0, later(6))
    assert hold(people, "low", 60.0, later(7)).value == 60.0


def test_what_has_run_out_stands_for_nothing(street, people):
    street.wants(*ask(high=40.0))
    assert hold(people, "low", 60.0, later(601)).value == 60.0


def test_advice_is_approved_together(street, people):
    set_mode(street, Mode.ADVISE, people.anna)
    street.wants(*ask(high=40.0, low=10.0))
    proposals.approve(list(Command.objects.values_list("pk", flat=True)), by=acting(people.anna), now_ms=later(5))
    street.wants(*ask(high=90.0, low=60.0), now_ms=later(10))
    (low,) = Command.objects.filter(state=State.PROPOSED, point="low")
    (refused,) = proposals.approve([low.pk], by=acting(people.anna), now_ms=later(15))
    assert (refused.state, refused.state_note) == (State.REFUSED, "low is above high")


def test_the_dialogue_says_so_beforehand(street, people, client):
    street.wants(*ask(high=40.0))
    client.force_login(people.chief)
    body = {"asset": "L-1", "point": "low", "value": 60.0, "until": later(3600), "reason": "test"}
    answer = client.post("/api/v1/overrides/preview", body, content_type="application/json").json()
    assert [check["reason"] for check in answer["checks"]] == ["low is above high"] and not answer["may_send"]
