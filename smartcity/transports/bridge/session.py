# SPDX-License-Identifier: Apache-2.0
"""One connection to a broker without a socket: bytes and instants in, events and bytes out.

The session itself is the broker's and outlives the connection (MQTT 5, 3.1.2.11.2): what was not acknowledged here is
delivered again on the next one. PUBACKs leave in the order of the PUBLISHes (4.6); a refused message is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mqtt5
from mqtt5 import DisconnectReasonCode as Disconnect

from smartcity.transports.bridge.login import Login
from smartcity.transports.bridge.mapping import Broker
from smartcity.transports.bridge.wire import WIRES
from smartcity.transports.messages import Outcome
from smartcity.transports.mqtt.codec import Incoming
from smartcity.transports.mqtt.framing import BadPacket, FrameReader
from smartcity.transports.mqtt.receipts import Receipts, Ticket

MAX_PACKET = 262_144
SUBSCRIBE_ID = 0xFFFF  # PUBLISHes count from 1 and are at most receive_max on the way


@dataclass(frozen=True, slots=True)
class Opened:
    """The broker has let us in. Without `is_resumed` it knew nothing of us: what it once held for us is gone."""

    is_resumed: bool
    receive_max: int
    keep_alive_s: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """`refused` are the filters we are not given, with the reason."""

    refused: Sequence[tuple[str, str]]
    without_qos: Sequence[str]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message. `settle` exactly once; only STORED is acknowledged. `packet_id` is 0 where nobody waits for it."""

    topic: str
    payload: bytes
    packet_id: int
    is_again: bool
    is_retained: bool
    settle: Callable[[Outcome], None]


@dataclass(frozen=True, slots=True)
class Taken:
    """The broker's answer to a PUBLISH of ours."""

    packet_id: int
    code: mqtt5.PubAckReasonCode
    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """`is_taken_over`: another client with our id is in our place."""

    reason: str
    is_taken_over: bool = False


Event = Opened | Subscribed | Arrived | Taken | Ended


