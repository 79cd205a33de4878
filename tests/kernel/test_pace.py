# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from smartcity.kernel.pace import Load, next_speed


def settled(load_at, ceiling=60.0):
    """Where the speed comes to rest when the load is what `load_at` says of a speed."""
    speed, seen = 1.0, []
    for _ in range(200):
        speed = next_speed(speed, ceiling, load_at(speed))
        seen.append(speed)
    return min(seen[-50:]), max(seen[-50:])


def test_without_load_the_ceiling_is_reached():
    assert settled(lambda speed: Load(0.0, 0.0)) == (60.0, 60.0)


def test_signals_are_led_no_rarer_than_every_third_interval_however_fast_time_may_run():
    decides_in_s, every_s = 0.33, 5.0
    low, high = settled(lambda speed: Load(0.0, 0.0, 0.0, decides_in_s * speed / every_s))
    assert 25 < low <= high < 3.4 * every_s / decides_in_s


@pytest.mark.parametrize("load", [Load(9.0, 0.0), Load(0.0, 9.0), Load(0.0, 0.0, 9.0), Load(0.0, 0.0, 0.0, 9.0)])
def test_under_any_strain_it_slows_down_to_real_time_and_no_further(load):
    assert settled(lambda speed: load) == (1.0, 1.0)


def test_between_comfort_and_strain_it_stays_and_never_above_the_ceiling():
    assert next_speed(20.0, 60.0, Load(2.0, 0.0)) == 20.0
    assert next_speed(20.0, 60.0, Load(0.0, 0.0, 0.0, 2.5)) == 20.0
    assert next_speed(60.0, 10.0, Load(2.0, 0.0)) == 10.0
