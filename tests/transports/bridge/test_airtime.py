# SPDX-License-Identifier: Apache-2.0
"""Time on air by the datasheet's formula, and the legal hour of each gateway."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.transports.bridge.airtime import EU868, Airtime, band_of, time_on_air_s
from smartcity.transports.bridge.network import OnAir

BAND_1: Any = band_of(868_100_000)  # 1 %
BAND_10: Any = band_of(869_525_000)  # 10 %


@pytest.mark.parametrize(
    ("frame", "spreading", "milliseconds"),
    [
        # by hand from the formula: symbols = 20.25 + ceil((8 (13 + frame) - 4 SF + 28) / (4 (SF - 2 DE))) * 5
        (1, 7, (20.25 + 4 * 5) * 1.024),
        (1, 9, (20.25 + 3 * 5) * 4.096),
        (1, 12, (20.25 + 3 * 5) * 32.768),
        (51, 12, (20.25 + 13 * 5) * 32.768),
        (51, 11, (20.25 + 14 * 5) * 16.384),
        (115, 9, (20.25 + 29 * 5) * 4.096),
    ],
)
def test_time_on_air_is_what_the_datasheet_says(frame, spreading, milliseconds):
    assert time_on_air_s(frame, spreading) * 1000 == pytest.approx(milliseconds)


def test_half_the_bandwidth_takes_twice_the_time_and_fsk_is_short():
    assert time_on_air_s(10, 7, 125_000) == pytest.approx(2 * time_on_air_s(10, 7, 250_000))
    assert time_on_air_s(10, 0) == pytest.approx((5 + 3 + 1 + 23 + 2) * 8 / 50_000)


@given(st.integers(1, 242), st.integers(7, 11))
def test_more_bytes_or_more_spreading_never_take_less_time(frame, spreading):
    assert time_on_air_s(frame, spreading) <= time_on_air_s(frame + 1, spreading)
    assert time_on_air_s(frame, spreading) < time_on_air_s(frame, spreading + 1)


@pytest.mark.parametrize(
    ("mhz", "duty"),
    [(863.5, 0.001), (867.1, 0.01), (868.1, 0.01), (868.59, 0.01), (868.8, 0.001), (869.525, 0.1), (869.8, 0.01)],
)
def test_each_band_has_its_duty_cycle(mhz, duty):
    band = band_of(int(mhz * 1e6))
    assert band and band.duty == duty


@pytest.mark.parametrize("mhz", [868.65, 869.3, 915.0, 0.0])
def test_elsewhere_no_duty_cycle_is_known(mhz):
    assert band_of(int(mhz * 1e6)) is None


def test_the_budget_is_a_share_of_the_legal_hour():
    assert Airtime(1.0).budget_s(BAND_1) == pytest.approx(36)
    assert Airtime(0.5).budget_s(BAND_10) == pytest.approx(180)


def test_what_is_spent_comes_back_after_an_hour():
    airtime = Airtime(1.0)
    airtime.spend("g", BAND_1, 20, now=0)
    airtime.spend("g", BAND_1, 10, now=600)
    assert airtime.wait_s("g", BAND_1, 6, now=1000) == 0
    assert airtime.wait_s("g", BAND_1, 7, now=1000) == 2600
    assert airtime.wait_s("g", BAND_1, 30, now=1000) == 3200
    assert airtime.wait_s("g", BAND_1, 36.1, now=1000) == float("inf")
    assert airtime.wait_s("g", BAND_1, 7, now=3600) == 0
    assert airtime.used_s("g", BAND_1, 3600) == 10


def test_gateways_and_bands_do_not_share():
    airtime = Airtime(1.0)
    airtime.spend("g", BAND_1, 36, now=0)
    assert airtime.wait_s("h", BAND_1, 36, now=1) == 0
    assert airtime.wait_s("g", BAND_10, 36, now=1) == 0


def test_the_network_says_how_it_was_really_sent():
    airtime = Airtime(1.0)
    entry = airtime.spend("g", BAND_1, 2.0, now=0)
    airtime.correct(entry, OnAir("h", 869_525_000, 12), 1, now=100)
    assert airtime.used_s("g", BAND_1, 100) == 0
    assert airtime.used_s("h", BAND_10, 100) == pytest.approx(time_on_air_s(1, 12))
    entry = airtime.spend("g", BAND_1, 2.0, now=200)
    airtime.correct(entry, None, 1, now=3000)
    assert airtime.used_s("g", BAND_1, 3900) == 2.0  # from when it was sent


@given(st.lists(st.tuples(st.floats(0.01, 9), st.floats(0, 900)), max_size=60), st.floats(0.05, 1))
def test_who_only_spends_what_there_is_room_for_never_breaks_the_duty_cycle_of_any_hour(wishes, share):
    airtime, now, sent = Airtime(share), 0.0, []
    for seconds, pause in wishes:
        now += pause
        wait_s = airtime.wait_s("g", BAND_1, seconds, now)
        if wait_s == float("inf"):
            continue
        now += wait_s
        assert airtime.wait_s("g", BAND_1, seconds, now) == 0
        airtime.spend("g", BAND_1, seconds, now)
        sent.append((now, seconds))
        hour = sum(length for at, length in sent if at > now - 3600 + 1e-6)
        assert hour <= share * 36 + 1e-6


def test_the_bands_do_not_overlap():
    assert all(lower.high_hz <= upper.low_hz for lower, upper in pairwise(EU868))
