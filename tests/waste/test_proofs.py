# SPDX-License-Identifier: Apache-2.0
"""A route is proven by what containers and trucks then measure, however fast the city's clock runs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from uuid import UUID

import pytest

from benchmarks.waste_worth.city import MONDAY_MS, City
from smartcity.control.verifying import Waiting, judged
from smartcity.kernel.control import Expectation, Priority, Situation, State
from smartcity.telemetry.read import Value
from waste import itinerary
from waste.controller import POINTS

MAP = Path(__file__).resolve().parents[2] / "var" / "Helsinki.osm.pbf"
needs_map = pytest.mark.skipif(not MAP.exists(), reason="script/bootstrap --demo fetches the demo map")
HOUR_MS = 3_600_000
FIVE_MS = MONDAY_MS + 3 * HOUR_MS  # 5 h in Helsinki, an hour before the shift
LATE_S, SWEEP_S = 1.5, 1.0  # wall: from a measurement to the store; between two looks


class Watched(City):
    """Keeps what was measured and what was asked, with their instants."""

    def __post_init__(self):
        super().__post_init__()
        self.measured: dict[tuple[str, str], list[tuple[int, float]]] = {}
        self.asked = []

    def _hear(self, now, step_s):
        super()._hear(now, step_s)
        for uid, known in self.heard.items():
            for metric, (value, at) in known.items():
                if at == now:
                    self.measured.setdefault((uid, metric), []).append((at, value))

    def _ask(self, setpoint, now):
        before = len(self.setpoints)
        super()._ask(setpoint, now)
        if len(self.setpoints) > before:
            self.asked.append((now, setpoint))


@cache
def a_day(seed=2):
    """Seed 2 plans routes of 25 to 100 minutes; the last container of one has an echo sensor."""
    town = Watched(MAP, seed)
    town.run(FIVE_MS, 10)
    return town


def verdict(town, asset, expect, at, expires_ms, speed):
    """(step, minutes until it) when the looks are `SWEEP_S` of wall time apart and readings arrive `LATE_S` late."""
    deadline = min(at + int(expect.within_s * 1000), expires_ms)
    command = Waiting(UUID(int=1), asset, 1, Priority.OPTIMISER, expect, at, deadline)
    key, now = (expect.asset or asset, expect.metric), at
    while True:
        now += max(5_000, int(SWEEP_S * speed * 1000))
        arrived = [(t, v) for t, v in town.measured.get(key, []) if t <= now - LATE_S * speed * 1000]
        values = {key: Value(arrived[-1][0], arrived[-1][1], 0)} if arrived else {}
        if step := judged(command, values, now):
            return step, (now - at) / 60_000


@needs_map
@pytest.mark.parametrize("speed", [1, 10, 60])
def test_every_route_is_proven_by_a_container_with_time_to_spare(speed):
    town = a_day()
    routes = [(at, s) for at, s in town.asked if s.value != itinerary.STAND_BY]
    assert len(routes) >= 2 and {s.expect.metric for _, s in routes} == {"waste.fill_level", "waste.distance"}
    for at, setpoint in routes:
        expires_ms = at + int(setpoint.expires_in_s * 1000)
        step, minutes = verdict(town, setpoint.asset, setpoint.expect, at, expires_ms, speed)
        assert step.to is State.VERIFIED, step.note
        assert minutes < 0.75 * (expires_ms - at) / 60_000


@needs_map
def test_a_route_that_nobody_drives_is_found_out():
    town = a_day()
    at, setpoint = next((at, s) for at, s in town.asked if s.value != itinerary.STAND_BY)
    key = setpoint.expect.asset, setpoint.expect.metric
    emptied = {key: [(t, v) for t, v in town.measured[key] if t < at]}
    idle = type("Idle", (), {"measured": emptied})
    step, minutes = verdict(idle, setpoint.asset, setpoint.expect, at, at + int(setpoint.expires_in_s * 1000), 10)
    assert step.to is State.FAILED and minutes * 60 <= setpoint.expires_in_s + 10


def by_hand(point, value):
    facts = Situation("RT-1", "truck", {}, {"serves": {"C-1": [100, 0, 24]}, "unloads": ["U-1"]}, {}, {}, 0)
    expect = next(p.expect for p in POINTS if p.name == point)
    assert expect is not None
    return expect(value, facts)


def test_by_hand_the_trucks_own_list_shows_that_it_was_taken():
    listed = Expectation("waste.stops_left", 1, 200, 300.0)
    assert by_hand("route", "C-1:40 U-1") == listed and by_hand("next_stop", "C-1") == listed
    assert by_hand("route", "stand by") == Expectation("waste.stops_left", 0, 0, 900.0)
    assert by_hand("next_stop", "U-1") is None and by_hand("route", 5.0) is None


@needs_map
@pytest.mark.parametrize("speed", [1, 10, 60])
def test_a_call_by_hand_is_seen_on_the_trucks_list_and_gone_from_it_after_standing_by(speed):
    town = Watched(MAP, 1, centre=False)
    town.learn(FIVE_MS)
    uid, now = next(iter(town.twin.units)), FIVE_MS + HOUR_MS

    def told(key, value, at):
        order = {"id": key, "point": "route", "value": value, "expires_at": at + HOUR_MS, "sequence": at}
        assert list(town.twin.command(uid, order, at))[-1].state == "applied"
        for instant in range(at, at + HOUR_MS // 3, 5_000):
            town._hear(instant, 5)
        return verdict(town, uid, by_hand("route", value), at, at + HOUR_MS, speed)

    town._hear(now, 5)
    taken, minutes = told("a", " ".join(f"{device.uid}:20" for device in town.bins[:30]), now + 5_000)
    assert taken.to is State.VERIFIED and minutes <= 5
    dropped, minutes = told("b", itinerary.STAND_BY, now + HOUR_MS // 3 + 5_000)
    assert dropped.to is State.VERIFIED and minutes <= 15
