# SPDX-License-Identifier: Apache-2.0
"""The lane message: what is written is read, and what is damaged is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.kernel.codecs import BadPayload
from traffic import lane_codec
from traffic.planner.frames import Frame

counts = st.dictionaries(st.integers(0, 254), st.integers(0, 255), max_size=8)
vehicle = st.tuples(st.integers(0, 600).map(lambda n: n / 2), st.integers(0, 250).map(lambda n: n / 4))
frames = st.builds(
    Frame,
    st.integers(2**28 * 1000, 4_000_000_000_000),
    st.dictionaries(st.integers(0, 254), st.lists(vehicle, max_size=6), max_size=6),
    counts,
    st.frozensets(st.integers(0, 254), max_size=6),
    counts,
)


@given(frames)
def test_what_is_written_is_read(frame):
    assert lane_codec.read(lane_codec.write(frame)) == frame


@given(frames, st.data())
def test_a_message_that_was_cut_is_refused(frame, data):
    whole = lane_codec.write(frame)
    cut = whole[: data.draw(st.integers(0, len(whole) - 2))]
    cut = cut + bytes([sum(cut) % 256])
    if cut != whole:
        with pytest.raises(BadPayload):
            lane_codec.read(cut)


@given(st.binary(max_size=200))
def test_garbage_raises_nothing_else(payload):
    try:
        lane_codec.read(payload)
    except BadPayload as error:
        assert str(error)
