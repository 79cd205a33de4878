# SPDX-License-Identifier: Apache-2.0
"""What devices say that is no reading: answers to commands, and what they are. JSON, checked before anyone sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from smartcity.control.acks import AckMessage
from smartcity.kernel.codecs import BadPayload
from smartcity.transports.messages import RawMessage

LONGEST_DESCRIPTION: Final = 65_536
LONGEST_REASON: Final = 300


class Answer(msgspec.Struct, gc=False):
    id: str
    state: Literal["received", "applied", "refused", "expired"]
    reason: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a device says it is."""

    uid: str
    description: dict[str, Any]
    received_at_ms: int


_answer = msgspec.json.Decoder(Answer)
_object = msgspec.json.Decoder(dict[str, Any])


def read_ack(message: RawMessage) -> AckMessage:
    """Raises BadPayload."""
    try:
        answer = _answer.decode(message.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise BadPayload(f"no answer to a command: {problem}") from None
    if not 1 <= len(answer.id) <= 64:
        raise BadPayload("no answer to a command: the id has 1 to 64 characters")
    at_ms = int(answer.at) if 0 < answer.at < 2**53 else message.received_at_ms
    reason = answer.reason.replace("\0", "")[:LONGEST_REASON]
    return AckMessage(message.device, answer.id, answer.state, reason, at_ms)


def read_hello(message: RawMessage) -> Announcement:
    """Raises BadPayload."""
    if len(message.payload) > LONGEST_DESCRIPTION:
        raise BadPayload(f"a description has at most {LONGEST_DESCRIPTION} bytes")
    if b"\\u0000" in message.payload:
        raise BadPayload("a description must not hold the character NUL")
    try:
        description = _object.decode(message.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise BadPayload(f"a description is a JSON object: {problem}") from None
    return Announcement(message.device, description, message.received_at_ms)
