# SPDX-License-Identifier: Apache-2.0
"""What proves a band or a limit: judged from what the simulated street measures, as control judges it."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from energy.controller import POINTS, PROVEN_WITHIN_S, Policy, decide
from energy.controller import Picture as Portfolio
from energy.twin import Twin
from smartcity.control.verifying import Waiting, judged
from smartcity.kernel.control import Priority, Situation, State
from smartcity.telemetry.read import Value
from tests.energy.build import site
from tests.energy.test_twin import MINUTE, evening, order, run, street

WITHIN_MS = int(1000 * PROVEN_WITHIN_S)


def proof(point, value, uid="B-1", kind="battery", rated=200.0, announced=None):
    told = {"follows": "Q-1"} if announced is None else announced
    facts = Situation(uid, kind, {"power_kw": rated}, told, {}, {}, 0)
    expect = next(p.expect for p in POINTS if (p.kind, p.name) == (kind, point))
    assert expect is not None
    return expect(value, facts)


def verdict(twin, point, value, start_ms, *, uid="B-1", obeys=True, expect=None):
    """The step of a command given at `start_ms`, looked at each 20 s until it is over."""
    expect = expect or proof(point, value)
    if obeys:
        *_, ack = twin.command(uid, order(point, value, start_ms + 60 * MINUTE), start_ms)
        assert ack.state == "applied"
    command = Waiting(UUID(int=1), uid, 1, Priority.OPTIMISER, expect, start_ms, start_ms + WITHIN_MS)
    values: dict[tuple[str, str], Value] = {}
    for at in range(start_ms, start_ms + WITHIN_MS + MINUTE, 20_000):
        for up in twin.step(at, 20.0):
            for record in json.loads(up.payload):
                values[up.uid, record["n"]] = Value(at, record["v"], 0)
        if step := judged(command, values, at):
            return step, (at - start_ms) / 1000
    raise AssertionError("it was never judged")


def settled(power=200.0, stored=50.0):
    twin = Twin(street(power), evening(), 3)
    twin.nodes["B-1"].kwh = stored
    return twin, run(twin, 2)


def test_a_band_that_is_held_is_proven_by_the_meter_of_the_site():
    twin, now = settled()
    step, seconds = verdict(twin, "import_high", 30.0, now)
    assert (step.to, step.note) == (State.VERIFIED, "Import of Q-1 30") and seconds <= 80
    assert step.columns == {"measured": 30.0}


def test_raising_the_import_is_proven_by_the_meter_too():
    twin, now = settled()
    step, _ = verdict(twin, "import_low", 120.0, now)
    assert (step.to, step.columns["measured"]) == (State.VERIFIED, 120.0)


@pytest.mark.parametrize(
    ("power", "stored", "point", "value", "why"),
    [
        (15.0, 50.0, "import_high", 0.0, "Battery power -15"),
        (200.0, 10.0, "import_high", 0.0, "State of charge 10"),
        (15.0, 50.0, "import_low", 400.0, "Battery power 15"),
        (200.0, 100.0, "import_low", 400.0, "State of charge 100"),
    ],
)
def test_what_physics_cannot_hold_is_not_undone_and_says_why(power, stored, point, value, why):
    twin, now = settled(power, stored)
    step, seconds = verdict(twin, point, value, now, expect=proof(point, value, rated=power))
    assert step.to is State.VERIFIED and step.note.startswith(f"at its limit, {why}: Import of Q-1 ")
    assert seconds == PROVEN_WITHIN_S  # the effect might have come until then


def test_a_battery_that_does_not_follow_is_found():
    twin, now = settled()
    step, _ = verdict(twin, "import_high", 30.0, now, obeys=False)
    assert step.to is State.FAILED and step.note.endswith(", at most 33 expected")
    step, _ = verdict(twin, "import_low", 120.0, now + 5 * MINUTE, obeys=False)
    assert step.to is State.FAILED and step.note.endswith(", at least 114 expected")


def test_a_site_whose_meter_is_silent_proves_nothing_whatever_the_battery_says():
    expect = proof("import_high", 0.0, rated=15.0)
    command = Waiting(UUID(int=1), "B-1", 1, Priority.OPTIMISER, expect, MINUTE, MINUTE + WITHIN_MS)
    values = {("B-1", "energy.battery_kw"): Value(MINUTE, -15.0, 0)}
    step = judged(command, values, MINUTE + WITHIN_MS)
    assert step is not None and step.to is State.FAILED and "not measured in time" in step.note


def test_a_charging_limit_is_proven_and_a_charger_that_ignores_it_is_found():
    twin, now = settled()
    twin.nodes["E-1"].kwh = 40.0
    expect = proof("limit", 3.0, "E-1", "charger")
    ignored, _ = verdict(twin, "limit", 3.0, now, uid="E-1", obeys=False, expect=expect)
    assert ignored.to is State.FAILED
    step, _ = verdict(twin, "limit", 3.0, now + 5 * MINUTE, uid="E-1", expect=expect)
    assert (step.to, step.columns["measured"]) == (State.VERIFIED, 3.0)


def test_by_hand_a_battery_that_names_no_meter_promises_nothing():
    assert proof("import_high", 30.0, announced={}) is None


def test_everything_the_loop_asks_for_is_owed_before_its_next_round():
    wishes = decide(Portfolio((site(charging=20.0),), 0.25), Policy())
    assert {s.point for s in wishes} == {"import_high", "import_low", "limit"}
    assert all(s.expect is not None and s.expect.within_s < 300 for s in wishes)
    assert {s.expect.asset for s in wishes if s.expect} == {"Q-1", ""}
