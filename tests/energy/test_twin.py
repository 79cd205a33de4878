# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from energy.history import History
from energy.profile import DEFAULT_CHARGER_KW
from energy.twin import Twin
from smartcity.kernel.street import StreetDevice

MINUTE = 60_000


class Evening:
    """A mild, dark evening."""

    zone = "Europe/Helsinki"

    def local_hours(self, at_ms):
        return 18.0, 1

    def temperature(self, at_ms):
        return 15.0

    def irradiance(self, at_ms):
        return 0.0

    lamps = {(24.9, 60.2): 100.0, (24.9, 60.201): 40.0, (24.99, 60.2): 250.0}

    def power_drawn(self):
        return self.lamps

    def past_power(self, times_ms):
        return {point: np.full(len(times_ms), watts) for point, watts in self.lamps.items()}


def evening() -> Any:  # only what an energy street asks of its world
    return Evening()


def device(uid, kind, parent="", lon=24.9, others=None, **fields):
    return StreetDevice(
        uid=uid, secret="", domain="energy", kind=kind, codec="senml", lon=lon, lat=60.2, parent=parent,
        fields=fields, twin={"zone": "Europe/Helsinki", "others": others or {}},
    )  # fmt: skip


def street(power=200.0):
    return [
        device("F-1", "feeder", rated_kva=1000.0),
        device("T-1", "transformer", "F-1", rated_kva=200.0),
        device("Q-1", "connection_point", "T-1", use="office", peak_kw=100.0, contracted_kw=90.0),
        device("B-1", "battery", "Q-1", capacity_kwh=100.0, power_kw=power),
        device("E-1", "charger", "Q-1", power_kw=22.0),
    ]


def order(point, value, until_ms=60 * MINUTE, key="a", sequence=1):
    return {"id": key, "point": point, "value": value, "expires_at": until_ms, "sequence": sequence, "reason": "test"}


def values(twin, now_ms, seconds=20.0):
    found: dict[str, float] = {}
    for up in twin.step(now_ms, seconds):
        found |= {record["n"]: record["v"] for record in json.loads(up.payload)}
    return found


def run(twin, minutes, start_ms=MINUTE):
    for at in range(start_ms, start_ms + minutes * MINUTE, 20_000):
        for _ in twin.step(at, 20.0):
            pass
    return start_ms + minutes * MINUTE


def test_a_battery_holds_the_import_below_what_it_was_told_until_the_command_ends():
    twin = Twin(street(), evening(), 3)
    now = run(twin, 1)
    free = twin.nodes["Q-1"].kw
    twin.command("B-1", order("import_high", 30.0, now + 5 * MINUTE), now)
    end = run(twin, 3, now)
    assert free > 40 and twin.nodes["Q-1"].kw == pytest.approx(30.0, abs=0.1)
    run(twin, 4, end)
    assert twin.nodes["B-1"].kw == 0 and twin.nodes["Q-1"].kw > 40


def test_a_battery_never_goes_beyond_its_rating_or_below_its_reserve():
    twin = Twin(street(power=15.0), evening(), 3)
    twin.command("B-1", order("import_high", 0.0, 600 * MINUTE), MINUTE)
    run(twin, 30)
    assert twin.nodes["B-1"].kw == pytest.approx(-15.0)
    run(twin, 400, 31 * MINUTE)
    assert twin.nodes["B-1"].kwh >= 0.1 * 100.0 - 1e-6


def test_what_flows_below_a_transformer_adds_up():
    twin = Twin(street(), evening(), 3)
    run(twin, 10)
    assert twin.nodes["T-1"].kw == pytest.approx(twin.nodes["Q-1"].kw)
    assert twin.nodes["F-1"].kw == pytest.approx(twin.nodes["T-1"].kw)


@pytest.mark.parametrize(
    ("instruction", "state"),
    [
        (order("limit", 30.0), "refused"),
        (order("limit", "fast"), "refused"),
        (order("import_high", 5.0), "refused"),
        (order("limit", 7.0, until_ms=1), "expired"),
        (order("lease", "perhaps"), "refused"),
        (order("limit", 7.0), "applied"),
    ],
)
def test_a_charger_answers_every_instruction(instruction, state):
    assert list(Twin(street(), evening(), 3).command("E-1", instruction, MINUTE))[-1].state == state


def test_the_same_instruction_twice_acts_once_and_an_older_one_is_superseded():
    twin = Twin(street(), evening(), 3)
    twin.command("E-1", order("limit", 7.0, key="b", sequence=5), MINUTE)
    assert [ack.state for ack in twin.command("E-1", order("limit", 7.0, key="b", sequence=5), MINUTE)] == ["applied"]
    late = list(twin.command("E-1", order("limit", 9.0, key="c", sequence=4), MINUTE))
    assert late[-1].state == "refused" and late[-1].reason == "superseded"


