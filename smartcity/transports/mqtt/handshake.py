# SPDX-License-Identifier: Apache-2.0
"""CONNECT and its answer: what is refused before anybody asks who it is, and what is agreed with whom is let in."""

from __future__ import annotations

from collections.abc import Mapping

import mqtt5
from mqtt5 import ConnAckReasonCode as Code
from mqtt5 import QoS

from smartcity.transports.messages import Kind
from smartcity.transports.mqtt import v311
from smartcity.transports.mqtt.framing import protocol_level
from smartcity.transports.mqtt.limits import Limits
from smartcity.transports.mqtt.outbox import Outbox
from smartcity.transports.mqtt.wire import V5_LEVEL, WIRES, Wire

LARGEST_PACKET = 2**28
V311_RECEIVE_MAX = 20


class ConnectRefused(Exception):
    def __init__(self, wire: Wire, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.wire = wire
        self.code = code
        self.reason = reason


def read_connect(frame: bytes) -> tuple[Wire, mqtt5.ConnectPacket]:
    """The CONNECT and the version it speaks; raises ConnectRefused when it wants an answer, else BadPacket."""
    level = protocol_level(frame)
    wire = WIRES.get(level)
    if wire is None:
        answer = WIRES[v311.LEVEL if level < V5_LEVEL else V5_LEVEL]
        raise ConnectRefused(answer, Code.UNSUPPORTED_PROTOCOL_VERSION, "unsupported protocol version")
    packet = wire.read(frame)
    assert isinstance(packet, mqtt5.ConnectPacket)
    if packet.authentication_method is not None:
        raise ConnectRefused(wire, Code.BAD_AUTHENTICATION_METHOD, "authentication method not supported")
    if not packet.client_id and not wire.is_v5 and not packet.clean_start:
        raise ConnectRefused(wire, Code.CLIENT_ID_NOT_VALID, "empty client id wants a clean session")
    return wire, packet


def check_will(wire: Wire, will: mqtt5.Will | None, topics: Mapping[str, Kind]) -> None:
    """A will is a message like any other: own topics, QoS 0 or 1, not retained. 3.1.1 cannot be told of the last."""
    if will is None:
        return
    if will.topic not in topics:
        raise ConnectRefused(wire, Code.NOT_AUTHORIZED, "will topic not authorised")
    if will.qos is QoS.EXACTLY_ONCE:
        raise ConnectRefused(wire, Code.QUALITY_NOT_SUPPORTED, "QoS 2 not supported")
    if will.retain and wire.is_v5:
        raise ConnectRefused(wire, Code.RETAIN_NOT_SUPPORTED, "retain not supported")


def agreed_keep_alive(wire: Wire, asked_s: int, limits: Limits) -> int:
    """Seconds; MQTT 5 lets the server set it, 3.1.1 does not (0 is none)."""
    return asked_s if not wire.is_v5 or 0 < asked_s <= limits.max_keep_alive_s else limits.max_keep_alive_s


def agreed_outbox(wire: Wire, connect: mqtt5.ConnectPacket, topic: str, limits: Limits) -> Outbox:
    """Commands waiting for the device, never more or larger than it can take; 3.1.1 cannot say, so 20."""
    return Outbox(
        topic,
        receive_max=connect.receive_max if wire.is_v5 else V311_RECEIVE_MAX,
        max_packet=connect.max_packet_size or LARGEST_PACKET,
        max_waiting=limits.max_waiting_commands,
    )


def connack(connect: mqtt5.ConnectPacket, *, client_id: str, keep_alive_s: int, limits: Limits) -> mqtt5.ConnAckPacket:
    return mqtt5.ConnAckPacket(
        session_expiry_interval=0 if connect.session_expiry_interval else None,
        assigned_client_id=None if connect.client_id else client_id,
        server_keep_alive=None if keep_alive_s == connect.keep_alive else keep_alive_s,
        receive_max=limits.receive_max,
        max_qos=QoS.AT_LEAST_ONCE,
        retain_available=False,
        max_packet_size=limits.max_packet,
        wildcard_subscription_available=False,
        subscription_id_available=False,
        shared_subscription_available=False,
    )
