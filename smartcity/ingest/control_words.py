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
DEEPEST_DESCRIPTION: Final = 32  # json writes by recursion, deep in a stack: what nests on and on could not be stored
LONGEST_REASON: Final = 300


class Answer(msgspec.Struct, gc=False):
    id: str
    state: Literal["received", "applied", "refused", "expired", "transmitted", "unconfirmed"]
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
    if _is_deeper(description, DEEPEST_DESCRIPTION):
        raise BadPayload(f"a description nests at most {DEEPEST_DESCRIPTION} deep")
    return Announcement(message.device, description, message.received_at_ms)


def _is_deeper(value: dict[str, Any], most: int) -> bool:
    level: list[Any] = [value]
    for _ in range(most):
        inner = (one for node in level for one in (node.values() if isinstance(node, dict) else node))
        level = [one for one in inner if isinstance(one, dict | list)]
    return bool(level)
