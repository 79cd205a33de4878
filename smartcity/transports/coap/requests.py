# SPDX-License-Identifier: Apache-2.0
"""What a device asks under its key, and what it may be told."""

from __future__ import annotations

import math
from typing import Any, Final

from aiocoap.message import Message
from aiocoap.numbers.codes import Code
from aiocoap.numbers.optionnumbers import OptionNumber

from smartcity.kernel import senml
from smartcity.kernel.codecs import BadPayload
from smartcity.transports.messages import Outcome

PATH: Final = ("up",)
CODECS: Final = {110: "senml", 112: "senml", 42: ""}  # by content format; '' is the device's own
KNOWN: Final = frozenset({OptionNumber.URI_PATH, OptionNumber.BLOCK1})  # of the critical ones
LATER_S: Final = 5
QUARANTINE_FULL_S: Final = 60
LONGEST_WORDS: Final = 200


class Answer(Exception):
    """Ends a request with this code. `options` by aiocoap's names; `max_age` says when to come again."""

    def __init__(self, code: Code, words: str = "", **options: Any) -> None:
        super().__init__(words)
        self.code, self.words, self.options = code, words, options

    def message(self) -> Message:
        payload = self.words.encode()[:LONGEST_WORDS].decode(errors="ignore").encode()
        return Message(code=self.code, payload=payload, **self.options)


def codec_of(request: Message) -> str:
    """The codec its payload is written in. Raises Answer for what is not a posting of readings."""
    if any(option.number.is_critical() and option.number not in KNOWN for option in request.opt.option_list()):
        raise Answer(Code.BAD_OPTION, "unknown critical option")
    if request.opt.uri_path != PATH:
        raise Answer(Code.NOT_FOUND, "readings go to /up")
    if request.code != Code.POST:
        raise Answer(Code.METHOD_NOT_ALLOWED, "readings are sent with POST")
    codec = CODECS.get(request.opt.content_format)
    if codec is None:
        raise Answer(Code.UNSUPPORTED_CONTENT_FORMAT, "content format 110, 112 or 42")
    return codec


def verdict(outcome: Outcome, payload: bytes, codec: str) -> Answer:
    """2.04 when it is committed, also what was set aside, with the reason; 4.00 when it could not be read at all, and
    is kept in quarantine; 4.29 when it is not kept either."""
    if not outcome.is_stored:
        return Answer(Code.TOO_MANY_REQUESTS, outcome.reason, max_age=QUARANTINE_FULL_S)
    if outcome.reason and codec and not _is_readable(payload):
        return Answer(Code.BAD_REQUEST, outcome.reason)
    return Answer(Code.CHANGED, outcome.reason)


def later(words: str, wait_s: float = LATER_S) -> Answer:
    return Answer(Code.SERVICE_UNAVAILABLE, words, max_age=math.ceil(wait_s))


def _is_readable(payload: bytes) -> bool:
    try:
        senml.CODEC.columns(payload, 0)
    except BadPayload:
        return False
    return True
