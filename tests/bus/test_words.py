# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.bus import feed, words

KEY = b"the city's"
items = st.lists(st.lists(st.one_of(st.text(max_size=60), st.integers(-(2**53), 2**53), st.booleans()), max_size=5))


def read(text):
    return words.read(KEY, "t", text)


@given(items, st.integers(400, 2000))
def test_what_is_packed_is_read_again_in_its_order_and_no_message_is_longer_than_its_room(said, room):
    messages = [read(words.write(KEY, "t", "web:1", n, part)) for n, part in enumerate(words.pack(said, room), 1)]
    assert [item for message in messages for item in message.items] == said
    assert all(len(part) <= room for part in words.pack(said, room))
    assert [message.number for message in messages] == list(range(1, len(messages) + 1))


def test_an_item_longer_than_a_message_is_said_to_be():
    with pytest.raises(words.TooLong, match="at most"):
        list(words.pack(["x" * 9_000]))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "null", '{"from":"a"}', '{"from":"a","n":"x","items":[]}', "\ud83d"]
)
def test_what_is_none_of_ours_is_a_value_error(text):
    with pytest.raises(ValueError):
        read(text)
    with pytest.raises(ValueError):
        read(words._signature(KEY, "t", text) + text)


def test_a_name_with_quotes_does_no_harm():
    assert read(words.write(KEY, "t", 'a"b', 1, b"[1]")) == words.Said('a"b', 1, [1])
    assert json.loads(words.write(KEY, "t", "é", 1, b"[]")[words.SIGNATURE :])["from"] == "é"


@pytest.mark.parametrize(
    "forged",
    [
        words.write(b"another key", "t", "control:1", 1, b"[1]"),
        words.write(KEY, "another topic", "control:1", 1, b"[1]"),
        words.write(KEY, "t", "control:1", 1, b"[1]").replace("[1]", "[2]"),
        words.write(KEY, "t", "control:1", 1, b"[1]")[words.SIGNATURE :],
        "",
        "\ud83d" * 40,
    ],
)
def test_only_what_the_city_has_signed_for_this_topic_is_believed(forged):
    with pytest.raises(words.Unsigned):
        read(forged)


def test_values_come_out_as_they_went_in():
    columns = (np.array([1, 2**31 - 1]), np.array([5, 2**45]), np.array([0.1, -1e300]), np.array([0, 7]))
    assert all((a == b).all() for a, b in zip(feed.unpack(feed.pack(columns)), columns, strict=True))


@pytest.mark.parametrize("told", [b"", b"abc", b"\x01\x00\x00\x00", b"\xff\xff\xff\xff" + bytes(26)])
def test_bytes_that_are_no_values_are_a_value_error(told):
    with pytest.raises(ValueError):
        feed.unpack(told)
