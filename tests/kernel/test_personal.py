# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity import declared
from smartcity.kernel import personal

CARRIED = {
    b'{"flow": 12, "plate": "ABC-123"}': "a number plate",
    b'{"licensePlateNumber":"ABC-123"}': "a number plate",
    b'{"license_plate_text" : "X"}': "a number plate",
    b'{"Kennzeichen":"B-XY 1"}': "a number plate",
    b"count=3&plate=ABC123": "a number plate",
    b"<event><plate>ABC123</plate></event>": "a number plate",
    b"<e:event><e:plate >ABC123</e:plate></e:event>": "a number plate",
    b'[{"bn":"camera:","n":"plate","vs":"ABC-123"}]': "a number plate",
    b'[{"n":"cam1/traffic.plate","vs":"ABC-123"}]': "a number plate",
    b'{"image":"..."}': "an image",
    b'{"snapshot_url":"https://camera/1"}': "an image",
    b'{"x":"data:image/png;base64,AAAA"}': "an image",
    b'{"x":"' + base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(20)) + b'"}': "an image",
    b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(120): "an image",
    b"camera 7 " + b"\x89PNG\r\n\x1a\n" + bytes(60): "an image",
    b'{"mac":"x"}': "a MAC address",
    b'{"client_mac_address":"x"}': "a MAC address",
    b'{"seen":["A4:5E:60:C2:11:0f"]}': "a MAC address",
    b"a4-5e-60-c2-11-0f": "a MAC address",
    b'{"trackId": 17}': "a track id",
    b'{"tracks":[{"x":1}]}': "a track id",
    b'{"object_id":4}': "a track id",
}
SOUND = (
    b"",
    b"TD\x01\x00\xff\xd8\xff\x00\x01\x02\x03\x04",
    b'{"machine": "on", "tracking": true, "plateau": 3, "imagined": 1, "facet": 2}',
    b'[{"bn":"urn:dev:mac:0024befffe804ff1:","n":"lighting.power_w","v":1}]',
    b'{"dev_eui":"00:11:22:33:44:55:66:77"}',
    b'{"at":"2026-11-28T07:46:19+00:00","v":-1}',
    b"9a7e3b10-1c5d-4bb5-8d7e-1f4a6f2b8c11",
)


@pytest.mark.parametrize(("payload", "what"), CARRIED.items())
def test_what_no_payload_may_carry_is_found_whatever_it_is_wrapped_in(payload, what):
    assert personal.carried(payload) == what


@pytest.mark.parametrize("payload", SOUND)
def test_words_that_only_look_alike_are_let_through(payload):
    assert personal.carried(payload) == ""


def test_no_codec_of_ours_and_no_metric_is_taken_for_personal_data():
    assert [codec.name for codec in declared.codecs().values() if personal.carried(codec.sample.payload)] == []
    packs = {name: json.dumps([{"n": name, "v": 1, "t": 1.8e9}, {name: 1}]).encode() for name in declared.metrics()}
    assert [name for name, pack in packs.items() if personal.carried(pack)] == []


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_it_is_found_among_any_bytes(before, after):
    assert personal.carried(before + b' "plate": ' + after)
