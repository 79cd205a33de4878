# SPDX-License-Identifier: Apache-2.0
"""The words transports and the ingest pipeline share: a message, its outcome, the inbox, who may come in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, Protocol

Kind = Literal["up", "ack", "hello"]

# MQTT 5 PUBACK reason codes the pipeline may refuse with (OASIS MQTT 5.0, table 3-4); other transports map them.
UNSPECIFIED: Final = 0x80
NOT_AUTHORISED: Final = 0x87
QUOTA_EXCEEDED: Final = 0x97
PAYLOAD_INVALID: Final = 0x99
REFUSALS: Final = frozenset({0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message. Only STORED is a promise: a quarantined message is STORED once its row is committed."""

    is_stored: bool
    reason: str = ""
    code: int = 0

    STORED: ClassVar[Outcome]

    @classmethod
    def quarantined(cls, reason: str) -> Outcome:
        """Kept, but not as readings: as good as stored for the device, worth telling whoever can listen."""
        return cls(is_stored=True, reason=reason)

    @classmethod
    def refused(cls, reason: str, code: int = UNSPECIFIED) -> Outcome:
        """`reason` is counted, so it comes from a small fixed set; `code` is one of the PUBACK codes named above."""
        if code not in REFUSALS:
            raise ValueError(f"{code:#x} is no PUBACK reason code of a refusal")
        return cls(is_stored=False, reason=reason, code=code)


Outcome.STORED = Outcome(is_stored=True)
QUARANTINE_FULL: Final = Outcome.refused("quarantine is full", QUOTA_EXCEEDED)


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One message as it came in, from a device that has proved who it is.

    `received_at_ms` is city time in milliseconds since 1970. `settle` answers the device; call it exactly once, from
    the event loop, and with STORED only after the commit. It is harmless when the device has gone meanwhile. `codec`
    is the one a gateway has translated into; empty for the device's own.
    """

    device: str
    kind: Kind
    payload: bytes
    received_at_ms: int
    transport: str
    settle: Callable[[Outcome], None]
    codec: str = ""


class Inbox(Protocol):
    """The bounded queue in front of the pipeline, used from the event loop only.

    A transport whose message is not taken keeps it, stops reading its socket, and offers it again after
    `when_there_is_room`. Nothing is dropped: the sender is made to wait.
    """

    def offer(self, message: RawMessage) -> bool:
        """Take the message, or return False when full."""
        ...

    def when_there_is_room(self, call: Callable[[], None]) -> None:
        """Call once, soon, from the event loop, when the queue has drained below its lower mark (or is not full)."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """A device that proved its secret, or that it holds a certificate's key."""

    device: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a device has shown, signed by whom the city trusts and not expired: TLS has seen to that.

    `device` is its common name, empty where there is not exactly one; `fingerprint` the SHA-256 of its DER form;
    `expires_at` in seconds since 1970.
    """

    device: str
    fingerprint: bytes
    expires_at: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nobody came in. `reason` is counted and logged, never sent: the sender learns only that it failed."""

    reason: str


class Authenticator(Protocol):
    async def authenticate(self, username: str, password: bytes) -> Identity | Refusal:
        """Compare in constant time, for unknown devices too."""
        ...


class Certifier(Authenticator, Protocol):
    """Who knows secrets and certificates."""

    async def certified(self, certificate: Certificate, username: str) -> Identity | Refusal:
        """Who has shown a certificate needs no password; a user name, where one is given, must be the same."""
        ...
