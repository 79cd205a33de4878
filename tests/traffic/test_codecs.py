# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.kernel.codecs import BadPayload
from traffic.codecs import DETECTOR, LAYOUT, MAGIC, Measured, write

NOW = 1_800_000_000_000
SEEN = Measured(640, 7.5, 31.5, 22.5, 0.6)


def checked(body):
    """As a detector sends it: with the sum of what comes before."""
    return body + bytes([sum(body) % 256])


frames = st.binary(min_size=LAYOUT.size - 5, max_size=LAYOUT.size - 5)


@given(st.one_of(st.binary(max_size=40), frames.map(lambda rest: checked(MAGIC + b"\x01\x00" + rest))))
def test_decoding_raises_nothing_but_bad_payload(payload):
    try:
        found = DETECTOR.decode(payload, NOW)
    except BadPayload as error:
        assert str(error)
    else:
        assert len(found) == 5 and all(isinstance(item.value, float) for item in found)


@given(st.integers(2**28 * 1000, 4_000_000_000_000), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_what_a_detector_writes_is_read_again_held_at_the_ends_of_its_fields(at_ms, flow, share):
    found = {item.metric: item.value for item in DETECTOR.decode(write(Measured(flow, 0, 0, 0, share), at_ms), NOW)}
    assert found["traffic.flow"] == max(0, min(65_535, round(flow)))
    assert 0 <= found["traffic.congestion"] <= 1


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "20 bytes"),
        (write(SEEN, NOW)[:-1], "20 bytes"),
        (write(SEEN, NOW)[:-1] + b"\x00", "check byte"),
        (checked(b"XX" + write(SEEN, NOW)[2:-1]), "version 1"),
        (write(SEEN, 1000), "time"),
    ],
)
def test_what_is_cut_damaged_or_of_another_time_is_refused_in_words(payload, why):
    with pytest.raises(BadPayload, match=why):
        DETECTOR.decode(payload, NOW)
