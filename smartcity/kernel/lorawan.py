# SPDX-License-Identifier: Apache-2.0
"""LoRaWAN uplinks as network servers hand them on: ChirpStack v4 and The Things Stack v3 JSON, or the bare bytes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import msgspec

from smartcity.kernel.codecs import BadPayload, Codec, FrameCodec, Observation

NETWORKS: Final = frozenset({"chirpstack", "things_stack"})  # transports whose messages are uplink events
LONGEST_FRAME: Final = 242  # LoRaWAN regional parameters: the largest application payload
LONGEST_EVENT: Final = 65_536


@dataclass(frozen=True, slots=True)
class Uplink:
    """The device's own bytes; `port` is None and `at_ms` None where the frame came bare. A frame that only served the
    network is empty."""

    data: bytes
    port: int | None = None
    at_ms: int | None = None


class _Message(msgspec.Struct, gc=False):
    """The Things Stack leaves out what is 0, false or empty."""

    frm_payload: str = ""
    f_port: int = 0
    received_at: str = ""


class _Event(msgspec.Struct, gc=False):
    """The fields of both network servers that matter here."""

    data: str | None = None
    fPort: int = 0
    time: str = ""
    deviceInfo: msgspec.Raw = msgspec.Raw()
    uplink_message: _Message | None = None


_decoder = msgspec.json.Decoder(_Event)


def unwrap(payload: bytes) -> Uplink:
    """An uplink event, or the bare frame. Raises BadPayload."""
    if not payload:
        raise BadPayload("an empty message")
    if payload[:1] != b"{":
        return Uplink(_frame(payload))
    return read_event(payload)


def read_event(payload: bytes) -> Uplink:
    """Raises BadPayload."""
    if len(payload) > LONGEST_EVENT:
        raise BadPayload(f"an uplink event has at most {LONGEST_EVENT} bytes, this one {len(payload)}")
    try:
        event = _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadPayload(f"not an uplink event: {error}") from None
    if event.uplink_message is not None:
        message = event.uplink_message
        return Uplink(_bytes(message.frm_payload), message.f_port, instant_ms(message.received_at))
    if event.data is None and not event.deviceInfo:
        raise BadPayload("neither an uplink of ChirpStack (data) nor of The Things Stack (uplink_message)")
    return Uplink(_bytes(event.data or ""), event.fPort, instant_ms(event.time))


def observed(codec: Codec, payload: bytes, received_at_ms: int) -> Sequence[Observation]:
    """What the frame in an uplink event says; the network's instant where the frame has none. Raises BadPayload and
    what the codec raises."""
    uplink = read_event(payload)
    if not uplink.data:
        return ()
    if isinstance(codec, FrameCodec):
        return dated(codec.decode_frame(uplink.data, uplink.port), uplink.at_ms)
    return dated(codec.decode(uplink.data, received_at_ms), uplink.at_ms)


def dated(observations: Sequence[Observation], at_ms: int | None) -> list[Observation]:
    """Observations without an instant of their own have been made at this one."""
    return [replace(one, at_ms=at_ms) if one.at_ms is None else one for one in observations]


def _bytes(text: str) -> bytes:
    if not text:
        return b""
    try:
        return _frame(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise BadPayload("the frame is not base64") from None


def _frame(data: bytes) -> bytes:
    if not 0 < len(data) <= LONGEST_FRAME:
        raise BadPayload(f"a LoRaWAN frame has 1 to {LONGEST_FRAME} bytes, this one {len(data)}")
    return data


def instant_ms(text: str) -> int | None:
    """Milliseconds of an ISO 8601 instant with offset; None where the server gave none."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadPayload(f"not an instant: {text[:40]!r}") from None
    if at.tzinfo is None:
        raise BadPayload("an instant without a time zone")
    return round(at.timestamp() * 1000)
