# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from smartcity.telemetry import packing
from smartcity.telemetry.packing import Damaged, Day

WHOLE = st.integers(-(2**31), 2**31 - 1)


def same(one, other):
    return all(
        np.array_equal(getattr(one, name).view(np.int64), getattr(other, name).view(np.int64))
        for name in ("at", "value", "quality", "delay_s")
    )


@st.composite
def days(draw):
    n = draw(st.integers(0, 40))
    at = np.array(sorted(draw(st.sets(st.integers(0, 86_399_999), min_size=n, max_size=n))), np.int64)
    tenths = st.integers(-9999, 9999).map(lambda number: number / draw(st.sampled_from([1, 10, 100, 1000])))
    floats = st.floats(allow_nan=False, allow_infinity=False)
    value = draw(arrays(np.float64, n, elements=draw(st.sampled_from([tenths, floats, st.floats(width=32)]))))
    quality = draw(arrays(np.int64, n, elements=st.sampled_from([0, 1, 10, 14])))
    return Day(at, np.nan_to_num(value), quality, draw(arrays(np.int64, n, elements=WHOLE)))


@given(days())
def test_what_is_packed_comes_back_to_the_bit(day):
    packed = packing.pack(day)
    assert same(packing.unpack(packed), day)
    ((at, value, quality),) = packing.unpack_values([packed])
    assert same(Day(at, value, quality, day.delay_s), day)


def test_signs_of_zero_and_extremes_survive():
    value = np.array([-0.0, 0.0, 5e-324, 1.7976931348623157e308, -1.5, 2.0**53 + 2])
    n = len(value)
    day = Day(np.arange(n), value, np.zeros(n, np.int64), np.array([2**31 - 1, -(2**31), 0, 1, 2, 3]))
    assert same(packing.unpack(packing.pack(day)), day)


def test_a_constant_regular_day_is_a_header():
    n = 1440
    day = Day(np.arange(n) * 60_000, np.full(n, 21.5), np.zeros(n, np.int64), np.full(n, 1))
    assert len(packing.pack(day)) < 48


def test_a_day_of_decimals_takes_few_bytes():
    walk = np.round(20 + np.cumsum(np.random.default_rng(1).normal(0, 0.1, 1440)), 1)
    day = Day(np.arange(1440) * 60_000, walk, np.zeros(1440, np.int64), np.ones(1440, np.int64))
    assert len(packing.pack(day)) / 1440 < 0.5


@given(st.binary(max_size=200))
def test_other_bytes_are_called_damaged(junk):
    with pytest.raises(Damaged):
        packing.unpack(junk)


@given(days(), st.data())
def test_a_cut_day_is_called_damaged(day, data):
    packed = packing.pack(day)
    cut = packed[: data.draw(st.integers(0, len(packed) - 1))]
    with pytest.raises(Damaged):
        packing.unpack(cut)


@given(st.lists(days(), max_size=6))
def test_many_days_of_any_layouts_are_read_together(many):
    found = packing.unpack_values([packing.pack(day) for day in many])
    assert all(same(Day(*columns, day.delay_s), day) for columns, day in zip(found, many, strict=True))


def test_numbers_too_large_for_a_column_are_damage():
    with pytest.raises(Damaged):
        packing.unpack(msgspec.msgpack.encode([1, [0, 2**63, 0, 0], [0, 0, 0, 0], 0, [0, 0, 0, 0], [0, 0, 0, 0], b""]))
