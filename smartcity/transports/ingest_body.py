# SPDX-License-Identifier: Apache-2.0
"""What a request to /ingest holds, and what it is told about it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from smartcity.transports.messages import Outcome

LARGEST_MESSAGE: Final = 65_536
MOST_MESSAGES: Final = 1_000
MOST_NAMED: Final = 20
PACK: Final = re.compile(rb"[ \t\r\n]*+\[")


class Answer(Exception):
    """Ends the request with this status; `detail` says what is wrong and what to do (RFC 9457)."""

    def __init__(self, status: int, detail: str, *, headers: dict[str, str] | None = None, **more: object) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.more = status, detail, headers or {}, more


class Item(msgspec.Struct, gc=False):
    device: str
    payload: msgspec.Raw
    codec: str = ""

    def __post_init__(self) -> None:
        """Stops the decoder at the first message too many: 4 MB of them would take 20 ms and 20 MB before a count."""
        _left[0] -= 1
        if _left[0] < 0:
            raise ValueError(f"a request holds at most {MOST_MESSAGES} messages")


class Body(msgspec.Struct, gc=False):
    messages: list[Item]


@dataclass(frozen=True, slots=True)
class Message:
    device: str
    payload: bytes
    codec: str = ""


_left = [0]  # messages the decoder may still make; bodies are read one at a time, on the event loop
_body = msgspec.json.Decoder(Body)
_array = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)


def read(body: bytes, *, own: str, allowed: Container[str], codecs: Container[str]) -> list[Message]:
    """The messages. `own` is the device that sent them, '' for a gateway. Raises Answer 422, 403 or 413."""
    try:
        if own and PACK.match(body):
            message = Message(own, _sized(body, 0))
            _array.decode(body)
            return [message]
        _left[0] = MOST_MESSAGES
        items = _body.decode(body).messages
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        expected = 'a SenML array or {"messages": [...]}' if own else '{"messages": [...]}'
        raise Answer(422, f"The body must be {expected}: {problem}") from None
    if not items:
        raise Answer(422, f"A request holds 1 to {MOST_MESSAGES} messages, this one none.")
    foreign = sorted({item.device for item in items if item.device not in allowed})
    if foreign:
        raise Answer(403, "This key does not speak for these devices.", devices=foreign[:MOST_NAMED])
    return [Message(item.device, _payload(item, n), _codec(item, n, codecs)) for n, item in enumerate(items)]


def verdict(outcomes: Sequence[Outcome]) -> tuple[int, dict[str, str], dict[str, object]]:
    """Status, headers and body: 200 when all is committed (what was set aside is named), 429 when some is refused."""
    refused = [(n, outcome.reason) for n, outcome in enumerate(outcomes) if not outcome.is_stored]
    aside = [{"message": n, "reason": o.reason} for n, o in enumerate(outcomes) if o.is_stored and o.reason]
    told: dict[str, object] = {"accepted": len(outcomes) - len(refused)}
    if aside:
        told["quarantined"] = aside
    if not refused:
        return 200, {}, told
    told["refused"] = [{"message": n, "reason": reason} for n, reason in refused]
    detail = "Some messages were refused; those not named are committed. Mend them before sending them again."
    raise Answer(429, detail, headers={"retry-after": "60"}, **told)


def _payload(item: Item, place: int) -> bytes:
    """A string is Base64 of bytes, anything else is the JSON itself."""
    raw = bytes(item.payload)
    if not raw.startswith(b'"'):
        return _sized(raw, place)
    try:
        return _sized(base64.b64decode(_text.decode(raw), validate=True), place)
    except (binascii.Error, ValueError):
        raise Answer(422, f"Message {place}: a payload given as a string must be Base64.", message=place) from None


def _codec(item: Item, place: int, codecs: Container[str]) -> str:
    if item.codec and item.codec not in codecs:
        raise Answer(422, f"Message {place}: no codec is called {item.codec!r}.", message=place)
    return item.codec


def _sized(payload: bytes, place: int) -> bytes:
    if len(payload) > LARGEST_MESSAGE:
        raise Answer(413, f"Message {place} is larger than {LARGEST_MESSAGE:,} bytes: split it.", message=place)
    return payload
