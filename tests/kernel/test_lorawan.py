# SPDX-License-Identifier: Apache-2.0
"""Uplink events: the frame and its port go to the codec, the network's instant dates what has none."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field

import pytest

from smartcity.kernel import lorawan, senml
from smartcity.kernel.codecs import BadPayload, Observation, Sample

NOW = 1_800_000_000_000
AT = 1_777_871_551_482


@dataclass(frozen=True)
class Framed:
    """Tells the port and the bytes it was given."""

    name: str = "framed"
    version: str = "1"
    sample: Sample = field(default=senml.CODEC.sample)

    def decode(self, payload, received_at_ms):
        raise AssertionError("it has a port")

    def decode_frame(self, frame, port):
        return [Observation("waste.distance", float(frame[0]), None), Observation("waste.battery", float(port), 7)]

    def encode(self, instruction):
        return b""


def chirpstack(frame=b"\x2a", **more):
    return json.dumps(
        {
            "deviceInfo": {"devEui": "24e124713b123456"},
            "time": "2026-05-04T05:12:31.482+00:00",
            "fPort": 85,
            "data": base64.b64encode(frame).decode(),
        }
        | more
    ).encode()


def the_things_stack(frame=b"\x2a"):
    message = {"f_port": 85, "frm_payload": base64.b64encode(frame).decode(), "received_at": "2026-05-04T05:12:31.482Z"}
    return json.dumps({"end_device_ids": {"device_id": "bin-43"}, "uplink_message": message}).encode()


@pytest.mark.parametrize("event", [chirpstack(), the_things_stack()], ids=["ChirpStack", "The Things Stack"])
def test_a_codec_gets_the_frame_and_its_port_and_the_networks_instant_where_it_has_none(event):
    assert lorawan.observed(Framed(), event, NOW) == [
        Observation("waste.distance", 42.0, AT),
        Observation("waste.battery", 85.0, 7),
    ]


def test_a_codec_that_knows_no_ports_gets_the_frame():
    frame = b'[{"n":"lighting.power_w","v":41.5}]'
    assert lorawan.observed(senml.CODEC, chirpstack(frame), NOW) == [Observation("lighting.power_w", 41.5, AT)]


@pytest.mark.parametrize(
    "event",
    [
        chirpstack(b"", fPort=0),
        b'{"deviceInfo":{"devEui":"24e124713b123456"},"time":"2026-05-04T05:12:31Z"}',
        b'{"end_device_ids":{"device_id":"bin-43"},"uplink_message":{"received_at":"2026-05-04T05:12:31Z"}}',
    ],
)
def test_a_frame_that_only_served_the_network_says_nothing(event):
    assert list(lorawan.observed(Framed(), event, NOW)) == []


@pytest.mark.parametrize("event", [b"", b"\1\2", b"[]", b'{"x":1}', b"{" * 4_000, b'{"data":"\xff"}', b"\xff\xfe{}"])
def test_what_is_no_event_of_a_network_is_refused_in_words(event):
    with pytest.raises(BadPayload):
        lorawan.observed(Framed(), event, NOW)
