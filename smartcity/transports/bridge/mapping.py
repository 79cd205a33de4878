# SPDX-License-Identifier: Apache-2.0
"""The mapping file (TOML): which broker, which topics speak for which devices, and how commands go back out.

docs/how-to/connect-a-broker.md explains every key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from smartcity.transports.bridge.topics import BadPattern, pattern

Format = Literal["plain", "chirpstack", "things_stack"]
Port = Annotated[int, Meta(ge=1, le=223)]  # LoRaWAN 1.0.4, 4.3.2: application ports
Spreading = Annotated[int, Meta(ge=7, le=12)]
DEVICE: Final = "{device}"


class BadMapping(ValueError):
    """The message names the file and says what to mend."""


class Broker(Struct, frozen=True, forbid_unknown_fields=True):
    """`drops_topic` is where the broker itself tells how many messages it has dropped."""

    address: str
    tls: bool = False
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    username: str = ""
    password_file: str = ""
    client_id: Annotated[str, Meta(min_length=1, max_length=120)] = "smartcity"
    version: Literal["5", "3.1.1"] = "5"
    share: Annotated[str, Meta(pattern="^[^/+#]*$")] = ""
    receive_max: Annotated[int, Meta(ge=1, le=65_535)] = 500
    session_expiry_s: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)] = 7 * 86_400
    keep_alive_s: Annotated[int, Meta(ge=5, le=3_600)] = 30
    drops_topic: str = ""


class Radio(Struct, frozen=True, forbid_unknown_fields=True, rename={"device_class": "class"}):
    """How a device takes commands. `every_s` is how often it speaks; 0 leaves that to what its metrics declare."""

    device_class: Literal["A", "B", "C"] = "A"
    f_port: Port = 1
    confirmed: bool = True
    every_s: Annotated[float, Meta(ge=0)] = 0.0


class Source(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Topics of one kind. `uid` makes the city's name of a device out of the network's. ChirpStack takes multicast over
    its REST interface only: `api_url`.
    """

    format: Format
    application: str = ""
    topic: str = ""
    ack_topic: str = ""
    hello_topic: str = ""
    command_topic: str = ""
    uid: str = DEVICE
    codec: str = ""
    radio: Radio = Radio()
    api_url: Annotated[str, Meta(pattern="^(https?://[^/?#]+/?)?$")] = ""
    api_token_file: str = ""


class Listed(Struct, frozen=True, forbid_unknown_fields=True):
    """A device named one by one, with a radio of its own where that differs from its source's."""

    uid: str
    radio: Radio | None = None


class Group(Struct, frozen=True, forbid_unknown_fields=True):
    """A multicast group: what the network calls it, and whom it reaches over which gateways."""

    device: str
    members: tuple[str, ...]
    gateways: tuple[str, ...]
    application: str = ""
    f_port: Port = 1


class Airtime(Struct, frozen=True, forbid_unknown_fields=True):
    """`share` is the part of each gateway's legal transmitting time that the city's commands may use."""

    share: Annotated[float, Meta(gt=0, le=1)] = 0.5
    rx2_spreading: Spreading = 12


class Mapping(Struct, frozen=True, forbid_unknown_fields=True, rename={"sources": "source", "groups": "group"}):
    broker: Broker
    sources: Annotated[list[Source], Meta(min_length=1)]
    devices: dict[str, str | Listed] = {}
    groups: list[Group] = []
    airtime: Airtime = Airtime()

    def listed(self) -> dict[str, Listed]:
        """The network's name of a device → what is said of it."""
        return {name: Listed(one) if isinstance(one, str) else one for name, one in self.devices.items()}

    def source_of(self, group: Group) -> Source:
        """The network a group belongs to: the only one that can, or that of its application. Raises BadMapping."""
        able = [one for one in self.sources if one.format == "things_stack" or one.api_url]
        found = [one for one in able if one.application == group.application] or able
        if len(found) != 1:
            raise BadMapping(
                f"group {group.device}: it is not clear which network has it; there must be one source for The Things "
                "Stack, or for ChirpStack with api_url, or else the group must name its application"
            )
        return found[0]


def read(path: Path) -> Mapping:
    """Raises BadMapping."""
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=Mapping)
    except OSError as problem:
        raise BadMapping(f"{path} cannot be read: {problem.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise BadMapping(f"{path}: {problem}") from None
    for number, source in enumerate(found.sources, 1):
        if fault := _fault(source):
            raise BadMapping(f"{path}: source {number}: {fault}")
    if fault := _contradiction(found):
        raise BadMapping(f"{path}: {fault}")
    return found


def _fault(source: Source) -> str:
    """What is wrong with a source, in words."""
    if source.uid.count(DEVICE) != 1:
        return f"uid {source.uid!r} must hold {DEVICE} once"
    if source.format != "plain":
        own = [name for name in ("topic", "ack_topic", "hello_topic", "command_topic") if getattr(source, name)]
        return f"the topics of {source.format} are known, leave out {own[0]}" if own else ""
    if source.application:
        return "a plain source has no application"
    if not source.topic:
        return "a plain source needs a topic"
    try:
        for text in (source.topic, source.ack_topic, source.hello_topic, source.command_topic):
            if text:
                pattern(text)
    except BadPattern as problem:
        return str(problem)
    if "+" in source.command_topic.split("/") or set(pattern(source.command_topic or DEVICE).names.values()) != {
        "device"
    }:
        return f"command_topic {source.command_topic!r} may leave open nothing but {DEVICE}"
    return ""


def _contradiction(mapping: Mapping) -> str:
    """What does not go together, in words."""
    host, _, port = mapping.broker.address.rpartition(":")
    uids = [one.uid for one in mapping.listed().values()]
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        return f"address {mapping.broker.address!r} must be host:port"
    if mapping.broker.certificate_file and not mapping.broker.tls:
        return "certificate_file needs tls = true"
    if mapping.broker.share and mapping.broker.version != "5":
        return "share needs version 5: shared subscriptions are MQTT 5"
    if doubled := sorted({uid for uid in uids if uids.count(uid) > 1}):
        return f"{doubled[0]} is named twice under devices"
    try:
        for group in mapping.groups:
            mapping.source_of(group)
    except BadMapping as problem:
        return str(problem)
    return ""
