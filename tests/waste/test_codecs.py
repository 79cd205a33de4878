# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.kernel.codecs import BadPayload
from waste.codecs import CODECS, MILESIGHT_EM310, MILESIGHT_EM400, DecentlabMbx, write_em400

NOW = 1_800_000_000_000
EM310 = bytes.fromhex("01755C03824408040001")
MBX = bytes.fromhex("02012f000304d200010bb1")
CHIRPSTACK = {
    "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d", "time": "2026-05-04T05:12:31.482+00:00",
    "deviceInfo": {"devEui": "24e124713b123456", "tags": {"container": "C-0042"}}, "fCnt": 1203, "fPort": 85,
    "data": "AXVcA4JECAQAAQ==", "object": {"battery": 92, "distance": 2116, "position": "tilt"},
    "rxInfo": [{"rssi": -97}],
}  # fmt: skip
TTS = {
    "end_device_ids": {"device_id": "bin-0043"}, "received_at": "2026-05-04T05:13:02.113Z",
    "uplink_message": {"f_port": 1, "f_cnt": 418, "frm_payload": "AgEvAAME0gABC7E=",
                       "received_at": "2026-05-04T05:13:01.907Z", "rx_metadata": [{"snr": 5.8}]},
}  # fmt: skip


def values(codec, payload):
    return {item.metric: item.value for item in codec.decode(payload, NOW)}


def event(data, port=85):
    return json.dumps({"time": "2026-05-04T05:12:31Z", "fPort": port, "data": base64.b64encode(data).decode()}).encode()


def test_the_published_example_of_the_milesight_sensor_decodes():
    assert values(MILESIGHT_EM310, EM310) == {"waste.battery": 92, "waste.distance": 2116, "waste.tilt": 1}


def test_the_published_example_of_the_decentlab_sensor_decodes():
    found = {"waste.distance": 1234, "waste.valid_samples": 1, "waste.battery_voltage": 2.993}
    assert values(DecentlabMbx(), MBX) == found


def test_an_uplink_of_chirpstack_carries_its_instant():
    found = MILESIGHT_EM310.decode(json.dumps(CHIRPSTACK).encode(), NOW)
    assert {item.metric: item.value for item in found} == values(MILESIGHT_EM310, EM310)
    assert {item.at_ms for item in found} == {1_777_871_551_482}


def test_an_uplink_of_the_things_stack_carries_its_instant():
    found = DecentlabMbx().decode(json.dumps(TTS).encode(), NOW)
    assert {item.metric: item.value for item in found} == values(DecentlabMbx(), MBX)
    assert {item.at_ms for item in found} == {1_777_871_581_907}


def test_a_field_the_things_stack_leaves_out_is_zero():
    quiet = {"uplink_message": {"frm_payload": base64.b64encode(MBX).decode(), "received_at": ""}}
    assert DecentlabMbx().decode(json.dumps(quiet).encode(), NOW)[0].at_ms is None


@pytest.mark.parametrize(
    ("codec", "payload", "why"),
    [
        (MILESIGHT_EM310, b"", "empty"),
        (MILESIGHT_EM310, EM310[:-1], "cut short"),
        (MILESIGHT_EM310, EM310 + b"\x09", "not a channel"),
        (MILESIGHT_EM310, EM310 * 30, "1 to 242 bytes"),
        (MILESIGHT_EM310, bytes.fromhex("040002"), "position"),
        (MILESIGHT_EM310, bytes.fromhex("0382ffff"), "no echo"),
        (MILESIGHT_EM310, event(EM310, port=7), "port 85"),
        (MILESIGHT_EM310, b'{"fPort":85,"data":"@@@"}', "base64"),
        (MILESIGHT_EM310, b'{"fPort":85,"data":"AXVc","time":"yesterday"}', "instant"),
        (MILESIGHT_EM310, b'{"fPort":85,"data":"AXVc","time":"2026-05-04T05:12:31"}', "time zone"),
        (MILESIGHT_EM310, b'{"fPort":85}', "neither"),
        (MILESIGHT_EM310, b'{"x":"' + b"y" * 70_000 + b'"}', "65536"),
        (DecentlabMbx(), MBX[:-1], "due by its flags"),
        (DecentlabMbx(), MBX + b"\x00", "due by its flags"),
        (DecentlabMbx(), b"\x01" + MBX[1:], "version 1"),
        (DecentlabMbx(), bytes.fromhex("02012f0004"), "flags"),
    ],
)
def test_what_is_cut_too_long_or_garbage_is_refused_in_words(codec, payload, why):
    with pytest.raises(BadPayload, match=why):
        codec.decode(payload, NOW)


words = st.one_of(st.text(max_size=12), st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat()))
odd = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words, st.binary().map(lambda b: b.hex()))
events = st.one_of(
    st.dictionaries(st.sampled_from(["data", "fPort", "time", "uplink_message"]), odd),
    st.fixed_dictionaries({"data": words, "fPort": st.just(85), "time": words}),
    st.fixed_dictionaries({"uplink_message": st.fixed_dictionaries({"frm_payload": words, "received_at": words})}),
    words.map(lambda time: CHIRPSTACK | {"time": time}),
).map(lambda event: json.dumps(event).encode())


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@given(payload=st.one_of(st.binary(max_size=300), st.binary(max_size=40).map(event), events))
def test_decoding_raises_nothing_but_bad_payload(codec, payload):
    try:
        found = codec.decode(payload, NOW)
    except BadPayload as error:
        assert str(error)
    else:
        assert all(isinstance(item.value, float) for item in found)


def test_the_same_sensor_family_has_other_channels_so_the_codec_is_never_guessed():
    with pytest.raises(BadPayload):
        MILESIGHT_EM400.decode(EM310, NOW)


def test_a_distance_without_a_valid_echo_is_left_out():
    assert "waste.distance" not in values(DecentlabMbx(), bytes.fromhex("02012f000304d200000bb1"))


def test_frost_comes_through_as_frost():
    said = {"waste.temperature": -12.5, "waste.distance": 700.0, "waste.battery": 50.0, "waste.tilt": 0.0}
    assert values(MILESIGHT_EM400, write_em400(said, "2026-01-04T05:12:31+00:00")) == said
