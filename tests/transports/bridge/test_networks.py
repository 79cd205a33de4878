# SPDX-License-Identifier: Apache-2.0
"""What ChirpStack and The Things Stack say of uplinks and downlinks, and how they are asked for one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.kernel.codecs import BadPayload
from smartcity.transports.bridge.chirpstack import ChirpStack
from smartcity.transports.bridge.network import Downlink, Fate, Heard, OnAir
from smartcity.transports.bridge.things_stack import ThingsStack
from tests.transports.bridge.samples import AT_MS, COMMAND, EUI, GATEWAY, ChirpStackSays, ThingsStackSays

CHIRPSTACK, THINGS = ChirpStack(), ThingsStack()
DIM = Downlink(id=COMMAND, frame=b"\x32", f_port=2, confirmed=True, expires_at_ms=AT_MS)


def test_an_uplink_came_best_over_the_gateway_with_the_highest_snr():
    assert CHIRPSTACK.heard(ChirpStackSays.up(b"\x01")) == Heard(AT_MS, OnAir(GATEWAY, 868_100_000, 9, 125_000))
    assert THINGS.heard(ThingsStackSays.up(b"\x01")) == Heard(AT_MS, OnAir("tower", 868_100_000, 9, 125_000))


def test_an_uplink_in_fsk_or_without_gateways():
    bare = ChirpStackSays.up(b"\x01", rxInfo=[])
    fsk = ChirpStackSays.up(
        b"\x01", txInfo={"frequency": 868_800_000, "modulation": {"fsk": {"frequencyDeviation": 25_000}}}
    )
    assert CHIRPSTACK.heard(bare) == Heard(AT_MS, None)
    assert CHIRPSTACK.heard(fsk).on_air == OnAir(GATEWAY, 868_800_000, 0)
    assert THINGS.heard(b'{"uplink_message":{}}') == Heard(None, None)


@pytest.mark.parametrize(
    ("network", "event", "payload", "fate", "reason"),
    [
        (CHIRPSTACK, "ack", ChirpStackSays.ack(), Fate.CONFIRMED, ""),
        (CHIRPSTACK, "ack", ChirpStackSays.ack(acknowledged=False), Fate.UNCONFIRMED, ""),
        (CHIRPSTACK, "txack", ChirpStackSays.txack(), Fate.TRANSMITTED, ""),
        (CHIRPSTACK, "log", ChirpStackSays.log(), Fate.FAILED, "Device queue-item discarded because it exceeds the"),
        (CHIRPSTACK, "log", ChirpStackSays.log(code="EXPIRED"), Fate.EXPIRED, "Device queue-item"),
        (THINGS, "down/sent", ThingsStackSays.about("downlink_sent"), Fate.TRANSMITTED, ""),
        (THINGS, "down/ack", ThingsStackSays.about("downlink_ack"), Fate.CONFIRMED, ""),
        (THINGS, "down/nack", ThingsStackSays.about("downlink_nack"), Fate.TRIED_AGAIN, ""),
        (THINGS, "down/failed", ThingsStackSays.failed(), Fate.FAILED, "no downlink path available"),
    ],
)
def test_what_became_of_a_downlink(network, event, payload, fate, reason):
    told = network.told(event, payload)
    assert (told.id, told.fate, told.at_ms) == (COMMAND, fate, AT_MS)
    assert told.reason.startswith(reason)


def test_chirpstack_says_how_a_downlink_was_on_air():
    told = CHIRPSTACK.told("txack", ChirpStackSays.txack())
    assert told and told.on_air == OnAir(GATEWAY, 869_525_000, 9, 125_000)


@pytest.mark.parametrize(
    ("network", "event", "payload"),
    [
        (CHIRPSTACK, "log", ChirpStackSays.log(level="WARNING")),
        (CHIRPSTACK, "log", b'{"level":"ERROR","code":"UPLINK_CODEC","context":{}}'),
        (CHIRPSTACK, "ack", b"{}"),
        (THINGS, "down/ack", b'{"downlink_ack":{"correlation_ids":["somebody:else"]}}'),
    ],
)
def test_what_is_not_about_a_command_of_ours_is_nothing(network, event, payload):
    assert network.told(event, payload) is None


def test_chirpstack_is_asked_for_one_downlink_a_message():
    (asked,) = CHIRPSTACK.write(EUI, [DIM])
    assert json.loads(asked) == {
        "id": COMMAND, "devEui": EUI, "confirmed": True, "fPort": 2, "data": "Mg==",
        "expiresAt": "2026-05-04T05:12:31.482000+00:00",
    }  # fmt: skip
    assert CHIRPSTACK.command_topic(replaces=False) == "application/{application}/device/{device}/command/down"


def test_the_things_stack_is_asked_for_many_and_for_a_group_over_its_gateways():
    group = Downlink(
        id=COMMAND, frame=b"\x32", f_port=3, confirmed=False, expires_at_ms=AT_MS, gateways=("roof", "tower")
    )
    (asked,) = THINGS.write("lamp-17", [DIM, group])
    ours = {"frm_payload": "Mg==", "priority": "NORMAL", "correlation_ids": [f"smartcity:{COMMAND}"]}
    gateways = [{"gateway_ids": {"gateway_id": name}} for name in ("roof", "tower")]
    assert json.loads(asked)["downlinks"] == [
        ours | {"f_port": 2, "confirmed": True},
        ours | {"f_port": 3, "confirmed": False, "class_b_c": {"gateways": gateways}},
    ]
    assert THINGS.command_topic(replaces=True) == "v3/{application}/devices/{device}/down/replace"
    assert THINGS.command_topic(replaces=False) == "v3/{application}/devices/{device}/down/push"


odd = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=9), inner, max_size=3)),
    max_leaves=6,
)
names = st.sampled_from(
    ["time", "queueItemId", "acknowledged", "rxInfo", "txInfo", "context", "level", "received_at", "uplink_message",
     "downlink_ack", "downlink_failed", "correlation_ids"]
)  # fmt: skip
events = st.one_of(st.binary(max_size=60), st.dictionaries(names, odd).map(lambda event: json.dumps(event).encode()))


@pytest.mark.parametrize("network", [CHIRPSTACK, THINGS], ids=["ChirpStack", "The Things Stack"])
@given(events)
def test_garbage_is_answered_with_nothing_but_bad_payload(network, payload):
    for event in network.events:
        try:
            network.heard(payload) if event == "up" else network.told(event, payload)
        except BadPayload as problem:
            assert str(problem)
