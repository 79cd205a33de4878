# SPDX-License-Identifier: Apache-2.0
"""Browsers that look on, as cheap as they can be, so that the server is what is measured.

    python -m benchmarks.ingest.browsers PORT HOW_MANY HOW_MANY_READ [COOKIE]

Each is a WebSocket on /live that counts what it gets; some also read it, and note how old each value of a delta is.
Says `connected` when each has had its first frame. From a line to the next it counts, and then answers with a line of
JSON: frames, bytes, and the ages in ms of what was read.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
from functools import partial
from typing import Any, Final

import msgspec
import numpy as np
import uvloop

TEXT: Final = 1
PING: Final = 9
AT_ONCE: Final = 50


class Delta(msgspec.Struct, gc=False):
    t: str = ""
    values: list[tuple[int, float, int, int]] = []


read = msgspec.json.Decoder(Delta).decode


class Tally:
    """Of all browsers together, since `begin`."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.frames = self.size = self.snapshots = 0
        self.ages_ms: list[int] = []

    def told(self) -> dict[str, float]:
        p50, p99 = np.quantile(self.ages_ms, (0.5, 0.99)) if self.ages_ms else (0, 0)
        figures = {"frames": self.frames, "bytes": self.size, "snapshots": self.snapshots, "read": len(self.ages_ms)}
        return figures | {"p50_ms": float(p50), "p99_ms": float(p99)}


class Browser(asyncio.Protocol):
    """RFC 6455 as a client needs it to listen; it offers to have frames compressed, as browsers do."""

    def __init__(self, tally: Tally, hello: bytes, reads: bool) -> None:
        self.tally, self.hello, self.reads = tally, hello, reads
        self.first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer = bytearray()
        self._is_open = False

    def connection_made(self, transport: Any) -> None:
        self.transport: asyncio.Transport = transport
        transport.write(self.hello)

    def connection_lost(self, problem: Exception | None) -> None:
        if not self.first.done():
            self.first.set_exception(ConnectionError(f"refused: {bytes(self._buffer[:200])!r}"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            head, end, _ = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.transport.close()
                return
            del self._buffer[: len(head) + 4]
            self._is_open = True
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def _frame(self) -> tuple[int, bytes] | None:
        """Opcode and body of the next whole frame; servers do not mask (5.1)."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        short = buffer[1] & 127
        start = 2 + {126: 2, 127: 8}.get(short, 0)
        if len(buffer) < start:
            return None
        size = int.from_bytes(buffer[2:start], "big") if start > 2 else short
        if len(buffer) < start + size:
            return None
        opcode, body = buffer[0] & 15, bytes(buffer[start : start + size])
        is_packed = bool(buffer[0] & 64)
        del buffer[: start + size]
        if is_packed and self.reads:
            raise ValueError("frames come compressed, and nobody here unpacks them")
        return opcode, body

    def _take(self, opcode: int, body: bytes) -> None:
        if opcode == PING:
            self.transport.write(bytes([0x8A, 0x80 | len(body), 0, 0, 0, 0]) + body)
        if opcode != TEXT:
            return
        self.tally.frames += 1
        self.tally.size += len(body)
        if not self.first.done():
            self.first.set_result(None)
        elif self.reads:
            self._note(read(body))

    def _note(self, delta: Delta) -> None:
        if delta.t == "snapshot":
            self.tally.snapshots += 1
            return
        now = time.time_ns() // 1_000_000
        self.tally.ages_ms += [now - value[2] for value in delta.values]


def hello(port: int, cookie: str) -> bytes:
    lines = [
        "GET /live HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", f"Origin: http://127.0.0.1:{port}",
        f"Cookie: sessionid={cookie}", "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


async def main(port: int, many: int, readers: int, cookie: str) -> None:
    loop, tally = asyncio.get_running_loop(), Tally()
    browsers = [Browser(tally, hello(port, cookie), n < readers) for n in range(many)]
    for n in range(0, many, AT_ONCE):
        some = browsers[n : n + AT_ONCE]
        for browser in some:
            await loop.create_connection(partial(_same, browser), "127.0.0.1", port)
        await asyncio.gather(*(browser.first for browser in some))
    print("connected", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        tally.begin()
        await loop.run_in_executor(None, sys.stdin.readline)
        print(json.dumps(tally.told()), flush=True)


def _same(browser: Browser) -> Browser:
    return browser


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        port, many, readers = map(int, sys.argv[1:4])
        runner.run(main(port, many, readers, "".join(sys.argv[4:])))
