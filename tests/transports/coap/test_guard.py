# SPDX-License-Identifier: Apache-2.0
"""Whatever bytes come, in the clear or under a right key: a request, a challenge, or turned away."""

from __future__ import annotations

from pathlib import Path

from aiocoap.numbers.codes import Code
from hypothesis import example, given
from hypothesis import strategies as st

from smartcity.transports.coap.numbering import Numbers
from smartcity.transports.coap.packet import Packet
from smartcity.transports.coap.requests import Answer, codec_of
from smartcity.transports.coap.security import Challenged, Guard, TurnedAway
from smartcity.transports.coap.transfers import Transfers
from smartcity.transports.credentials import SecretTable, digest
from tests.transports.coap.street import Device, inside_of, sealed
from tests.transports.street import CITY_MS, SECRETS


class Pair:
    """A device and a guard that has heard it before: nobody is challenged, so no number is reserved."""

    def __init__(self) -> None:
        self.device = Device()
        keys = SecretTable({"L-1": digest(SECRETS["L-1"])})
        self.guard = Guard(keys, Numbers(Path("/nowhere/coap.sequence"), CITY_MS))
        self.guard._association("L-1").recipient_replay_window.initialize_empty()

    def say(self, inside):
        outer, _ = sealed(self.device, inside)
        return self.guard.open(Packet(0, 2, 1, b"", outer.opt.oscore, outer.payload))


PAIR = Pair()
options = st.builds(lambda first, rest: bytes((first,)) + rest, st.integers(0, 63), st.binary(max_size=16))


@example(b"\x19", b"")
@example(b"\x1f\x01\x02\x03\x04\x05\x06\x07\x03L-1", b"x" * 20)
@example(b"\x39\x01\x03L-1", b"x" * 80)
@given(st.one_of(options, options.map(lambda option: option[:2] + b"\x03L-1"), st.just(b"")), st.binary(max_size=40))
def test_any_option_without_the_key_is_turned_away(option, payload):
    try:
        PAIR.guard.open(Packet(0, 2, 1, b"", option, payload))
    except TurnedAway as refusal:
        assert str(refusal) and refusal.code == Code.UNAUTHORIZED
    else:
        raise AssertionError("believed without a key")


@example(b"\x02\xb3\xff\xfe\xfd")
@example(b"\x02\xd4\x0e\xff\xff\xff\xff")
@given(st.one_of(st.binary(min_size=1, max_size=60), st.binary(max_size=30).map(lambda tail: b"\x02\xb2up" + tail)))
def test_any_bytes_under_the_key_are_a_request_or_none(inside):
    transfers = Transfers(largest=100, most=1_000, within_s=60)
    try:
        opened = PAIR.say(inside)
        codec_of(opened.request)
        assert isinstance(transfers.take(opened.device, opened.request, 0.0), bytes)
    except (TurnedAway, Challenged):
        pass
    except Answer as answer:
        assert answer.message().code == answer.code


def test_a_right_request_is_opened():
    opened = PAIR.say(inside_of(PAIR.device, b"[1]"))
    assert (opened.device, opened.request.payload, codec_of(opened.request)) == ("L-1", b"[1]", "senml")
