# SPDX-License-Identifier: Apache-2.0
"""The barest HTTP/1.1 client there can be: one connection, opened again when it breaks; any bytes may be sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` 0 is a connection that ended without one."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


NOTHING = Answer(0, {}, b"")


class Line:
    def __init__(self, port: int, *, within_s: float = 30.0) -> None:
        self.port, self.within_s = port, within_s
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, headers: Mapping[str, str], body: bytes, path: str = "/ingest") -> Answer:
        """A request as it should be."""
        lines = {"Host": "127.0.0.1", "Content-Length": str(len(body)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return await self.say(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)

    async def say(self, request: bytes) -> Answer:
        """Any bytes, and what came back: NOTHING when the other end hung up, or said nothing in time."""
        try:
            async with asyncio.timeout(self.within_s):
                if self._writer is None:
                    self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
                self._writer.write(request)
                return await self._answer()
        except (OSError, EOFError, TimeoutError):
            self.hang_up()
            return NOTHING

    def hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None

    async def _answer(self) -> Answer:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            self.hang_up()
        return Answer(int(head[0].split(" ", 2)[1]), headers, body)
