# SPDX-License-Identifier: Apache-2.0
"""Whatever bytes come and however a codec breaks: a message is decoded or set aside, and the others go on."""

from __future__ import annotations

import base64
import json
import logging
import math
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity import declared
from smartcity.ingest import decoding
from smartcity.ingest.courses import Courses
from smartcity.ingest.decoding import Tables
from smartcity.ingest.roster import Known, Roster
from smartcity.kernel import senml
from smartcity.kernel.codecs import Observation, Sample
from smartcity.telemetry import book
from smartcity.transports.messages import RawMessage

NOW = 1_800_000_000_000
POWER = "lighting.power_w"
SOUND = b'[{"n":"lighting.power_w","v":41.5,"t":1800000000}]'


@dataclass(frozen=True)
class Broken:
    """A codec that does with every message what the test says."""

    what: Any
    name: str = "broken"
    version: str = "9"
    sample: Sample = field(default=senml.CODEC.sample)

    def decode(self, payload, received_at_ms):
        return self.what()

    def encode(self, instruction):
        return b""


def raises(problem):
    def decode():
        raise problem

    return decode


def half_way():
    yield Observation(POWER, 1.0, NOW)
    raise OSError("torn off")


def tables(*own):
    """One device for each codec, named after it, with every metric set up."""
    codecs = {codec.name: codec for codec in (*declared.codecs().values(), *own)}
    series = {name: number for number, name in enumerate(declared.metrics())}
    devices = {name: Known(number, name, name, "", series=series) for number, name in enumerate(codecs)}
    known = book.write([(number, name) for name, number in series.items()], declared.metrics())
    return Tables(Roster(devices, {}, known), codecs, declared.metrics())


def message(payload, kind="up", device="senml"):
    return RawMessage(device, kind, payload, NOW, "test", lambda outcome: None)


def decode(*messages, codecs=()):
    return decoding.decode(messages, tables(*codecs), Courses())


payloads = st.one_of(
    st.binary(max_size=300),
    st.sampled_from([codec.sample.payload for codec in declared.codecs().values()]).flatmap(
        lambda sample: st.tuples(st.integers(0, len(sample)), st.binary(max_size=3)).map(
            lambda change: sample[: change[0]] + change[1] + sample[change[0] + len(change[1]) :]
        )
    ),
)


@given(payloads, st.sampled_from(["up", "ack", "hello"]), st.sampled_from(sorted(declared.codecs())))
def test_bytes_of_any_kind_are_decoded_or_set_aside_and_hold_nobody_up(payload, kind, device):
    found = decode(message(SOUND), message(payload, kind, device), message(SOUND))
    whole = [row for row in found.quarantined if not row.readings]
    assert found.decoded + len(whole) == 3 and found.decoded >= 2
    assert all(row.kind and row.reason and row.payload == payload for row in found.quarantined)
    assert found.readings.value.tolist().count(41.5) >= 2


WAYS = {
    "a wrong key": raises(KeyError("oh")),
    "a sum too large": raises(OverflowError()),
    "endless depth": raises(RecursionError()),
    "an error of its own": raises(type("Own", (Exception,), {})()),
    "nothing": lambda: None,
    "things that are no observations": lambda: [None],
    "a value that is none": lambda: [Observation(POWER, "much", NOW)],  # type: ignore[arg-type]
    "a time that is none": lambda: [Observation(POWER, 1.0, "soon")],  # type: ignore[arg-type]
    "a time that is no number": lambda: [Observation(POWER, 1.0, math.nan)],  # type: ignore[arg-type]
    "half of it": half_way,
}


@pytest.mark.parametrize("what", WAYS.values(), ids=WAYS.keys())
def test_a_codec_that_breaks_costs_only_its_message(what):
    found = decode(message(SOUND), message(b"x", device="broken"), message(SOUND), codecs=[Broken(what)])
    assert (found.decoded, found.readings.value.tolist()) == (2, [41.5, 41.5])
    (row,) = found.quarantined
    assert (row.kind, row.readings) == ("codec failed", 0)
    assert row.reason.startswith("the codec broken 9 broke")


def test_a_name_that_is_no_text_is_no_metric():
    said: Any = Observation(["a"], 1.0, NOW)  # type: ignore[arg-type]
    found = decode(message(b"x", device="broken"), codecs=[Broken(lambda: [said])])
    assert [(row.kind, row.readings) for row in found.quarantined] == [("unknown metric", 1)]


def test_a_codec_that_breaks_is_logged_once(caplog):
    codec = Broken(raises(ZeroDivisionError()), name="breaks_often")
    with caplog.at_level(logging.ERROR):
        found = decode(*[message(b"x", device="breaks_often")] * 5, codecs=[codec])
    assert len(found.quarantined) == 5
    (record,) = caplog.records
    assert "breaks_often" in record.getMessage() and record.exc_info


@pytest.mark.parametrize("depth", [33, 900, 990, 5000])
def test_a_description_that_nests_too_deep_to_be_written_is_set_aside(depth):
    found = decode(message(b'{"a":' * depth + b"1" + b"}" * depth, "hello"))
    assert [row.kind for row in found.quarantined] == ["bad hello"] and found.hellos == []


def test_a_description_may_nest_as_deep_as_any_device_needs():
    found = decode(message(b'{"a":' * 32 + b"1" + b"}" * 32, "hello"))
    assert len(found.hellos) == 1


def test_what_a_network_server_wraps_is_unwrapped_before_its_codec_reads_it_and_kept_whole_when_it_cannot():
    frame = base64.b64encode(b'[{"n":"lighting.power_w","v":41.5}]').decode()
    heard = {"deviceInfo": {}, "time": "2027-01-15T08:00:00Z", "fPort": 2, "data": frame}
    events = [json.dumps(heard).encode(), b'{"deviceInfo":{},"fPort":0}', b'{"data":"@"}', SOUND]
    messages = [RawMessage("senml", "up", event, NOW + 9_000, "chirpstack", print) for event in events]
    found = decoding.decode(messages, tables(), Courses())
    assert (found.readings.at.tolist(), found.readings.quality.tolist()) == ([NOW], [0])
    assert found.decoded == 2
    assert [(row.kind, row.payload) for row in found.quarantined] == [("bad payload", e) for e in events[2:]]


CAMERA = b'{"flow": 12, "plate": "ABC-123"}'


def test_a_camera_that_tells_a_plate_is_refused_as_a_whole_and_its_body_not_kept():
    told = Broken(lambda: [Observation(POWER, 1.0, NOW)])
    found = decode(message(CAMERA, device="broken"), codecs=[told])
    (row,) = found.quarantined
    assert (row.kind, row.readings, row.keeps_body, len(found.readings)) == ("personal data", 0, False, 0)
    assert "a number plate" in row.reason and "ABC" not in row.reason


def test_so_is_a_pack_of_the_house_format_with_one_among_its_names():
    found = decode(message(SOUND[:-1] + b',{"n":"cam/plate","v":123,"t":1800000000}]'))
    assert [(row.kind, row.keeps_body) for row in found.quarantined] == [("personal data", False)]
    assert found.decoded == 0


@pytest.mark.parametrize(("kind", "device"), [("up", "nobody"), ("up", "senml"), ("hello", "senml")])
def test_of_what_is_set_aside_for_another_reason_no_such_body_is_kept_either(kind, device):
    (row,) = decode(message(b"x" + CAMERA, kind, device)).quarantined
    assert (row.kind, row.keeps_body) == ("personal data", False) and "it carries a number plate" in row.reason
