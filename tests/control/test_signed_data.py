# SPDX-License-Identifier: Apache-2.0
"""Limit checks speak of signed data: they are told whether somebody answers for them now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.gis.geos import Point as GeoPoint

from smartcity.control import proposals, situations
from smartcity.control.instants import instant
from smartcity.devices.models import Asset, Device, EngineeringRecord, Series
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Interlock, Mode, State
from tests.control.conftest import DIM, NOW, acting, dim, instant_later, later
from tests.control.test_advice import set_mode

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


def signed_minimum(setpoint, situation):
    minimum = situation.signed.get("minimum", 100)
    return None if setpoint.value >= minimum else f"below the signed minimum of {minimum}"


@pytest.fixture(autouse=True)
def strict(street, declare):
    rule = Interlock("signed minimum", ("lamp",), ("dim",), signed_minimum, "EN 13201")
    declare(interlocks=(rule,), points=(DIM,), loops=(street.loop,))


def of(uid="L-1"):
    return situations.load([uid], NOW, is_simulation=clock.is_simulation)[uid].situation


def test_the_demo_s_signature_counts_in_a_simulation(street):
    street.lamp()
    assert of().is_signed and of().signed == {"minimum": 20}


def test_the_demo_s_signature_counts_for_nothing_in_live(street, live):
    street.lamp(simulated=False)
    assert not of().is_signed and of().signed == {} and of().engineering == {"minimum": 20}


@pytest.mark.parametrize(("until_s", "counts"), [(60, True), (-60, False)])
def test_a_person_s_signature_counts_while_it_is_valid(street, live, until_s, counts):
    street.lamp(simulated=False, signed_by="Eva Engineer")
    EngineeringRecord.objects.update(valid_from=instant(NOW) - timedelta(days=1), valid_until=instant_later(until_s))
    assert of().is_signed is counts


def test_an_operator_may_not_dim_on_data_nobody_has_signed(street, people):
    street.lamp(signed_by="")
    refused, full = street.by_hand(people.anna, dim(value=50.0), dim(value=100.0))
    assert (refused.state, refused.state_note) == (State.REFUSED, "below the signed minimum of 100")
    assert full.state == State.QUEUED


def test_unsigned_data_are_good_for_advice_and_its_approval_meets_the_check_as_it_is(street, people):
    street.lamp(signed_by="")
    set_mode(street, Mode.ADVISE, people.anna)
    (advice,) = street.wants(dim())
    assert (advice.state, advice.state_note[:11]) == (State.PROPOSED, "advice only")
    (row,) = proposals.approve([advice.pk], by=acting(people.anna), now_ms=later(5))
    assert (row.state, row.state_note) == (State.REFUSED, "below the signed minimum of 100")


def test_a_loop_under_lease_only_advises_on_unsigned_data(street, fast, desk, beat, declare, wire):
    rule = Interlock("signed minimum", ("lamp",), ("dim",), signed_minimum, "EN 13201")
    declare(interlocks=(rule,), points=(DIM,), loops=(street.loop,))
    street.lamp(signed_by="")
    beat(dim())
    assert desk.refused == 0 and desk.asked == 0


def above(uid, kind, parent, data, signed_by="demo"):
    at = GeoPoint(24.94, 60.17, srid=4326)
    zone = Asset.objects.get(uid="L-1").zone
    made = Asset.objects.create(uid=uid, domain="lighting", kind=kind, geom=at, zone=zone, parent=parent)
    EngineeringRecord.objects.create(asset=made, data=data, signed_by=signed_by)
    return made


def test_what_an_asset_stands_behind_is_known_by_kind_with_its_own_signature_and_readings(street):
    lamp = street.lamp()
    feeder = above("F-1", "feeder", None, {"rated_kva": 400}, signed_by="")
    lamp.parent = above("Q-1", "connection_point", feeder, {"contracted_kw": 30})
    lamp.save()
    Series.objects.create(
        device=Device.objects.create(uid="Q-1", asset=lamp.parent, simulated=True), metric="lighting.power_w"
    )
    street.measures("Q-1", 12.0, NOW - 5000)
    found = of().above
    assert found["connection_point"].signed == {"contracted_kw": 30}
    assert found["connection_point"].reported == {"lighting.power_w": 12.0}
    assert found["connection_point"].ages_s == {"lighting.power_w": 5.0}
    assert (found["feeder"].signed, found["feeder"].engineering) == ({}, {"rated_kva": 400})
    assert of().as_if_signed().above["feeder"].signed == {"rated_kva": 400}


def test_assets_above_cost_one_query_a_level(street, django_assert_max_num_queries):
    lamp = street.lamp()
    parent = above("Q-1", "connection_point", above("F-1", "feeder", None, {}), {})
    for number in range(2, 12):
        street.lamp(f"L-{number}", parent=parent)
    lamp.parent = parent
    lamp.save()
    with django_assert_max_num_queries(6):
        situations.load([f"L-{n}" for n in range(1, 12)], NOW, is_simulation=True)
