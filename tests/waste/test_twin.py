# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks.waste_worth.city import MONDAY_MS, City
from waste import history
from waste.metrics import TRUCK_STATES

MAP = Path(__file__).resolve().parents[2] / "var" / "Helsinki.osm.pbf"
pytestmark = pytest.mark.skipif(not MAP.exists(), reason="script/bootstrap --demo fetches the demo map")
SIX_MS = MONDAY_MS + 4 * 3_600_000  # 6 h in Helsinki, when the shift begins
HOUR_MS = 3_600_000


def city(centre=True):
    return City(MAP, 1, centre)


def live(town, from_ms, hours, step_s=20):
    for now in range(from_ms, from_ms + int(hours * HOUR_MS), step_s * 1000):
        town._hear(now, step_s)
    return from_ms + int(hours * HOUR_MS)


def order(point, value, now, *, key="k1", sequence=5, lasts_s=4 * 3600):
    return {"id": key, "point": point, "value": value, "expires_at": now + lasts_s * 1000, "sequence": sequence}


def state(town, uid):
    return TRUCK_STATES[round(town.heard[uid]["waste.truck_state"][0])]


@cache
def a_morning():
    """Planned routes from six to two."""
    town = City(MAP, 1)
    town.run(SIX_MS - HOUR_MS, 9)
    return town


def test_containers_that_were_called_at_show_it_and_the_truck_weighs_what_it_took():
    town = a_morning()
    called = [s for s in town.setpoints if s.value != "stand by"]
    assert called and town.refusals == []
    for setpoint in called:
        proof = setpoint.expect
        assert proof.metric == "waste.distance" or proof.low <= town.lowest[proof.asset] <= proof.high
    assert sum(town.twin.weighed.values()) > 0 and town.km > 3


def test_trucks_end_their_round_empty_at_the_depot():
    town = a_morning()
    for uid, unit in town.twin.units.items():
        assert not unit.truck.queue and unit.truck.load_kg == 0, uid
        assert state(town, uid) in ("at the depot", "off duty")


def test_the_same_seed_lives_the_same_day():
    one, two = city(), city()
    for town in (one, two):
        live(town, SIX_MS, 0.3)
    assert np.array_equal(one.twin.sensors.fill, two.twin.sensors.fill) and one.heard == two.heard


def test_the_live_day_goes_on_where_the_history_ends():
    town = city()
    list(town.twin.step(SIX_MS, 5))
    for row, device in list(enumerate(town.bins))[:20]:
        past = history.filled(device, np.array([SIX_MS - 900_000, SIX_MS]))[-1]
        assert abs(past - town.twin.sensors.fill[row]) < 1


def test_the_history_depends_on_the_instant_not_on_where_the_span_begins():
    device = city().bins[0]
    long = history._filled(device, np.arange(SIX_MS - 10 * 24 * HOUR_MS, SIX_MS, 900_000))
    short = history._filled(device, np.arange(SIX_MS - 24 * HOUR_MS, SIX_MS, 900_000))
    assert np.allclose(long[-96:], short)


def test_a_silent_centre_means_the_fixed_rota():
    town = city(centre=False)
    live(town, SIX_MS, 0.4)
    assert not any(unit.truck.is_busy for unit in town.twin.units.values()), "the crew waits for the centre first"
    live(town, SIX_MS + int(0.4 * HOUR_MS), 1.0)
    routes = [town.twin.hello(uid)["route"] for uid in town.twin.units]
    assert any(route["led_by"] == "fixed rota" and route["left"] + route["done"] for route in routes)


def test_a_truck_told_to_stand_by_does_not_drive_the_rota():
    town = city(centre=False)
    list(town.twin.step(SIX_MS, 5))
    uids = list(town.twin.units)
    for uid in uids:
        list(town.twin.command(uid, order("route", "stand by", SIX_MS), SIX_MS))
    live(town, SIX_MS, 2)
    assert town.km == 0


