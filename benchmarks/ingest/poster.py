# SPDX-License-Identifier: Apache-2.0
"""Sends one body again and again over a few connections: PORT SECONDS, the body on standard input."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Final

TOKEN: Final = "of the bench"  # it opens a server that lives for seconds
CONNECTIONS: Final = 8
WARM: Final = 5


async def one(port: int, request: bytes, go: asyncio.Event, warm: asyncio.Semaphore, seconds: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(WARM):
        await ask(reader, writer, request)
    warm.release()
    await go.wait()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await ask(reader, writer, request)
    writer.close()


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(head.decode())


async def main(port: int, seconds: float, body: bytes) -> None:
    head = (
        f"POST /ingest HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    go, warm = asyncio.Event(), asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(one(port, head.encode() + body, go, warm, seconds))
        for _ in range(CONNECTIONS):
            await warm.acquire()
        print("go", flush=True)
        cpu = time.process_time()
        go.set()
    print(json.dumps({"cpu_s": time.process_time() - cpu}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), sys.stdin.buffer.read()))
