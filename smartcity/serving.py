# SPDX-License-Identifier: Apache-2.0
"""The web server of the city process: uvicorn on our own loop, leaving signals to us."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import Any

import uvicorn

GRACE_S = 3


class Server(uvicorn.Server):
    """Serves until `should_exit` is set; the city decides when that is. `is_up` is set once it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def server(application: Any, address: str, port: int) -> Server:
    """HTTP and WebSocket, no access log. Frames go out as they are, whatever a browser offers: they are encoded once
    for everybody, and compressing them for each again took 29 times the CPU of sending them (`script/bench ingest`)."""
    config = uvicorn.Config(
        application,
        host=address,
        port=port,
        access_log=False,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_S,
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,
        server_header=False,
    )
    return Server(config)


def shared(address: str, port: int) -> socket.socket:
    """A socket on which several processes may listen: the kernel deals out who connects."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind((address, port))
    return made


def refusal(address: str, port: int) -> str:
    """Why this address cannot be listened on, in one sentence; empty when it can."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        return error.strerror or str(error)
    return ""