def test_return_to_local_forgets_every_limit():
    twin = Twin(street(), evening(), 3)
    twin.command("E-1", order("limit", 5.0), MINUTE)
    twin.nodes["E-1"].kwh = 30.0
    run(twin, 1)
    assert twin.nodes["E-1"].kw == 5.0
    twin.command("E-1", order("lease", "local", key="z", sequence=2), 2 * MINUTE)
    run(twin, 1, 2 * MINUTE)
    assert twin.nodes["E-1"].kw == DEFAULT_CHARGER_KW


def test_equal_seeds_make_equal_streets():
    first, second = (Twin(street(), evening(), 9) for _ in range(2))
    assert [values(first, at) for at in range(MINUTE, 5 * MINUTE, 20_000)] == [
        values(second, at) for at in range(MINUTE, 5 * MINUTE, 20_000)
    ]


def test_history_repeats_itself_and_follows_the_use_of_the_building():
    times = 1_760_000_000_000 + 900_000 * np.arange(96 * 14)
    devices = street()

    def past(metric, number):
        return History(devices, evening(), 3).profile(devices[number], metric, times, np.random.default_rng(1))

    load = past("energy.load_kw", 2)
    assert np.array_equal(load, past("energy.load_kw", 2))
    assert load.max() < 1.4 * 100 and load.min() > 10
    assert past("energy.soc", 3) is None


def known(values):
    assert values is not None
    return values


def test_in_the_history_too_what_flows_below_a_transformer_adds_up():
    times = 1_760_000_000_000 + 900_000 * np.arange(96)
    devices = street()
    past = History(devices, evening(), 3)
    site, charger, feeder = (
        known(past.profile(devices[number], metric, times, np.random.default_rng(1)))
        for number, metric in ((2, "energy.import_kw"), (4, "energy.charging_kw"), (0, "energy.feeder_kw"))
    )
    assert np.allclose(feeder, site)
    assert charger.max() == DEFAULT_CHARGER_KW
    load = known(past.profile(devices[2], "energy.load_kw", times, np.random.default_rng(1)))
    assert np.allclose(site - charger, load, atol=0.02)


def lit():
    """Two cabinets and a transformer that others load as well."""
    cabinet = {"use": "lighting", "peak_kw": 5.0, "contracted_kw": 7.0}
    return [
        device("F-1", "feeder", rated_kva=1000.0),
        device("T-1", "transformer", "F-1", rated_kva=400.0, others={"office": 100.0, "housing": 60.0}),
        device("Q-1", "connection_point", "T-1", **cabinet),
        device("Q-2", "connection_point", "T-1", lon=24.99, **cabinet),
    ]


def past(devices, number, metric):
    times = 1_760_000_000_000 + 900_000 * np.arange(96)
    return known(History(devices, evening(), 3).profile(devices[number], metric, times, np.random.default_rng(1)))


def test_a_cabinet_meters_the_lamps_nearest_to_it_now_and_in_the_past():
    twin = Twin(lit(), evening(), 3)
    run(twin, 2)
    assert twin.nodes["Q-1"].kw == pytest.approx(0.06 + 0.14) and twin.nodes["Q-2"].kw == pytest.approx(0.06 + 0.25)
    for number, kw in ((2, 0.2), (3, 0.31)):
        assert past(lit(), number, "energy.load_kw") == pytest.approx(np.full(96, kw))
        assert past(lit(), number, "energy.import_kw") == pytest.approx(np.full(96, kw))


def test_a_cabinet_without_lamps_still_draws_its_own():
    world = evening()
    world.lamps = {}
    twin = Twin(lit(), world, 3)
    run(twin, 1)
    assert twin.nodes["Q-1"].kw == pytest.approx(0.06)


def test_others_below_a_transformer_load_it_without_a_meter_of_the_city_s():
    twin = Twin(lit(), evening(), 3)
    run(twin, 2)
    own = twin.nodes["Q-1"].kw + twin.nodes["Q-2"].kw
    assert 80 < twin.nodes["T-1"].kw - own < 150
    assert twin.nodes["F-1"].kw == pytest.approx(twin.nodes["T-1"].kw)
    flow = past(lit(), 1, "energy.feeder_kw")
    assert flow.min() > 20 and flow.max() < 190
    assert np.allclose(flow, past(lit(), 0, "energy.feeder_kw"))
