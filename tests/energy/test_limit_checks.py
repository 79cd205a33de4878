# SPDX-License-Identifier: Apache-2.0
"""The independent check after the solver: what a battery or a charging point may be told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.interlocks import INTERLOCKS, ends_soon, within_rating
from smartcity.kernel.control import Setpoint, Situation

HALF_AN_HOUR = 1800.0
RESERVE = 10.0


def wish(point, value, expires_in_s=HALF_AN_HOUR):
    return Setpoint(asset="X", point=point, value=value, reason="test", expires_in_s=expires_in_s)


def charger(is_signed=True, **engineering):
    return Situation("X", "charger", engineering, {}, {}, {}, 0, is_signed=is_signed)


def over(kind, is_signed=True, drawn=None, age_s=1.0, **engineering):
    reported = {} if drawn is None else {"energy.import_kw": drawn}
    return Situation("Y", kind, engineering, {}, reported, dict.fromkeys(reported, age_s), 0, is_signed=is_signed)


def battery(soc=50.0, kw=0.0, drawn=60.0, *, guarded=True, soc_age_s=1.0, meter_age_s=1.0, **changes):
    """200 kW and 500 kWh behind a contract of 300 kW and a transformer of 400 kVA; the site draws 60 kW."""
    facts = Situation(
        "X",
        "battery",
        {"power_kw": 200.0, "capacity_kwh": 500.0},
        {"reserve_soc": 10.0} if guarded else {},
        {"energy.battery_kw": kw, "energy.soc": soc},
        {"energy.battery_kw": 1.0, "energy.soc": soc_age_s},
        0,
        is_signed=True,
        above={
            "connection_point": over("connection_point", drawn=drawn, age_s=meter_age_s, contracted_kw=300.0),
            "transformer": over("transformer", rated_kva=400.0),
        },
    )
    return replace(facts, **changes)


def refusals(point, value, about, expires_in_s=HALF_AN_HOUR):
    asked = wish(point, value, expires_in_s)
    return [why for rule in INTERLOCKS if point in rule.points and (why := rule.check(asked, about))]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 22.2, "22", True])
def test_a_charging_limit_outside_the_signed_rating_is_refused(value):
    assert within_rating(wish("limit", value), charger(power_kw=22.0)) is not None


def test_an_unsigned_charger_takes_no_limit():
    assert within_rating(wish("limit", 10.0), charger()) is not None
    assert within_rating(wish("limit", 10.0), charger(power_kw=22.0, is_signed=False)) is not None
    assert within_rating(wish("limit", 10.0), charger(power_kw=22.0)) is None


@pytest.mark.parametrize(("point", "value"), [("import_high", 300.0), ("import_high", 20.0), ("import_low", 120.0)])
def test_a_band_within_contract_reach_and_reserve_passes(point, value):
    assert refusals(point, value, battery()) == []


@pytest.mark.parametrize("point", ["import_high", "import_low"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, "auto", False])
def test_a_band_that_is_no_power_is_refused(point, value):
    assert refusals(point, value, battery())


@pytest.mark.parametrize("point", ["import_high", "import_low"])
@pytest.mark.parametrize("value", [300.2, 5000.0])
def test_a_bound_above_the_contract_is_refused(point, value):
    assert f"{value:g} kW is above the contract of 300 kW" in refusals(point, value, battery())


@pytest.mark.parametrize("point", ["import_high", "import_low"])
def test_a_bound_above_what_the_transformer_carries_is_refused_where_that_is_known(point):
    small = over("transformer", rated_kva=250.0)
    unsigned = replace(small, is_signed=False)
    above = battery().above
    assert any("250 kVA" in why for why in refusals(point, 280.0, battery(above=above | {"transformer": small})))
    assert refusals(point, 280.0, battery(above=above | {"transformer": unsigned})) == []


@pytest.mark.parametrize("point", ["import_high", "import_low"])
@pytest.mark.parametrize(
    "above", [{}, {"connection_point": over("connection_point", False, 60.0, contracted_kw=300.0)}]
)
def test_without_a_signed_contract_no_band_passes(point, above):
    assert "the contract of the battery's connection point is not signed" in refusals(point, 20.0, battery(above=above))


@pytest.mark.parametrize("point", ["import_high", "import_low"])
def test_an_unsigned_battery_takes_no_band(point):
    assert "the battery has no signed rating" in refusals(point, 20.0, battery(is_signed=False))


def test_a_lower_bound_beyond_the_battery_s_reach_is_refused():
    weak = battery(engineering={"power_kw": 20.0, "capacity_kwh": 50.0})
    assert refusals("import_low", 100.0, weak) == []
    assert refusals("import_low", 101.0, weak) == ["101 kW is out of the battery's reach: 100 kW at 20 kW rated"]
    charging = replace(weak, reported=weak.reported | {"energy.battery_kw": 20.0})
    assert refusals("import_low", 81.0, charging)


def test_without_a_fresh_meter_nothing_is_drawn_from_the_grid():
    for silent in (battery(drawn=None), battery(meter_age_s=901.0)):
        assert "what the site draws is not known or older than 15 minutes" in refusals("import_low", 90.0, silent)
        assert refusals("import_low", 0.0, silent) == []


def test_an_upper_bound_beyond_reach_asks_for_all_the_battery_has():
    weak = battery(drawn=290.0, engineering={"power_kw": 20.0, "capacity_kwh": 50.0})
    assert refusals("import_high", 200.0, weak) == []


@pytest.mark.parametrize(
    ("point", "value", "held"),
    [("import_low", 80.0, {"import_high": 70.0}), ("import_high", 70.0, {"import_low": 80.0})],
)
def test_the_lower_bound_is_never_above_the_upper_one(point, value, held):
    why = "the lower bound of 80 kW would be above the upper one of 70 kW"
    assert refusals(point, value, battery(held=held)) == [why]
    assert refusals(point, value, battery(held=dict.fromkeys(held, value))) == []


@pytest.mark.parametrize("point", ["import_high", "import_low"])
def test_a_battery_of_unknown_charge_is_left_alone(point):
    why = "the state of charge is not known or older than 15 minutes"
    assert why in refusals(point, 50.0, battery(soc_age_s=901.0))
    assert why in refusals(point, 50.0, battery(reported={"energy.battery_kw": 0.0}))


@pytest.mark.parametrize("value", [0.0, 5.0, 59.0, 200.0])
@pytest.mark.parametrize("guarded", [True, False])
def test_below_its_reserve_no_bound_lets_a_battery_discharge(value, guarded):
    assert "1 % is below the reserve of 10 %" in refusals("import_high", value, battery(soc=1.0, guarded=guarded))


def test_below_its_reserve_a_battery_may_rest_while_the_site_keeps_its_contract():
    assert refusals("import_high", 300.0, battery(soc=1.0)) == []
    assert refusals("import_high", 300.0, battery(soc=1.0, drawn=301.0)) == ["1 % is below the reserve of 10 %"]
    assert refusals("import_high", 300.0, battery(soc=1.0, drawn=None)) == ["1 % is below the reserve of 10 %"]
    assert refusals("import_low", 120.0, battery(soc=1.0)) == []


def test_a_battery_that_does_not_guard_its_reserve_must_have_enough_for_the_whole_time():
    half_an_hour_takes = 20.0  # % of 500 kWh at 200 kW
    enough, short = RESERVE + half_an_hour_takes, RESERVE + half_an_hour_takes - 1
    assert refusals("import_high", 20.0, battery(soc=enough, guarded=False)) == []
    assert refusals("import_high", 20.0, battery(soc=short, guarded=False))
    assert refusals("import_high", 20.0, battery(soc=short, guarded=False), 900.0) == []
    assert refusals("import_high", 20.0, battery(soc=short)) == []


@given(
    st.sampled_from(["import_high", "import_low"]),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(0, 100),
    st.floats(-300, 400),
)
def test_whatever_passes_keeps_contract_and_reserve(point, value, soc, drawn):
    if refusals(point, value, battery(soc=soc, drawn=drawn)):
        return
    assert 0 <= value <= 300.1
    if point == "import_high" and soc < RESERVE:
        assert drawn <= value


def test_no_command_outlives_half_a_day():
    assert ends_soon(wish("limit", 5.0, 12 * 3600 + 1), charger()) is not None