def test_a_route_that_expires_sends_the_truck_home():
    town = city(centre=False)
    uid = next(iter(town.twin.units))
    stops = " ".join(f"{device.uid}:50" for device in town.bins[:30])
    answers = list(town.twin.command(uid, order("route", stops, SIX_MS, lasts_s=1200), SIX_MS))
    assert [ack.state for ack in answers] == ["received", "applied"]
    live(town, SIX_MS, 0.2)
    assert town.twin.units[uid].truck.is_busy
    live(town, SIX_MS + int(0.2 * HOUR_MS), 0.2)
    assert town.twin.units[uid].truck.stops_left == 0 and town.twin.hello(uid)["route"]["left"] == []


def test_local_drops_what_was_commanded_at_once():
    town = city(centre=False)
    uid = next(iter(town.twin.units))
    list(town.twin.command(uid, order("route", f"{town.bins[3].uid}:50", SIX_MS), SIX_MS))
    list(town.twin.command(uid, order("lease", "local", SIX_MS, key="k2", sequence=6), SIX_MS))
    assert town.twin.units[uid].text == "" and not town.twin.units[uid].truck.queue
    late = list(town.twin.command(uid, order("route", f"{town.bins[4].uid}:50", SIX_MS, key="k3", sequence=4), SIX_MS))
    assert [(ack.state, ack.reason) for ack in late] == [("refused", "superseded")]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("C-9999:10", "not on this truck's list"),
        ("U-77", "not on this truck's list"),
        ("?", "not a stop"),
        (5, "list of stops"),
    ],
)
def test_the_crews_unit_refuses_what_it_does_not_know(value, why):
    town = city(centre=False)
    (ack,) = town.twin.command(next(iter(town.twin.units)), order("route", value, SIX_MS), SIX_MS)
    assert ack.state == "refused" and why in ack.reason


def test_the_next_stop_comes_before_the_others():
    town = city(centre=False)
    uid = next(iter(town.twin.units))
    route = f"{town.bins[3].uid}:50 {town.bins[4].uid}:50"
    list(town.twin.command(uid, order("route", route, SIX_MS), SIX_MS))
    list(town.twin.command(uid, order("next_stop", town.bins[9].uid, SIX_MS, key="k2"), SIX_MS))
    truck = town.twin.units[uid].truck
    assert truck.target.uid == town.bins[9].uid
    assert [stop.uid for stop in truck.queue] == [town.bins[3].uid, town.bins[4].uid]


@pytest.mark.parametrize("value", ["stand by", "C-1 C-2"])
def test_a_call_is_one_stop(value):
    town = city(centre=False)
    (ack,) = town.twin.command(next(iter(town.twin.units)), order("next_stop", value, SIX_MS), SIX_MS)
    assert (ack.state, ack.reason) == ("refused", "one stop is needed")


def test_what_takes_no_commands_is_local_anyway_and_refuses_the_rest():
    town = city(centre=False)
    for uid in (town.bins[0].uid, town.sites[0].uid):
        for number, (told, state) in enumerate(
            [
                (("lease", "local"), "applied"),
                (("lease", "auto"), "refused"),
                (("route", "stand by"), "refused"),
            ]
        ):
            ack = list(town.twin.command(uid, order(*told, SIX_MS, key=f"k{number}"), SIX_MS))[-1]
            assert (ack.uid, ack.state) == (uid, state)
        (late,) = town.twin.command(uid, order("lease", "local", SIX_MS, key="late", lasts_s=-1), SIX_MS)
        assert late.state == "expired"


def test_a_truck_that_has_no_room_unloads_first():
    town = city(centre=False)
    uid, unit = next(iter(town.twin.units.items()))
    truck = unit.truck
    list(town.twin.step(SIX_MS, 5))
    truck.load_kg = 3450.0
    heavy = max(town.bins, key=lambda device: device.fields["kg_full"])
    list(town.twin.command(uid, order("next_stop", heavy.uid, SIX_MS), SIX_MS))
    assert truck.target.uid in town.twin.weighed
    live(town, SIX_MS, 1.0)
    assert sum(town.twin.weighed.values()) >= 3450 and heavy.uid in truck.done
