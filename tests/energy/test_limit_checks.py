# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from energy.interlocks import band_is_sane, battery_is_known, ends_soon, within_rating
from smartcity.kernel.control import Setpoint, Situation


def wish(point, value, expires_in_s=1800.0):
    return Setpoint(asset="X", point=point, value=value, reason="test", expires_in_s=expires_in_s)


def about(kind="battery", reported=None, ages=None, is_signed=True, **engineering):
    return Situation("X", kind, engineering, {}, reported or {}, ages or {}, 0, is_signed=is_signed)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 22.2, "22", True])
def test_a_charging_limit_outside_the_signed_rating_is_refused(value):
    assert within_rating(wish("limit", value), about("charger", power_kw=22.0)) is not None


def test_an_unsigned_charger_takes_no_limit():
    assert within_rating(wish("limit", 10.0), about("charger")) is not None
    assert within_rating(wish("limit", 10.0), about("charger", power_kw=22.0, is_signed=False)) is not None
    assert within_rating(wish("limit", 10.0), about("charger", power_kw=22.0)) is None


@pytest.mark.parametrize("value", [float("nan"), -0.1, 5000.1, "auto", False])
def test_a_band_that_is_no_power_is_refused(value):
    assert band_is_sane(wish("import_high", value), about(power_kw=40.0)) is not None


def test_an_unsigned_battery_takes_no_band():
    assert band_is_sane(wish("import_high", 20.0), about(power_kw=40.0, is_signed=False)) is not None


def test_a_battery_of_unknown_charge_is_left_alone():
    order = wish("import_high", 50.0)
    assert battery_is_known(order, about()) is not None
    assert battery_is_known(order, about(reported={"energy.soc": 40.0}, ages={"energy.soc": 901.0})) is not None
    assert battery_is_known(order, about(reported={"energy.soc": 40.0}, ages={"energy.soc": 60.0})) is None


def test_the_reserve_is_not_emptied():
    low = about(reported={"energy.soc": 9.0}, ages={"energy.soc": 1.0})
    assert battery_is_known(wish("import_high", 0.0), low) is not None


def test_no_command_outlives_half_a_day():
    assert ends_soon(wish("limit", 5.0, 12 * 3600 + 1), about()) is not None
