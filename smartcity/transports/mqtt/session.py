# SPDX-License-Identifier: Apache-2.0
"""One device's MQTT session without a socket: bytes and instants in, events and bytes out.

Rules (OASIS MQTT 5.0 and 3.1.1): own topics only, QoS 0 and 1, PUBACKs in the order of the PUBLISHes and only after
the message is settled. MQTT 5 hears why something is refused; on 3.1.1 a refused message closes the connection.
"""

from __future__ import annotations

from collections.abc import Callable

import mqtt5
from mqtt5 import DisconnectReasonCode as Disconnect
from mqtt5 import PubAckReasonCode as PubAck

from smartcity.transports.messages import Kind, Outcome, RawMessage
from smartcity.transports.mqtt import handshake
from smartcity.transports.mqtt.codec import Incoming
from smartcity.transports.mqtt.counters import Counters
from smartcity.transports.mqtt.events import CommandsWanted, ConnectRequested, Event, State
from smartcity.transports.mqtt.framing import BadPacket, FrameReader
from smartcity.transports.mqtt.limits import Limits
from smartcity.transports.mqtt.outbox import Outbox, OutgoingCommand
from smartcity.transports.mqtt.receipts import Receipts, Ticket
from smartcity.transports.mqtt.rules import check_publish, check_subscribe, check_unsubscribe
from smartcity.transports.mqtt.silence import Silence
from smartcity.transports.mqtt.topics import CommandSubscription, publish_topics
from smartcity.transports.mqtt.wire import V5_LEVEL, WIRES

PACKETS_PER_TURN = 256
TRANSPORT = "mqtt"


