# SPDX-License-Identifier: Apache-2.0
"""What LoRaWAN network servers have in common: events about devices in, downlinks out, each in a JSON of its own."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeVar

import msgspec

from smartcity.kernel.codecs import BadPayload
from smartcity.transports.bridge.api import Call

T = TypeVar("T")
UP: Final = "up"
_encoder = msgspec.json.Encoder()


class Fate(StrEnum):
    """What became of a downlink, in the order it may happen."""

    HANDED_OVER = "handed over"  # the last we hear of it
    TRANSMITTED = "transmitted"
    CONFIRMED = "confirmed"
    TRIED_AGAIN = "tried again"  # not confirmed, but the network goes on
    UNCONFIRMED = "unconfirmed"  # not confirmed, and the network has let go of it
    EXPIRED = "expired"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OnAir:
    """How a frame was sent. `spreading` is 0 where it was no LoRa."""

    gateway: str = ""
    frequency_hz: int = 0
    spreading: int = 0
    bandwidth_hz: int = 125_000


@dataclass(frozen=True, slots=True)
class Heard:
    """An uplink: when the network had it, and over the gateway that heard it best."""

    at_ms: int | None
    on_air: OnAir | None


@dataclass(frozen=True, slots=True)
class Told:
    """What the network says of one downlink of ours, by the id we gave it."""

    id: str
    fate: Fate
    reason: str = ""
    at_ms: int | None = None
    on_air: OnAir | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Downlink:
    """A frame for one device, or for a group over its gateways. `expires_at_ms` is wall time."""

    id: str
    frame: bytes
    f_port: int
    confirmed: bool
    expires_at_ms: int
    gateways: tuple[str, ...] = ()
    api_url: str = ""
    api_token_file: str = ""


class Network(Protocol):
    """Pure. `events` maps what can happen to its topic; with `replaces` a device's queue may be put anew as a whole."""

    @property
    def events(self) -> Mapping[str, str]: ...

    @property
    def replaces(self) -> bool: ...

    def command_topic(self, *, replaces: bool) -> str: ...

    def write(self, device: str, downlinks: Sequence[Downlink]) -> list[bytes]:
        """The messages that ask for these downlinks."""
        ...

    def call(self, group: str, downlink: Downlink, about: tuple[tuple[str, str], ...]) -> Call | None:
        """How a group is told where that does not go over MQTT."""
        ...

    def told(self, event: str, payload: bytes) -> Told | None:
        """What an event other than `up` says of a downlink of ours; None when it is about none. Raises BadPayload."""
        ...

    def heard(self, payload: bytes) -> Heard:
        """How an uplink came. Raises BadPayload."""
        ...


def parse(decoder: msgspec.json.Decoder[T], payload: bytes) -> T:
    """Raises BadPayload."""
    try:
        return decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise BadPayload(f"not an event of the network: {problem}") from None


def write(value: object) -> bytes:
    return _encoder.encode(value)


def base64_of(frame: bytes) -> str:
    return base64.b64encode(frame).decode()
