# SPDX-License-Identifier: Apache-2.0
"""What in a device's packets ends its connection: what the codec lets pass and this server does not offer."""

from __future__ import annotations

from collections.abc import Container

import mqtt5
from mqtt5 import DisconnectReasonCode as Code
from mqtt5 import QoS

from smartcity.transports.mqtt.framing import BadPacket
from smartcity.transports.mqtt.topics import is_valid_name


def check_publish(packet: mqtt5.PublishPacket, *, is_v5: bool, own_topics: Container[str], has_room: bool) -> None:
    """Raises BadPacket. `has_room`: fewer unsettled messages than the receive maximum. 3.1.1 devices may say retain,
    because they cannot be told that nothing is retained."""
    if packet.qos is QoS.EXACTLY_ONCE:
        raise BadPacket("QoS 2 not supported", Code.QOS_NOT_SUPPORTED)
    if packet.packet_id == 0:
        raise BadPacket("packet id 0")
    if packet.topic_alias is not None:
        raise BadPacket("topic alias not supported", Code.TOPIC_ALIAS_INVALID)
    if packet.retain and is_v5:
        raise BadPacket("retain not supported", Code.RETAIN_NOT_SUPPORTED)
    if packet.topic not in own_topics and not is_valid_name(packet.topic):
        raise BadPacket("topic name invalid", Code.TOPIC_NAME_INVALID)
    if packet.packet_id is not None and not has_room:
        raise BadPacket("receive maximum exceeded", Code.RECEIVE_MAX_EXCEEDED)


def check_subscribe(packet: mqtt5.SubscribePacket) -> None:
    if not packet.packet_id:
        raise BadPacket("packet id 0")
    if not packet.topic_filters:
        raise BadPacket("request without a topic", Code.PROTOCOL_ERROR)
    if packet.subscription_id is not None:
        raise BadPacket("subscription ids not supported", Code.SUBSCRIPTION_IDS_NOT_SUPPORTED)


def check_unsubscribe(packet: mqtt5.UnsubscribePacket) -> None:
    if not packet.packet_id:
        raise BadPacket("packet id 0")
    if not packet.patterns:
        raise BadPacket("request without a topic", Code.PROTOCOL_ERROR)
