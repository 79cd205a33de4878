# SPDX-License-Identifier: Apache-2.0
"""SenML in CBOR: read into the same columns as JSON, strict about types, and no tag ever acts."""

from __future__ import annotations

import json
import math

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smartcity.kernel import senml
from smartcity.kernel.codecs import BadPayload

NOW = 1_800_000_000_000
NUMBERS = {"bver": -1, "bn": -2, "bt": -3, "bu": -4, "bv": -5, "n": 0, "u": 1, "v": 2, "vb": 4, "t": 6}
TAGS = [0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799, 2**40]
labels = st.one_of(st.sampled_from(list(NUMBERS.values())), st.integers(-10, 10), st.text(max_size=3))
scalars = st.one_of(st.floats(), st.integers(-(2**64), 2**64 - 1), st.text(max_size=5), st.booleans(), st.none())
values = st.one_of(scalars, st.binary(max_size=5), st.lists(scalars, max_size=2))
packs = st.lists(st.dictionaries(labels, values, max_size=5), max_size=4).map(cbor2.dumps)


def pack(*records):
    return cbor2.dumps([{NUMBERS[name]: value for name, value in record.items()} for record in records])


@example(b"\x81" * 5_000)
@example(b"\x9b" + b"\xff" * 8)
@example(b"\x9f" * 3_000)
@example(b"\x81\xa1\x00\x61\xff")
@given(st.one_of(packs, st.binary(max_size=80).map(lambda tail: b"\x81" + tail)))
def test_decoding_raises_nothing_but_bad_payload(payload):
    try:
        found = senml.CODEC.decode(payload, NOW)
    except BadPayload as error:
        assert str(error)
    else:
        assert found and all(math.isfinite(item.value) for item in found)
        assert all(item.at_ms is None or senml.ABSOLUTE_S * 1000 <= item.at_ms <= 4e12 for item in found)


def test_the_same_records_give_the_same_columns_as_json():
    records = [
        {"bn": "lighting.", "bt": 1_700_000_000, "bu": "W", "bv": 10, "n": "power_w", "v": 1.5},
        {"n": "dim_level", "t": -60, "u": "%", "v": 70},
        {"n": "is_on", "vb": True},
    ]
    assert senml.CODEC.columns(pack(*records), NOW) == senml.CODEC.columns(json.dumps(records).encode(), NOW)


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_is_refused_wherever_it_stands_and_never_acts(tag):
    tagged = cbor2.CBORTag(tag, 1)
    for payload in (cbor2.dumps([tagged]), cbor2.dumps([{0: "x", 2: tagged}]), b"\x81" + cbor2.dumps(tagged)):
        with pytest.raises(BadPayload, match="not SenML CBOR"):
            senml.CODEC.decode(payload, NOW)


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({0: "x", 2: float("nan")}, "not a finite number"),
        ({0: "x", 2: float("inf")}, "not a finite number"),
        ({0: "x", 2: 1, 6: float("nan")}, "not a finite number"),
        ({0: "x", 2: True}, "got `bool`"),
        ({0: "x", 2: "1"}, "got `str`"),
        ({0: 5, 2: 1}, "got `int`"),
        ({0: b"x", 2: 1}, "got `bytes`"),
        ({0: "x", 2: 1, "must_": 1}, "not understood"),
        ({0: "x", 2: [1]}, "depth"),
        ({0: "x"}, "no numeric value"),
        ({0: "x", 2: 1, 6: 60}, "absolute"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_from_a_number(record, why):
    with pytest.raises(BadPayload, match=why):
        senml.CODEC.decode(cbor2.dumps([record]), NOW)


@pytest.mark.parametrize("payload", [b"\x80", pack({"n": "x", "v": 1}) + b"\x00", b"\x81\xa2\x00\x61a\x00\x61b"])
def test_an_empty_pack_bytes_after_it_and_a_label_said_twice_are_refused(payload):
    with pytest.raises(BadPayload):
        senml.CODEC.decode(payload, NOW)


def test_a_pack_of_a_device_that_does_not_know_its_length_is_read():
    endless = b"\x9f\xbf\x00\x61x\x02\x01\xff\xff"
    assert [item.value for item in senml.CODEC.decode(endless, NOW)] == [1.0]
