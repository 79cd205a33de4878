# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

from lighting.metrics import FAULTS
from lighting.twin import Twin
from smartcity.kernel import senml
from smartcity.kernel.street import StreetDevice

HOUR = 3_600_000
ENGINEERING = {"normal_class": "M3", "minimum_class": "M5", "programme": [[16, 100], [23, 60], [5, 100]]}


class Night:
    """A world where it is dark and the local hour is what the test says."""

    hour, elevation = 1.0, -20.0

    def local_hours(self, at_ms):
        return self.hour, 0

    def sun_elevation(self, at_ms):
        return self.elevation

    def note_power(self, drawn):
        self.drawn = drawn


def night() -> Any:  # only what a luminaire asks of its world
    return Night()


def street(count=1):
    return [
        StreetDevice(
            uid=f"L-{n}", secret="", domain="lighting", kind="luminaire", codec="senml", lon=24.9, lat=60.2,
            fields={"power_w": 100.0}, engineering=ENGINEERING,
        )
        for n in range(count)
    ]  # fmt: skip


def twin(seed=5):
    made = Twin(street(), night(), seed)
    made.lamps["L-0"].fault = "none"
    return made


def order(value, at_ms=0, lasts_ms=HOUR, key="a", sequence=1, point="dim_level"):
    return {"id": key, "point": point, "value": value, "expires_at": at_ms + lasts_ms, "sequence": sequence}


def level(model, at_ms=0):
    list(model.step(at_ms, 10))
    return model.lamps["L-0"].level


def test_a_command_holds_until_it_expires_then_the_programme_returns():
    model = twin()
    assert level(model) == 60
    assert [ack.state for ack in model.command("L-0", order(80), 0)] == ["received", "applied"]
    assert level(model, HOUR - 1) == 80
    assert level(model, HOUR) == 60


def test_the_node_refuses_less_than_its_minimum_class_by_itself():
    model = twin()
    (ack,) = model.command("L-0", order(20), 0)
    assert (ack.state, "minimum" in ack.reason) == ("refused", True)


def test_an_expired_command_is_never_executed():
    model = twin()
    assert [a.state for a in model.command("L-0", order(80, lasts_ms=10), 11)] == ["expired"]
    assert level(model) == 60


def test_the_same_command_twice_is_answered_twice_and_done_once():
    model = twin()
    model.command("L-0", order(80), 0)
    assert [a.state for a in model.command("L-0", order(80), 5)] == ["applied"]


def test_an_older_command_is_refused():
    model = twin()
    model.command("L-0", order(80, key="b", sequence=9), 0)
    assert [a.state for a in model.command("L-0", order(50, key="a", sequence=8), 0)] == ["refused"]


def test_returning_to_local_drops_the_command():
    model = twin()
    model.command("L-0", order(80), 0)
    model.command("L-0", order("local", key="b", sequence=2, point="lease"), 0)
    assert level(model) == 60


def test_a_lamp_reports_on_every_change_and_every_five_minutes():
    model = twin()
    reports = [at for at in range(0, 900_000, 10_000) for up in model.step(at, 10)]
    assert 3 <= len(reports) <= 5
    (up,) = [u for at in (900_000,) for u in (model.command("L-0", order(80, at), at), model.step(at + 1, 10))[1]]
    assert {record["n"]: record["v"] for record in json.loads(up.payload)}["lighting.dim_level"] == 80


def without_a_clock():
    model = twin()
    model.lamps["L-0"].fault = "clock lost"
    return model


def test_without_a_clock_a_lamp_burns_fully_whatever_its_programme_says_and_is_dark_by_day():
    model = without_a_clock()
    assert level(model) == 100
    model.world.elevation = 20.0
    assert level(model, 10_000) == 0


def test_a_clock_lost_under_a_command_ends_the_command_in_full_light():
    model = twin()
    model.command("L-0", order(80), 0)
    assert level(model) == 80
    model.lamps["L-0"].fault = "clock lost"
    assert level(model, 10_000) == 100


def test_a_lamp_that_cannot_tell_when_a_command_ends_refuses_it():
    model = without_a_clock()
    answers = list(model.command("L-0", order(80), 0))
    assert (answers[-1].state, "no clock" in answers[-1].reason) == ("refused", True)
    assert level(model) == 100


def test_what_it_reports_carries_no_time_and_names_the_fault():
    model = without_a_clock()
    (up,) = model.step(0, 10)
    records = {record["n"]: record for record in json.loads(up.payload)}
    assert not any({"t", "bt"} & record.keys() for record in records.values())
    assert records["lighting.fault"]["v"] == FAULTS.index("clock lost")
    assert [said.metric for said in senml.CODEC.decode(up.payload, 1_700_000_000_000)] == list(records)


def test_without_a_programme_it_burns_fully_and_says_so():
    model = twin()
    model.lamps["L-0"].programme = None
    (up,) = model.step(0, 10)
    assert model.lamps["L-0"].level == 100
    assert json.loads(up.payload)[-1]["v"] == FAULTS.index("programme invalid")


def test_in_a_large_street_a_few_clocks_are_lost():
    lost = [lamp for lamp in Twin(street(5000), night(), 3).lamps.values() if not lamp.has_clock]
    assert 1 <= len(lost) <= 20


def test_the_same_seed_makes_the_same_street():
    a, b = (Twin(street(500), night(), 3) for _ in range(2))
    assert [lamp.fault for lamp in a.lamps.values()] == [lamp.fault for lamp in b.lamps.values()]
