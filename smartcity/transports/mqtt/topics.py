# SPDX-License-Identifier: Apache-2.0
"""Which topics a device may use: three of its own to publish to, one of its own to subscribe to, nothing else."""

from __future__ import annotations

from mqtt5 import QoS, TopicFilter
from mqtt5 import SubAckReasonCode as SubAck
from mqtt5 import UnsubAckReasonCode as UnsubAck

from smartcity.transports.messages import Kind

KINDS: tuple[Kind, ...] = ("up", "ack", "hello")


def publish_topics(device: str) -> dict[str, Kind]:
    return {f"sc/{device}/{kind}": kind for kind in KINDS}


def command_topic(device: str) -> str:
    return f"sc/{device}/cmd"


def is_valid_name(topic: str) -> bool:
    """A topic one can publish to: not empty, no wildcard, no NUL (MQTT 5, 4.7)."""
    return bool(topic) and not any(char in topic for char in "#+\0")


class CommandSubscription:
    """Whether a device wants its commands, and at which QoS."""

    def __init__(self, device: str) -> None:
        self.topic = command_topic(device)
        self.qos: QoS | None = None

    def subscribe(self, filters: list[TopicFilter]) -> list[SubAck]:
        return [self._answer(wanted) for wanted in filters]

    def unsubscribe(self, patterns: list[str]) -> list[UnsubAck]:
        return [self._leave(pattern) for pattern in patterns]

    def _answer(self, wanted: TopicFilter) -> SubAck:
        pattern = wanted.pattern
        if pattern == self.topic:
            self.qos = QoS.AT_MOST_ONCE if wanted.max_qos is QoS.AT_MOST_ONCE else QoS.AT_LEAST_ONCE
            return SubAck(self.qos.value)
        if not pattern or "\0" in pattern:
            return SubAck.TOPIC_FILTER_INVALID
        if pattern == "$share" or pattern.startswith("$share/"):
            return SubAck.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        if "#" in pattern or "+" in pattern:
            return SubAck.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED
        return SubAck.NOT_AUTHORIZED

    def _leave(self, pattern: str) -> UnsubAck:
        if pattern != self.topic or self.qos is None:
            return UnsubAck.NO_SUBSCRIPTION_EXISTED
        self.qos = None
        return UnsubAck.SUCCESS
