# SPDX-License-Identifier: Apache-2.0
"""Every rule the four domains ship: from readings in the store to an alarm and its end, with delays and hysteresis."""

from __future__ import annotations

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest
from django.contrib.gis.geos import Point
from django.db import connections

from lighting.metrics import FAULTS
from smartcity import declared
from smartcity.alarms.evaluate import Evaluator
from smartcity.alarms.models import Alarm
from smartcity.devices.models import Asset, Device, EngineeringRecord, Series, Zone
from smartcity.telemetry import book
from smartcity.telemetry.store import Store
from tests.alarms.conftest import NOW
from tests.conformance.installed import SHIPPED
from tests.telemetry.conftest import batch
from traffic.metrics import RED_LAMP, SOURCES, STATUS, UPS

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases=["default", "telemetry"], transaction=True)]

HOUR = 3_600_000


@dataclass(frozen=True)
class Case:
    """A value that raises, one that ends it, and one between both thresholds, where there is one."""

    bad: float
    good: float
    between: float | None = None
    engineering: dict[str, object] = field(default_factory=dict)


CASES = {
    **{f"traffic.{word.replace(' ', '_')}": Case(STATUS.index(word), 0) for word in STATUS[1:]},
    "traffic.door": Case(1, 0),
    "traffic.mains": Case(1, 0),
    "traffic.fallback": Case(SOURCES.index("fallback"), SOURCES.index("centre")),
    "traffic.manual": Case(SOURCES.index("manual"), SOURCES.index("local")),
    "traffic.plan": Case(7, 3, engineering={"plans": [1, 3]}),
    "traffic.red_lamp": Case(RED_LAMP.index("failed"), RED_LAMP.index("works")),
    "traffic.battery": Case(UPS.index("on battery"), UPS.index("on mains")),
    "traffic.battery_low": Case(UPS.index("battery low"), UPS.index("on mains")),
    "traffic.clock": Case(2.0, 0.2, 0.8),
    "traffic.detector": Case(1, 0),
    "traffic.stuck_red": Case(270, 90, 105, {"max_red_s": 100.0}),
    "traffic.long_red": Case(116, 99, 110, {"max_red_s": 100.0}),
    "waste.overfull": Case(99, 80, 90),
    "waste.overfull_echo": Case(310, 700, 400, {"empty_mm": 1500, "full_mm": 300}),
    "waste.fire": Case(70, 40, 55),
    "waste.tilted": Case(1, 0),
    "waste.sensor_battery": Case(5, 30, 15),
    "lighting.lamp_failure": Case(FAULTS.index("lamp failure"), 0),
    "lighting.clock_lost": Case(FAULTS.index("clock lost"), 0),
    "lighting.day_burner": Case(FAULTS.index("burning by day"), 0),
    "energy.contract": Case(104, 97, 100, {"contracted_kw": 100.0}),
    "energy.transformer_loading": Case(101, 94, 97),
}
RULES = [rule for rule in declared.alarm_rules() if rule.name.partition(".")[0] in SHIPPED]


class Place:
    """One asset with the metric of a rule, its readings in the real store, its alarms by the real evaluator."""

    def __init__(self, rule, engineering):
        zone = Zone.objects.create(code="centre", name="Centre")
        asset = Asset.objects.create(
            uid="X-1", domain=rule.name.partition(".")[0], kind=rule.kinds[0], name="The place", zone=zone,
            geom=Point(24.94, 60.17, srid=4326), external_id="X-1",
        )  # fmt: skip
        EngineeringRecord.objects.create(asset=asset, data=engineering, signed_by="demo")
        series = Series.objects.create(device=Device.objects.create(uid="X-1", asset=asset), metric=rule.metric)
        self.series = series.pk
        self.store = Store(
            book=book.write([(series.pk, rule.metric)], declared.metrics()), zone=ZoneInfo("Europe/Helsinki")
        )
        self.evaluator = Evaluator(grace_s=1e7)

    def after(self, at_ms, value):
        """The rules with an active alarm once this was measured at that instant, and judged at once."""
        self.store.write(batch((at_ms, self.series, float(value)), now=at_ms))
        self.evaluator.sweep(at_ms)
        return list(Alarm.objects.filter(cleared_at=None).values_list("rule", flat=True))


def empty():
    with connections["telemetry"].cursor() as cursor:
        for name in ("reading", "latest", "last_seen", "dirty"):
            cursor.execute(f"DELETE FROM {name}")


@pytest.fixture
def place(simulation):
    made = []

    def make(rule, engineering):
        empty()
        made.append(Place(rule, engineering))
        return made[-1]

    yield make
    for one in made:
        one.store.close()
    empty()


def test_every_shipped_rule_has_a_case():
    assert sorted(CASES) == sorted(rule.name for rule in RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_it_rises_after_its_delay_and_clears_with_its_hysteresis(rule, place):
    case = CASES[rule.name]
    on_ms, off_ms = int(1000 * rule.on_delay_s), int(1000 * rule.off_delay_s)
    here = place(rule, case.engineering)
    at = NOW
    assert here.after(at, case.good) == []
    if on_ms:
        assert here.after(at + 1000, case.bad) == []
        assert here.after(at + on_ms, case.bad) == []
    at += on_ms + 1000
    assert here.after(at, case.bad) == [rule.name]
    if case.between is not None:
        assert here.after(at + 1000, case.between) == [rule.name]
        at += off_ms + HOUR
        assert here.after(at, case.between) == [rule.name]
    if off_ms:
        assert here.after(at + 1000, case.good) == [rule.name]
        assert here.after(at + off_ms, case.good) == [rule.name]
    assert here.after(at + off_ms + 1000, case.good) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_bad_value_that_does_not_last_raises_nothing(rule, place):
    if not rule.on_delay_s:
        pytest.skip("it rises at once")
    case = CASES[rule.name]
    here = place(rule, case.engineering)
    on_ms = int(1000 * rule.on_delay_s)
    values = [(0, case.bad), (on_ms - 2000, case.good), (on_ms, case.bad), (2 * on_ms - 1000, case.bad)]
    assert [here.after(NOW + at, value) for at, value in values] == [[]] * 4
