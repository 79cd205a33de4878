# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.controller import Picture, Policy, decide
from energy.plan import EFFICIENCY, solve
from tests.energy.build import site

POLICY = Policy()
kilowatts = st.floats(0, 400, allow_nan=False)


def test_the_planned_peak_is_lower_than_without_a_battery():
    here = site()
    plan = solve(here, POLICY, 0.25)
    assert plan.status == "Optimal"
    assert plan.import_kw.max() < 0.75 * here.load_kw.max()


def test_a_high_peak_of_three_weeks_ago_is_no_licence_to_charge_at_full_power():
    here = site(peak=60.0, contract=200.0, soc=0.2, month_peak=190.0)
    plan = solve(here, POLICY, 0.25)
    assert plan.battery_kw.max() > 1.0
    assert plan.import_kw.max() < 65.0  # at full power it would be 80


def test_a_peak_that_today_has_had_already_costs_nothing_more():
    spiky = site(peak=60.0, contract=200.0, soc=0.2, month_peak=190.0, day_peak=80.0)
    assert solve(spiky, POLICY, 0.25).import_kw.max() == pytest.approx(80.0)
    tomorrow = replace(spiky, tomorrow_from=0)
    assert solve(tomorrow, POLICY, 0.25).import_kw.max() < 65.0


@settings(max_examples=25, deadline=None)
@given(kilowatts, kilowatts, st.floats(1, 300), st.floats(-0.5, 1.5), st.sampled_from([0.0, 11.0, 22.0]))
def test_whatever_the_day_brings_there_is_a_plan_within_physics(load, peak, contract, soc, charging):
    here = site(load, peak, contract, soc, charging)
    plan = solve(here, POLICY, 0.25)
    assert plan.status == "Optimal"
    assert np.all(np.abs(plan.battery_kw) <= 40.0 + 1e-6)
    stored = 100.0 * min(max(soc, 0.0), 1.0)
    moved = np.where(plan.battery_kw > 0, plan.battery_kw * EFFICIENCY, plan.battery_kw / EFFICIENCY) * 0.25
    energy = stored + np.cumsum(moved)
    assert energy.min() >= -1e-6
    net = here.load_kw - here.pv_kw + plan.battery_kw + plan.charging_kw
    assert np.allclose(net, plan.import_kw, atol=1e-5)


def test_a_battery_is_told_a_band_and_a_charger_a_limit_each_with_an_end():
    orders = decide(Picture((site(charging=11.0),), 0.25), POLICY)
    assert {(order.asset, order.point) for order in orders} == {
        ("B-0", "import_high"),
        ("B-0", "import_low"),
        ("E-1", "limit"),
    }
    assert all(order.expires_in_s == POLICY.lease_s and order.reason.startswith("Town hall:") for order in orders)


@pytest.mark.parametrize("contract", [30.0, 60.0])
def test_a_contract_that_cannot_be_kept_costs_but_does_not_stop_the_plan(contract):
    plan = solve(site(load=50.0, peak=90.0, contract=contract), POLICY, 0.25)
    assert plan.status == "Optimal"
    assert plan.import_kw.max() > contract - 1


def test_charging_waits_for_cheap_hours_when_the_contract_is_short():
    free, tight = (solve(site(60.0, 75.0, contract, 0.1, 22.0), POLICY, 0.25) for contract in (200.0, 78.0))
    evening = slice(64, 80)
    assert tight.charging_kw[evening].sum() < free.charging_kw[evening].sum()


def test_a_site_with_nothing_behind_it_gets_no_orders():
    assert decide(Picture((site(batteries=0),), 0.25), POLICY) == []
