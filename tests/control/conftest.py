# SPDX-License-Identifier: Apache-2.0
"""A street of lamps to command: declared for the test, without a domain app."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import Point as GeoPoint

from smartcity import declared
from smartcity.api.audit import Actor
from smartcity.control import requests
from smartcity.control.acks import AckMessage
from smartcity.control.dispatch import Dispatcher, Patience
from smartcity.control.fast import FastDesk
from smartcity.control.instants import instant
from smartcity.control.leader import Leader
from smartcity.devices.models import Asset, Device, EngineeringRecord, Series, Zone
from smartcity.kernel.clock import Anchor, clock, wall_ms
from smartcity.kernel.control import Expectation, Interlock, Loop, Mode, Point, Priority, Setpoint
from smartcity.telemetry import read
from tests.control.line import InlinePool, Wire, done

NOW = 1_800_000_000_000


def at_least_minimum(setpoint, situation):
    minimum = situation.engineering.get("minimum")
    if minimum is None:
        return "the class minimum is not known"
    return None if setpoint.value >= minimum else f"below the class minimum of {minimum}"


RULE = Interlock("class minimum", ("lamp",), ("dim",), at_least_minimum, "EN 13201")
DIM = Point(
    "lamp",
    "dim",
    "Dimming level",
    "%",
    low=0,
    high=100,
    longest_s=4 * 3600,
    expect=lambda value, situation: Expectation("lighting.power_w", float(value) / 2 - 5, float(value) / 2 + 5, 120),
)


def loop(**changes):
    made = Loop(
        name="adaptive",
        domain="lighting",
        title="Adaptive lighting",
        every_s=60,
        gather=lambda now_ms: None,
        decide=lambda picture, policy: [],
        policy=None,
        words={Mode.LOCAL: "Programme", Mode.ADVISE: "Advise", Mode.AUTO: "Adaptive"},
        local_means="the signed programme",
        extra={"kinds": ("lamp",), "noun": {"lamp": "luminaires"}},
    )
    return replace(made, **changes)


def dim(asset="L-1", value=50.0, **more):
    return Setpoint(
        **{"asset": asset, "point": "dim", "value": value, "reason": "nobody there", "expires_in_s": 600} | more
    )


@dataclass
class Street:
    """What the tests put on the street."""

    zone: Zone
    latest: dict = field(default_factory=dict)
    loop: Loop = field(default_factory=loop)

    def lamp(self, uid="L-1", *, signed_by="demo", simulated=True, minimum=20, zone=None, device=True, **more):
        asset = Asset.objects.create(
            uid=uid,
            domain="lighting",
            kind="lamp",
            name=f"Lamp {uid}",
            geom=GeoPoint(24.94, 60.17, srid=4326),
            zone=zone or self.zone,
            simulated=simulated,
            external_id=uid,
            **more,
        )
        EngineeringRecord.objects.create(asset=asset, data={"minimum": minimum}, signed_by=signed_by)
        if device:
            speaks = Device.objects.create(uid=uid, asset=asset, simulated=simulated)
            Series.objects.create(device=speaks, metric="lighting.power_w")
        return asset

    def measures(self, uid, value, at_ms, quality=0):
        series = Series.objects.get(device__uid=uid, metric="lighting.power_w")
        self.latest[series.pk] = read.Value(at_ms, value, quality)

    before = instant(NOW - 86_400_000 * 3650)

    def by_hand(self, person, *setpoints, **more):
        return requests.request(
            setpoints,
            issuer=person.username,
            priority=Priority.OVERRIDE,
            now_ms=NOW,
            by=acting(person),
            **more,
        )

    def wants(self, *setpoints, now_ms=NOW, **more):
        return requests.request(
            setpoints, issuer="loop:adaptive", priority=Priority.OPTIMISER, now_ms=now_ms, loop=self.loop, **more
        )


@pytest.fixture
def declare(monkeypatch):
    def make(*, interlocks=(RULE,), points=(DIM,), loops=()):
        monkeypatch.setattr(declared, "interlocks", lambda: interlocks)
        monkeypatch.setattr(declared, "points", lambda: points)
        monkeypatch.setattr(declared, "loops", lambda: {found.name: found for found in loops})

    return make


@pytest.fixture
def simulation():
    before = clock.anchor
    clock.adopt(Anchor(NOW, wall_ms(), 0.0, 1.0, simulated=True))
    yield clock
    clock.adopt(before)


@pytest.fixture
def live(simulation):
    clock.adopt(Anchor(0, 0, 1.0, 1.0, simulated=False))
    return clock


@pytest.fixture
def street(db, declare, simulation, monkeypatch):
    made = Street(Zone.objects.create(code="centre", name="Centre"))
    declare(loops=(made.loop,))
    monkeypatch.setattr(read, "latest", lambda ids: {i: made.latest[i] for i in ids if i in made.latest})
    return made


@pytest.fixture
def people(db):
    users = get_user_model().objects
    return SimpleNamespace(
        anna=users.create_user("anna", password="x" * 12),
        bert=users.create_user("bert", password="x" * 12),
        chief=users.create_superuser("chief", password="x" * 12),
    )


def acting(user):
    return Actor(user.get_username(), "192.0.2.1", "request-1")


def later(seconds):
    return NOW + int(seconds * 1000)


def instant_later(seconds):
    return instant(NOW) + timedelta(seconds=seconds)


@pytest.fixture
def wire():
    return Wire({"L-1"})


@pytest.fixture
def inline():
    return InlinePool()


@pytest.fixture
def at():
    """Set the city's clock, which stands still otherwise."""

    def stop_at(ms):
        clock.adopt(Anchor(ms, wall_ms(), 0.0, 1.0, simulated=True))

    return stop_at


def answer(command_id, state="applied", device="L-1", reason="", at_ms=0):
    return AckMessage(device, str(command_id), state, reason, at_ms)


@pytest.fixture
def leader(inline):
    return Leader(inline, ttl_s=60)


@pytest.fixture
def patience():
    return Patience(sweep_s=0.0, first_retry_s=60, away_s=0.0)


@pytest.fixture
def dispatcher(wire, leader, inline, street, patience):
    return Dispatcher(wire, leader, inline, patience=patience)


@pytest.fixture
def tick(dispatcher, leader):
    """One beat of the dispatcher, with what devices have answered since."""

    def run(*answers):
        if leader.epoch is None:
            done(leader.attempt())
        dispatcher.on_ack(answers)
        done(dispatcher.tick())

    return run


@pytest.fixture
def fast(street, declare):
    street.loop = replace(street.loop, fast=True, lease_s=900, most_per_min=60)
    declare(loops=(street.loop,))
    return street.loop


@pytest.fixture
def leading(inline, street):
    made = Leader(inline, ttl_s=60)
    done(made.attempt())
    return made


@pytest.fixture
def desk(fast, wire, leading):
    return FastDesk(fast, wire, leading, clock)


@pytest.fixture
def beat(desk, leading, at):
    def round_(*setpoints, seconds=0.0, answers=()):
        at(later(seconds))
        desk.on_ack(answers)
        desk.send(desk.prepare(setpoints, later(seconds), leading.epoch))

    return round_