class Session:
    def __init__(self, broker: Broker, login: Login, on_settled: Callable[[], None]) -> None:
        """`on_settled` is called when there are acknowledgements to write."""
        self.broker = broker
        self.is_open = False
        self.is_closed = False
        self.passed_over = 0
        self._login = login
        self._on_settled = on_settled
        self._wire = WIRES[broker.version]
        self._reader = FrameReader(MAX_PACKET)
        self._receipts = Receipts(self._settled)
        self._filters: Sequence[str] = ()
        self._output = bytearray()

    def connect(self) -> None:
        """Ask for the session we had: no clean start, and it is to outlive the connection."""
        self._write(
            mqtt5.ConnectPacket(
                self._login.client_id,
                username=self._login.username,
                password=self._login.password,
                clean_start=False,
                keep_alive=self.broker.keep_alive_s,
                session_expiry_interval=self.broker.session_expiry_s,
                receive_max=self.broker.receive_max,
                max_packet_size=MAX_PACKET,
            )
        )

    def subscribe(self, filters: Sequence[str], states: Sequence[str] = ()) -> None:
        """At QoS 1. What the broker has retained is wanted of `states` only: an old value is no reading of now."""
        self._filters = [*filters, *states]
        self._write(mqtt5.SubscribePacket(SUBSCRIBE_ID, [_wanted(one, one in states) for one in self._filters]))

    def feed(self, data: bytes) -> None:
        if not self.is_closed:
            self._reader.feed(data)

    def next_event(self) -> Event | None:
        """None when more bytes must come first."""
        while not self.is_closed:
            try:
                frame = self._reader.next_frame()
                if frame is None:
                    return None
                event = self._handle(self._wire.read(frame))
            except BadPacket as error:
                return self._end(f"the broker broke MQTT: {error.reason}")
            if event is not None:
                return event
        return None

    def publish(self, packet: mqtt5.PublishPacket) -> None:
        self._write(packet)

    def ping(self) -> None:
        self._write(mqtt5.PingReqPacket())

    def leave(self) -> None:
        """Say goodbye; the session stays at the broker."""
        if self.is_open:
            self._write(mqtt5.DisconnectPacket(reason_code=Disconnect.NORMAL_DISCONNECTION))
        self.lost()

    def lost(self) -> None:
        """The connection is gone: whatever is settled from now on is delivered again."""
        self.is_open, self.is_closed = False, True

    def take_output(self) -> bytes:
        output = bytes(self._output)
        self._output.clear()
        return output

    def _handle(self, packet: Incoming) -> Event | None:
        if not self.is_open:
            if isinstance(packet, mqtt5.ConnAckPacket):
                return self._connack(packet)
            raise BadPacket("first packet is not CONNACK")
        if isinstance(packet, mqtt5.PublishPacket):
            return self._publish(packet)
        if isinstance(packet, mqtt5.PubAckPacket):
            return Taken(packet.packet_id, packet.reason_code, packet.reason_str or "")
        if isinstance(packet, mqtt5.SubAckPacket):
            return self._suback(packet)
        if isinstance(packet, mqtt5.DisconnectPacket):
            words = packet.reason_str or _words(packet.reason_code)
            return self._end(f"the broker: {words}", packet.reason_code is Disconnect.SESSION_TAKEN_OVER)
        if isinstance(packet, mqtt5.PingRespPacket):
            return None
        raise BadPacket("packet out of place")

    def _connack(self, packet: mqtt5.ConnAckPacket) -> Event:
        if packet.reason_code is not mqtt5.ConnAckReasonCode.SUCCESS:
            return self._end(f"the broker refused us: {packet.reason_str or _words(packet.reason_code)}")
        self.is_open = True
        keep_alive_s = packet.server_keep_alive or self.broker.keep_alive_s
        return Opened(packet.session_present, packet.receive_max, keep_alive_s)

    def _suback(self, packet: mqtt5.SubAckPacket) -> Event:
        answers = list(zip(self._filters, packet.reason_codes, strict=False))
        refused = [(name, _words(code)) for name, code in answers if code.value >= 0x80]
        return Subscribed(refused, [name for name, code in answers if code.value == 0])

    def _publish(self, packet: mqtt5.PublishPacket) -> Event | None:
        if packet.qos is mqtt5.QoS.EXACTLY_ONCE or packet.topic_alias is not None:
            raise BadPacket("more than we asked for")
        packet_id = packet.packet_id or 0
        if packet_id in self._receipts:
            return None  # said twice while we are at it: one answer is enough
        ticket = self._receipts.open(packet_id)
        return Arrived(packet.topic, packet.payload, packet_id, packet.duplicate, packet.retain, ticket.settle)

    def _settled(self, ticket: Ticket) -> None:
        if not self.is_open:
            return
        for packet_id, outcome in self._receipts.ready():
            if outcome.is_stored:
                self._write(mqtt5.PubAckPacket(packet_id))
            else:
                self.passed_over += 1
        self._on_settled()

    def _end(self, reason: str, is_taken_over: bool = False) -> Ended:
        self.lost()
        return Ended(reason, is_taken_over)

    def _write(self, packet: Incoming) -> None:
        self._output += self._wire.write(packet)


def _wanted(pattern: str, is_state: bool) -> mqtt5.TopicFilter:
    """A state comes at QoS 0: it must get through when nothing else does."""
    return mqtt5.TopicFilter(
        pattern,
        max_qos=mqtt5.QoS.AT_MOST_ONCE if is_state else mqtt5.QoS.AT_LEAST_ONCE,
        retain_as_published=False,
        retain_handling=mqtt5.RetainHandling.SEND_ALWAYS if is_state else mqtt5.RetainHandling.SEND_NEVER,
    )


def _words(code: mqtt5.ConnAckReasonCode | mqtt5.SubAckReasonCode | Disconnect) -> str:
    return str(code.name).lower().replace("_", " ")
