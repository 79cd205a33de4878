# SPDX-License-Identifier: Apache-2.0
"""The mapping file: what it may say, and what it hears when it says it wrongly."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.transports.bridge import mapping
from smartcity.transports.bridge.directory import Directory
from smartcity.transports.bridge.mapping import BadMapping
from smartcity.transports.bridge.topics import BadPattern, pattern
from tests.transports.bridge.samples import APPLICATION, EUI, ChirpStackSays, ThingsStackSays

BROKER = '[broker]\naddress = "127.0.0.1:1883"\n'
PLAIN = BROKER + '[[source]]\nformat = "plain"\ntopic = "sensors/{device}/up"\n'


def read(tmp_path, text):
    path = tmp_path / "bridge.toml"
    path.write_text(text)
    return mapping.read(path)


def test_a_whole_file(tmp_path):
    found = read(
        tmp_path,
        """
[broker]
address = "mqtt.city.example:8883"
tls = true
ca_file = "/etc/smartcity/broker-ca.pem"
username = "smartcity"
password_file = "/etc/smartcity/broker-password"
client_id = "smartcity-1"
share = "smartcity"
receive_max = 200
drops_topic = "$SYS/broker/publish/messages/dropped"

[[source]]
format = "chirpstack"
application = "52f14cd4-c6f1-4fbd-8f87-4025e1d49242"
uid = "lora-{device}"
radio = { class = "C", f_port = 2, confirmed = false }

[[source]]
format = "plain"
topic = "{device}/up"
command_topic = "{device}/cmd"
codec = "senml"

[devices]
a84041ffff180001 = "L-0417"
a84041ffff180002 = { uid = "L-0418", radio = { class = "A", f_port = 85, every_s = 3600 } }

