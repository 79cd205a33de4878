# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smartcity.kernel import senml
from smartcity.kernel.codecs import BadPayload

NOW = 1_800_000_000_000
numbers = st.one_of(st.floats(), st.integers(), st.floats(1.7e9, 1.9e9))
anything = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=8), st.lists(st.integers(), max_size=2))
sound = st.fixed_dictionaries(
    {"n": st.text(max_size=8)},
    optional=dict.fromkeys(("v", "t", "bt", "bv"), numbers) | {"vb": st.booleans(), "u": st.text(max_size=3)},
)
odd = st.dictionaries(st.sampled_from(["bn", "bt", "bu", "bv", "bver", "n", "u", "v", "vb", "vs", "t", "x"]), anything)
packs = st.lists(st.one_of(sound, odd), max_size=4).map(lambda pack: json.dumps(pack).encode())


@example(b'[{"n":"\xff","v":1}]')
@example(b'[{"bv":1.7e308,"n":"x","v":1.7e308}]')
@example(b'[{"bt":1e308,"n":"x","v":1,"t":1e308}]')
@given(st.one_of(st.binary(max_size=200), packs, st.text(max_size=60).map(lambda text: text.encode())))
def test_decoding_raises_nothing_but_bad_payload(payload):
    try:
        found = senml.CODEC.decode(payload, NOW)
    except BadPayload as error:
        assert str(error)
    else:
        assert found and all(math.isfinite(item.value) for item in found)
        assert all(item.at_ms is None or senml.ABSOLUTE_S * 1000 <= item.at_ms <= 4e12 for item in found)


def test_bases_hold_until_the_next_and_add_up():
    pack = b'[{"bn":"a.","bt":1700000000,"bv":10,"n":"x","v":1},{"n":"y","t":-1,"v":2},{"bn":"b.","n":"z","v":3}]'
    found = [(item.metric, item.value, item.at_ms) for item in senml.CODEC.decode(pack, NOW)]
    at = 1_700_000_000_000
    assert found == [("a.x", 11.0, at), ("a.y", 12.0, at - 1000), ("b.z", 13.0, at)]


@pytest.mark.parametrize("many", [0, senml.MOST_RECORDS + 1])
def test_a_pack_is_neither_empty_nor_endless(many):
    with pytest.raises(BadPayload, match="1 to 1000"):
        senml.CODEC.decode(json.dumps([{"n": "x", "v": 1}] * many).encode(), NOW)


plain = st.fixed_dictionaries(
    {"n": st.text(max_size=8), "v": numbers},
    optional={"t": st.one_of(numbers, st.floats(1.7e9, 1.9e9)), "u": st.sampled_from(["", "W", "lm"])},
)


@given(st.lists(plain, min_size=1, max_size=5))
def test_plain_records_say_the_same_with_and_without_a_base_version(pack):
    with_version = [pack[0] | {"bver": 10}, *pack[1:]]
    assert outcome(pack) == outcome(with_version)


def outcome(pack):
    try:
        return [(item, item.unit) for item in senml.CODEC.decode(json.dumps(pack).encode(), NOW)]
    except BadPayload as problem:
        return str(problem) if "absolute" in str(problem) else "bad"
