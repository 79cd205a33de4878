# SPDX-License-Identifier: Apache-2.0
"""The device gateway: an MQTT server for devices only. It is no broker: devices talk to the city, not to each other.

It runs on one event loop and is used from that loop only.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import secrets
import ssl as tls
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mqtt5 import ConnAckReasonCode, DisconnectReasonCode

from smartcity.transports.messages import (
    QUOTA_EXCEEDED,
    Certificate,
    Certifier,
    Identity,
    Inbox,
    Outcome,
    Refusal,
)
from smartcity.transports.mqtt.backoff import Backoff
from smartcity.transports.mqtt.connection import Connection
from smartcity.transports.mqtt.counters import Counters
from smartcity.transports.mqtt.events import ConnectRequested
from smartcity.transports.mqtt.limits import Limits
from smartcity.transports.mqtt.outbox import Delivery, OutgoingCommand

log = logging.getLogger(__name__)

FILES_KEPT_FREE = 256


@dataclass(frozen=True, slots=True)
class NotConnected:
    """No session of this device has subscribed to its commands: nothing was sent."""

    device: str


@dataclass(frozen=True, slots=True)
class Connected:
    """A live session. `takes_commands` once it has subscribed."""

    client_id: str
    address: str
    version: str
    takes_commands: bool


def _nothing(device: str) -> None:
    pass


class Gateway:
    inbox_full = Outcome.refused("connection ended before there was room", QUOTA_EXCEEDED)

    def __init__(
        self,
        inbox: Inbox,
        authenticator: Certifier,
        *,
        city_ms: Callable[[], int],
        limits: Limits | None = None,
        on_ready: Callable[[str], None] = _nothing,
        on_gone: Callable[[str], None] = _nothing,
    ) -> None:
        """`city_ms` is the city clock, which messages are stamped with.

        `on_ready(device)`: it has just subscribed to its commands, send again what it has not answered.
        `on_gone(device)`: its last session has ended.
        """
        self.inbox = inbox
        self.authenticator = authenticator
        self.city_ms = city_ms
        self.limits = limits or Limits()
        self.on_ready = on_ready
        self.on_gone = on_gone
        self.counters = Counters()
        self._backoff = Backoff(self.limits.max_delayed_per_address)
        self._connections: set[Connection] = set()
        self._sessions: dict[str, list[Connection]] = {}
        self._servers: list[asyncio.Server] = []
        self._max_connections = self.limits.max_connections

    # for the city

    async def serve(
        self,
        host: str = "127.0.0.1",
        port: int = 1883,
        ssl: tls.SSLContext | None = None,
        *,
        shares_port: bool = False,
    ) -> int:
        """Listen, also a second time with TLS; returns the port, which port 0 leaves to the system. Where the port is
        shared, other gateways may listen on it too, and the kernel deals out who connects."""
        files = raise_file_limit()
        self._max_connections = min(self.limits.max_connections, max(1, files - FILES_KEPT_FREE))
        loop = asyncio.get_running_loop()
        handshake_s = self.limits.connect_timeout_s if ssl else None
        server = await loop.create_server(
            lambda: Connection(self),
            host,
            port,
            ssl=ssl,
            backlog=1024,
            ssl_handshake_timeout=handshake_s,
            reuse_port=shares_port or None,
        )
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and tell every device to come back later."""
        for server in self._servers:
            server.close()
        for connection in tuple(self._connections):
            connection.session.end(DisconnectReasonCode.SERVER_SHUTTING_DOWN, "server shutting down")
            connection.flush()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()

    def send_command(self, device: str, payload: bytes, *, message_expiry_s: float) -> Delivery | NotConnected:
        """Send to the device's latest session that subscribed. Expiry is in wall-clock seconds."""
        for connection in reversed(self._sessions.get(device, ())):
            if connection.session.takes_commands:
                now = connection.loop.time()
                delivery = Delivery()
                connection.session.send(OutgoingCommand(payload, now + message_expiry_s, delivery), now)
                connection.flush()
                return delivery
        return NotConnected(device)

    def disconnect(self, device: str, reason: str) -> int:
        """End every session of a device, as after revoking its secret; returns how many there were."""
        sessions = tuple(self._sessions.get(device, ()))
        for connection in sessions:
            connection.session.end(DisconnectReasonCode.ADMINISTRATIVE_ACTION, reason)
            connection.flush()
        return len(sessions)

    def client_of(self, device: str) -> str:
        """The client id of its latest session; empty where it has none."""
        sessions = self._sessions.get(device)
        return sessions[-1].session.client_id if sessions else ""

    def give_up(self, device: str, client_id: str) -> int:
        """The client has connected elsewhere: end its session here; how many there were."""
        sessions = [one for one in self._sessions.get(device, ()) if one.session.client_id == client_id]
        for connection in sessions:
            connection.session.end(DisconnectReasonCode.SESSION_TAKEN_OVER, "session taken over")
            connection.flush()
        return len(sessions)

    @property
    def connected(self) -> Mapping[str, Connected]:
        """Device uid to its latest session, as of now."""
        return MappingProxyType({device: _describe(sessions[-1]) for device, sessions in self._sessions.items()})

    def is_connected(self, device: str) -> bool:
        return device in self._sessions

    @property
    def connections(self) -> int:
        return len(self._connections)

    # for connections

    def admit(self, connection: Connection) -> bool:
        if len(self._connections) >= self._max_connections:
            return False
        self._connections.add(connection)
        return True

    async def authenticate(
        self, request: ConnectRequested, certificate: Certificate | None
    ) -> Identity | Refusal | ConnAckReasonCode:
        try:
            if certificate is not None:
                answer = await self.authenticator.certified(certificate, request.username)
            else:
                answer = await self.authenticator.authenticate(request.username, request.password)
        except Exception:
            log.exception("authentication failed for a reason of our own")
            self.counters.auth_failures["not available"] += 1
            return ConnAckReasonCode.SERVER_UNAVAILABLE
        if isinstance(answer, Refusal):
            self.counters.auth_failures[answer.reason] += 1
        return answer

    async def hold_back(self, address: str) -> None:
        delay = self._backoff.failed(address, asyncio.get_running_loop().time())
        if delay:
            try:
                await asyncio.sleep(delay)
            finally:
                self._backoff.release(address)

    def welcome(self, connection: Connection, identity: Identity, client_id: str) -> None:
        """Open the session; an older one of the same client, or one too many of the device, is taken over."""
        if not connection.session.accept(identity.device, client_id=client_id or f"auto-{secrets.token_hex(8)}"):
            return
        self.counters.connects += 1
        sessions = self._sessions.setdefault(identity.device, [])
        same = [other for other in sessions if other.session.client_id == connection.session.client_id]
        room = self.limits.sessions_per_device - 1
        surplus = [other for other in sessions if other not in same][: max(0, len(sessions) - len(same) - room)]
        sessions.append(connection)
        for other in (*same, *surplus):
            sessions.remove(other)
            other.session.end(DisconnectReasonCode.SESSION_TAKEN_OVER, "session taken over")
            other.flush()

    def ready(self, connection: Connection) -> None:
        self.on_ready(connection.session.device)

    def forget(self, connection: Connection) -> None:
        self._connections.discard(connection)

    def session_ended(self, connection: Connection) -> None:
        device = connection.session.device
        sessions = self._sessions.get(device, [])
        if connection in sessions:
            sessions.remove(connection)
            if not sessions:
                del self._sessions[device]
                self.on_gone(device)


def raise_file_limit() -> int:
    """Open files this process may have, after asking for as many as the system allows: 1,024 is too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 2**20


def _describe(connection: Connection) -> Connected:
    session = connection.session
    return Connected(session.client_id, connection.address, session.version, session.takes_commands)