[airtime]
share = 0.25
rx2_spreading = 9
""",
    )
    assert (found.broker.share, found.broker.receive_max, found.broker.version) == ("smartcity", 200, "5")
    assert [source.radio.device_class for source in found.sources] == ["C", "A"]
    assert found.listed()[EUI].uid == "L-0417"
    assert found.listed()["a84041ffff180002"].radio.f_port == 85
    assert (found.airtime.share, found.airtime.rx2_spreading) == (0.25, 9)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[broker", "Invalid|Expected"),
        ('[broker]\naddress = "x:1"\n', "missing required field `source`"),
        (PLAIN.replace("1883", "many"), "must be host:port"),
        (PLAIN.replace("[broker]", "[broker]\nrecieve_max = 3"), "unknown field `recieve_max`"),
        (PLAIN.replace("[broker]", "[broker]\nreceive_max = 0"), "receive_max"),
        (PLAIN.replace("[broker]", '[broker]\nshare = "a/b"'), "share"),
        (PLAIN.replace("[broker]", '[broker]\nshare = "a"\nversion = "3.1.1"'), "MQTT 5"),
        (PLAIN.replace("[broker]", '[broker]\ncertificate_file = "a"'), "needs tls"),
        (PLAIN.replace("sensors/{device}/up", "sensors/#"), "plain text, \\+ or one"),
        (PLAIN.replace("sensors/{device}/up", "sensors/up"), "must say where the device stands"),
        (PLAIN.replace('topic = "sensors/{device}/up"', ""), "needs a topic"),
        (PLAIN + 'uid = "lamp"\n', "must hold {device} once"),
        (PLAIN + 'application = "x"\n', "has no application"),
        (PLAIN + 'command_topic = "{area}/{device}/cmd"\n', "nothing but {device}"),
        (PLAIN + 'command_topic = "+/{device}/cmd"\n', "nothing but {device}"),
        (BROKER + '[[source]]\nformat = "chirpstack"\ntopic = "x"\n', "leave out topic"),
        (BROKER + '[[source]]\nformat = "zigbee"\n', "zigbee"),
        (PLAIN + 'radio = { class = "D" }\n', "D"),
        (PLAIN + "radio = { f_port = 0 }\n", "f_port"),
        (PLAIN + '[devices]\na = "L-1"\nb = "L-1"\n', "L-1 is named twice"),
        (PLAIN + '[[group]]\ndevice = "g"\nmembers = ["L-1"]\ngateways = ["roof"]\n', "not clear which network"),
        (BROKER + '[[source]]\nformat = "chirpstack"\napi_url = "ftp://x"\n', "api_url"),
    ],
)
def test_a_mistake_is_named_with_the_file(tmp_path, text, why):
    with pytest.raises(BadMapping, match=why) as problem:
        read(tmp_path, text)
    assert "bridge.toml" in str(problem.value)


def test_a_group_belongs_to_the_one_network_that_can_or_to_its_application(tmp_path):
    two = "".join(f'[[source]]\nformat = "things_stack"\napplication = "{name}"\n' for name in ("east", "west"))
    group = '[[group]]\ndevice = "g"\nmembers = ["L-1"]\ngateways = ["roof"]\n'
    with pytest.raises(BadMapping, match="group g: it is not clear"):
        read(tmp_path, BROKER + two + group)
    found = read(tmp_path, BROKER + two + group + 'application = "west"\n')
    assert found.source_of(found.groups[0]).application == "west"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadMapping, match=r"nowhere\.toml cannot be read: No such file"):
        mapping.read(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("text", "topic", "names"),
    [
        ("{device}/up", "L-1/up", {"device": "L-1"}),
        ("+/{device}/up", "north/L-1/up", {"device": "L-1"}),
        ("a/{area}/{device}", "a/b/c", {"area": "b", "device": "c"}),
        ("{device}/up", "/up", {"device": ""}),
        ("{device}/up", "L-1/down", None),
        ("{device}/up", "L-1/up/now", None),
        ("{device}/up", "up", None),
    ],
)
def test_a_pattern_says_who_speaks(text, topic, names):
    assert pattern(text).match(topic) == names


level = st.text(st.characters(exclude_characters="/+#{}\0", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(level, min_size=1, max_size=5), st.data())
def test_a_pattern_filled_in_is_matched_again(levels, data):
    place = data.draw(st.integers(0, len(levels)))
    text = "/".join([*levels[:place], "{device}", *levels[place:]])
    device = data.draw(level)
    topic = "/".join([*levels[:place], device, *levels[place:]])
    assert pattern(text).match(topic) == {"device": device}
    assert pattern(text).filter == "/".join([*levels[:place], "+", *levels[place:]])


@pytest.mark.parametrize("text", ["a/#", "{device}x/up", "x{device}", "{Device}/up", "{device}/a\0"])
def test_what_is_no_pattern_is_refused(text):
    with pytest.raises(BadPattern):
        pattern(text)


NETWORK = BROKER + f'[[source]]\nformat = "chirpstack"\napplication = "{APPLICATION}"\nuid = "lora-{{device}}"\n'


def found(directory, topic):
    route, address = whose(directory, topic)
    return (route.event, address.uid, address.name) if route else None


def whose(directory, topic) -> Any:
    return directory.find(topic) or (None, None)


def address(directory, uid) -> Any:
    return directory.address(uid)


def test_a_device_is_called_by_the_template_or_by_the_list(tmp_path):
    directory = Directory(read(tmp_path, NETWORK + '[devices]\na84041ffff180001 = "L-0417"\n'))
    assert found(directory, ChirpStackSays.topic("up")) == ("up", "L-0417", EUI)
    assert found(directory, ChirpStackSays.topic("ack", "A84041FFFF180002")) == (
        "ack", "lora-a84041ffff180002", "a84041ffff180002",
    )  # fmt: skip
    assert found(directory, ChirpStackSays.topic("join")) is None
    assert found(directory, ChirpStackSays.topic("up", application="another")) is None
    assert found(directory, ChirpStackSays.topic("up", "x" * 200)) is None


def test_a_listed_device_can_be_reached_before_it_is_heard_and_another_only_after(tmp_path):
    directory = Directory(read(tmp_path, NETWORK + '[devices]\na84041ffff180001 = "L-0417"\n'))
    other = "lora-a84041ffff180002"
    assert address(directory, "L-0417").name == EUI
    assert address(directory, other) is None
    _, speaker = whose(directory, ChirpStackSays.topic("up", "a84041ffff180002"))
    directory.heard(speaker, 5, None)
    assert address(directory, other).heard_ms == 5
    directory.heard(speaker, 4, None)  # one that came late
    assert address(directory, other).heard_ms == 5


def test_two_kinds_of_source_side_by_side(tmp_path):
    text = PLAIN + 'ack_topic = "sensors/{device}/ack"\n[[source]]\nformat = "things_stack"\nuid = "tts-{device}"\n'
    directory = Directory(read(tmp_path, text))
    assert found(directory, "sensors/L-1/up") == ("up", "L-1", "L-1")
    assert found(directory, "sensors/L-1/ack") == ("ack", "L-1", "L-1")
    assert found(directory, ThingsStackSays.topic("down/ack")) == ("down/ack", "tts-lamp-17", "lamp-17")
    assert whose(directory, ThingsStackSays.topic("up"))[1].application == "city@tenant"