class Session:
    def __init__(self, limits: Limits, counters: Counters, now: float, on_settled: Callable[[], None]) -> None:
        """`on_settled` is called when an answer is ready: there are bytes to write, and maybe room to read on."""
        self.limits = limits
        self.counters = counters
        self.state = State.NEW
        self.device = ""
        self.client_id = ""
        self.end_reason = ""
        self._on_settled = on_settled
        self._wire = WIRES[V5_LEVEL]
        self._reader = FrameReader(limits.max_connect_packet)
        self._receipts = Receipts(self._settled)
        self._output = bytearray()
        self._outbox = Outbox("", receive_max=0, max_packet=0, max_waiting=0)
        self._subscription = CommandSubscription("")
        self._topics: dict[str, Kind] = {}
        self._connect: mqtt5.ConnectPacket | None = None
        self._will: mqtt5.Will | None = None
        self._explains = True
        self._turn = PACKETS_PER_TURN
        self._silence = Silence(now, limits)
        self._now = now
        self._city_ms = 0

    @property
    def version(self) -> str:
        return self._wire.name

    @property
    def takes_commands(self) -> bool:
        return self.state is State.OPEN and self._subscription.qos is not None

    # bytes and instants in, events out

    def feed(self, data: bytes, *, now: float, city_ms: int) -> None:
        """Take bytes from the socket: `now` is monotonic seconds, `city_ms` the instant messages are stamped with."""
        self._now, self._city_ms = now, city_ms
        self.counters.bytes_in += len(data)
        if self.state is not State.CLOSED:
            self._reader.feed(data)

    def next_event(self) -> Event | None:
        """The next thing the gateway must see to; None when more bytes, or a settled message, must come first."""
        while self.state is not State.CLOSED and not self.is_waiting and self._turn:
            self._turn -= 1
            try:
                if self.state is State.NEW and not self._reader.starts_connect:
                    raise BadPacket("first packet is not CONNECT", Disconnect.PROTOCOL_ERROR)
                frame = self._reader.next_frame()
                if frame is None:
                    if len(self._reader):
                        self._silence.heard_part(self._now)
                    return None
                self._silence.heard_packet(self._now)
                event = self._open(frame) if self.state is State.NEW else self._handle(self._wire.read(frame))
            except BadPacket as error:
                self.end(error.code, error.reason)
                return None
            if event is not None:
                return event
        return None

    def start_turn(self) -> None:
        """Allow so many packets more: one device may not keep all others waiting."""
        self._turn = PACKETS_PER_TURN

    @property
    def is_interrupted(self) -> bool:
        """The turn was used up, so there may be whole packets left."""
        return self._turn == 0 and self.state is not State.CLOSED

    @property
    def is_waiting(self) -> bool:
        """No packet may be handled now, so the socket should not be read either."""
        if self.state is State.AUTHENTICATING:
            return True
        return not self._wire.is_v5 and len(self._receipts) >= self.limits.receive_max

    def touch(self, now: float) -> None:
        """The socket was not read for a while: the device cannot be blamed for its silence."""
        self._now = now
        self._silence.heard_packet(now)

    @property
    def deadline(self) -> float:
        """When to call `expire`; infinity when the device may be silent for ever."""
        return self._silence.deadline

    def take_output(self) -> bytes:
        output = bytes(self._output)
        self._output.clear()
        self.counters.bytes_out += len(output)
        return output

    # what the gateway decides

    def accept(self, device: str, *, client_id: str) -> bool:
        """Let the device in, under `client_id` if it named none; False when its will is not acceptable."""
        assert self._connect is not None
        connect, self._connect = self._connect, None
        topics = publish_topics(device)
        try:
            handshake.check_will(self._wire, connect.will, topics)
        except handshake.ConnectRefused as refused:
            self.reject(refused.code, refused.reason)
            return False
        self.device, self.client_id, self.state = device, connect.client_id or client_id, State.OPEN
        self._topics, self._will, self._explains = topics, connect.will, connect.request_problem_info
        self._reader.limit = self.limits.max_packet
        self._subscription = CommandSubscription(device)
        self._outbox = handshake.agreed_outbox(self._wire, connect, self._subscription.topic, self.limits)
        keep_alive_s = handshake.agreed_keep_alive(self._wire, connect.keep_alive, self.limits)
        self._silence.agree(keep_alive_s)
        self._write(handshake.connack(connect, client_id=client_id, keep_alive_s=keep_alive_s, limits=self.limits))
        return True

    def reject(self, code: mqtt5.ConnAckReasonCode, reason: str) -> None:
        self._write(mqtt5.ConnAckPacket(reason_code=code))
        self.lost(reason)

    def send(self, command: OutgoingCommand, now: float) -> None:
        self._outbox.add(command)
        self._send_waiting(now)

    def expire(self) -> None:
        """The deadline has passed."""
        if self.state is State.OPEN:
            self.end(Disconnect.KEEP_ALIVE_TIMEOUT, "keep-alive timeout")
        else:
            self.lost("no CONNECT in time")

    def end(self, code: Disconnect, reason: str) -> None:
        """Say goodbye as far as the version can, and close."""
        if self.state is State.OPEN:
            self._write(mqtt5.DisconnectPacket(reason_code=code, reason_str=reason if self._explains else None))
        self.lost(reason)

    def lost(self, reason: str) -> None:
        """Close without a word; the first reason given is the one that counts."""
        if self.state is not State.CLOSED:
            self.state, self.end_reason = State.CLOSED, reason
            self.counters.closed[reason] += 1
            self._outbox.end()

    def last_words(self, city_ms: int) -> RawMessage | None:
        """The will of a device that did not leave properly, once."""
        will, self._will = self._will, None
        if will is None:
            return None
        self.counters.received += 1
        settle = self._receipts.open(0).settle
        return RawMessage(self.device, self._topics[will.topic], will.payload or b"", city_ms, TRANSPORT, settle)

    # packets

    def _open(self, frame: bytes) -> Event | None:
        try:
            self._wire, packet = handshake.read_connect(frame)
        except handshake.ConnectRefused as refused:
            self._wire = refused.wire
            self.reject(refused.code, refused.reason)
            return None
        self._connect, self.state = packet, State.AUTHENTICATING
        return ConnectRequested(packet.username or "", packet.password or b"", packet.client_id)

    def _handle(self, packet: Incoming) -> Event | None:
        if isinstance(packet, mqtt5.PublishPacket):
            return self._publish(packet)
        if isinstance(packet, mqtt5.SubscribePacket):
            return self._subscribe(packet)
        if isinstance(packet, mqtt5.PubAckPacket):
            self._puback(packet)
        elif isinstance(packet, mqtt5.PingReqPacket):
            self._write(mqtt5.PingRespPacket())
        elif isinstance(packet, mqtt5.UnsubscribePacket):
            self._unsubscribe(packet)
        elif isinstance(packet, mqtt5.DisconnectPacket):
            self._disconnect(packet)
        else:
            raise BadPacket("packet out of place", Disconnect.PROTOCOL_ERROR)
        return None

    def _publish(self, packet: mqtt5.PublishPacket) -> Event | None:
        self.counters.received += 1
        packet_id = packet.packet_id or 0
        try:
            has_room = len(self._receipts) < self.limits.receive_max
            check_publish(packet, is_v5=self._wire.is_v5, own_topics=self._topics, has_room=has_room)
        except BadPacket as error:
            self.counters.refused[error.reason] += 1
            raise
        kind = self._topics.get(packet.topic)
        if kind is None:
            self._refuse_publish(packet_id, "topic not authorised", PubAck.NOT_AUTHORIZED)
            return None
        if packet_id in self._receipts:
            if packet.duplicate and not self._wire.is_v5:  # one answer is enough for a message said twice
                self.counters.refused["repeated while in flight"] += 1
            else:
                self._refuse_publish(packet_id, "packet id in use", PubAck.PACKET_ID_IN_USE)
            return None
        ticket = self._receipts.open(packet_id)
        return RawMessage(self.device, kind, packet.payload, self._city_ms, TRANSPORT, ticket.settle)

    def _refuse_publish(self, packet_id: int, reason: str, code: PubAck) -> None:
        """MQTT 5 with QoS 1 hears it in its turn; who cannot hear it is disconnected."""
        self.counters.refused[reason] += 1
        if not self._wire.is_v5 or not packet_id:
            self.end(Disconnect.NOT_AUTHORIZED, reason)
            return
        self._receipts.refuse(packet_id, Outcome.refused(reason, code.value))
        self._acknowledge()

    def _settled(self, ticket: Ticket) -> None:
        assert ticket.outcome is not None
        self.counters.settled(ticket.outcome)
        if ticket.packet_id and self.state is State.OPEN:
            self._acknowledge()
            self._on_settled()

    def _acknowledge(self) -> None:
        for packet_id, outcome in self._receipts.ready():
            if outcome.is_stored:
                self._write(mqtt5.PubAckPacket(packet_id))
            elif self._wire.is_v5:
                reason = outcome.reason if self._explains else None
                self._write(mqtt5.PubAckPacket(packet_id, reason_code=PubAck(outcome.code), reason_str=reason))
            else:
                self.end(Disconnect.UNSPECIFIED_ERROR, "message refused")
                return

    def _puback(self, packet: mqtt5.PubAckPacket) -> None:
        self._outbox.acknowledge(packet.packet_id, packet.reason_code, packet.reason_str)
        self._send_waiting(self._now)

    def _subscribe(self, packet: mqtt5.SubscribePacket) -> Event | None:
        check_subscribe(packet)
        answers = self._subscription.subscribe(packet.topic_filters)
        self._write(mqtt5.SubAckPacket(packet.packet_id, answers))
        self._send_waiting(self._now)
        return CommandsWanted() if any(answer.value < 0x80 for answer in answers) else None

    def _unsubscribe(self, packet: mqtt5.UnsubscribePacket) -> None:
        check_unsubscribe(packet)
        self._write(mqtt5.UnsubAckPacket(packet.packet_id, self._subscription.unsubscribe(packet.patterns)))

    def _disconnect(self, packet: mqtt5.DisconnectPacket) -> None:
        if packet.reason_code is Disconnect.NORMAL_DISCONNECTION:
            self._will = None
        self.lost("the device left")

    def _send_waiting(self, now: float) -> None:
        if self._subscription.qos is not None:
            for packet in self._outbox.next_packets(now, self._subscription.qos):
                self.counters.commands_sent += 1
                self._write(packet)

    def _write(self, packet: Incoming) -> None:
        written = self._wire.write(packet)
        if written is not None:
            self._output += written
