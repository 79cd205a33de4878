# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.kernel import senml
from smartcity.kernel.codecs import BadPayload, Observation
from traffic import event_codec
from traffic.event_codec import SIGNAL, Event

AT = 1_800_000_000_000
EVENTS = [Event(AT, 1, 2), Event(AT, 82, 22), Event(AT + 12_345, 8, 2)]


def test_a_batch_comes_back_as_it_was_written():
    at, code, parameter = event_codec.read(event_codec.write(EVENTS, 7, AT + 20_000))
    assert list(zip(at.tolist(), code.tolist(), parameter.tolist(), strict=True)) == [
        (event.at_ms, event.code, event.parameter) for event in EVENTS
    ]


def test_its_head_says_number_span_and_when_it_was_sent():
    log = SIGNAL.columns(event_codec.write(EVENTS, 7, AT + 20_000), AT + 20_500).log
    assert log is not None
    assert (log.number, log.first_ms, log.last_ms, log.sent_ms, log.events) == (7, AT, AT + 12_345, AT + 20_000, 3)


def test_readings_of_the_same_device_are_read_as_before():
    assert SIGNAL.decode(senml.write({"traffic.stage": 2.0}, AT), AT) == [Observation("traffic.stage", 2.0, AT)]


def test_a_batch_out_of_order_or_damaged_is_refused_with_its_reason():
    sound = event_codec.write(EVENTS, 7, AT)
    with pytest.raises(BadPayload, match="damaged"):
        SIGNAL.columns(sound[:-6] + bytes([sound[-6] ^ 1]) + sound[-5:], AT)
    with pytest.raises(BadPayload, match="order of time"):
        SIGNAL.columns(event_codec.write([Event(AT, 1, 1), Event(AT + 9, 1, 2), Event(AT + 5, 1, 3)], 1, AT), AT)


@given(st.binary(max_size=200))
def test_whatever_follows_the_magic_is_read_or_refused_in_words(rest):
    with pytest.raises(BadPayload):
        SIGNAL.decode(b"TE" + rest, AT)
