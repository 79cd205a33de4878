# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

from websockets.asyncio.client import connect

from smartcity import serving
from tests.servers import free_port


async def told_once(scope, receive, send):
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "[1, 40.0]" * 200})
    await receive()
    await receive()


async def test_a_frame_is_sent_as_it_was_encoded_though_the_browser_offers_to_unpack():
    port = free_port()
    server = serving.server(told_once, "127.0.0.1", port)
    serves = asyncio.create_task(server.serve())
    await server.is_up.wait()
    async with connect(f"ws://127.0.0.1:{port}/live", compression="deflate") as browser:
        assert await browser.recv() == "[1, 40.0]" * 200
        assert not browser.protocol.extensions
    server.should_exit = True
    await serves
