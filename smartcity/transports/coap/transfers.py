# SPDX-License-Identifier: Apache-2.0
"""Messages that come in several datagrams (Block1, RFC 7959): one at a time of each device, under its key."""

from __future__ import annotations

from dataclasses import dataclass

from aiocoap.message import Message
from aiocoap.numbers.codes import Code

from smartcity.transports.coap.requests import Answer, later


@dataclass(slots=True)
class Transfer:
    began: float
    parts: bytearray


class Transfers:
    """`largest` bytes of one message, `most` of all that are under way; one is forgotten after `within_s`."""

    def __init__(self, *, largest: int, most: int, within_s: float) -> None:
        self.largest, self.most, self.within_s = largest, most, within_s
        self.held = 0
        self._under_way: dict[str, Transfer] = {}

    def take(self, device: str, request: Message, now: float) -> bytes:
        """The whole message with its last part. Raises Answer: 2.31 before that, 4.08, 4.13 or 5.03."""
        block = request.opt.block1
        if (request.opt.size1 or 0) > self.largest or (block and block.start + len(request.payload) > self.largest):
            self._drop(device)
            raise Answer(
                Code.REQUEST_ENTITY_TOO_LARGE, f"a message has at most {self.largest} bytes", size1=self.largest
            )
        if block is None:
            return bytes(request.payload)
        if block.block_number == 0:
            self._begin(device, now)
        transfer = self._under_way.get(device)
        is_short = block.more and len(request.payload) != block.size
        if transfer is None or len(transfer.parts) != block.start or is_short:
            self._drop(device)
            raise Answer(Code.REQUEST_ENTITY_INCOMPLETE, "begin again with the first block")
        transfer.parts += request.payload
        self.held += len(request.payload)
        if block.more:
            raise Answer(Code.CONTINUE, block1=block)
        whole = bytes(transfer.parts)
        self._drop(device)
        return whole

    def _begin(self, device: str, now: float) -> None:
        self._drop(device)
        for other, transfer in list(self._under_way.items()):
            if now - transfer.began < self.within_s:
                break
            self._drop(other)
        if self.held >= self.most:
            raise later("too many long messages at once")
        self._under_way[device] = Transfer(now, bytearray())

    def _drop(self, device: str) -> None:
        transfer = self._under_way.pop(device, None)
        if transfer is not None:
            self.held -= len(transfer.parts)
