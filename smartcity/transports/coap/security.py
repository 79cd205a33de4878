# SPDX-License-Identifier: Apache-2.0
"""Who sent it: OSCORE (RFC 8613) with a key that device and city derive from what the registry stores."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiocoap import error, oscore
from aiocoap.message import Direction, Message
from aiocoap.numbers.codes import Code

from smartcity.transports.coap import packet
from smartcity.transports.coap.numbering import Numbers
from smartcity.transports.coap.packet import Packet
from smartcity.transports.messages import Refusal

MASTER_SALT: Final = b"smart-city coap 1"
DEVICE_ID: Final = b""
CITY_ID: Final = b"\x01"
ALGORITHM: Final = "AES-CCM-16-64-128"
LONGEST_UID: Final = 64
LONGEST_NUMBER: Final = 5
REPLAYS_KNOWN: Final = 32
PARTS: Final = {oscore.COSE_KID, oscore.COSE_PIV, oscore.COSE_KID_CONTEXT}


class Keys(Protocol):
    def stored_digest(self, uid: str) -> bytes | Refusal:
        """SHA-256 of the device's secret, or why it may not come in."""
        ...


class TurnedAway(Exception):
    """The message is a reason to count by; the sender learns `code` and nothing more."""

    def __init__(self, reason: str, code: Code = Code.UNAUTHORIZED) -> None:
        super().__init__(reason)
        self.code = code


class Challenged(Exception):
    """The device is to say it again with what `answer` holds: the city cannot know otherwise that it is fresh."""

    def __init__(self, answer: Message) -> None:
        super().__init__()
        self.answer = answer


class Association(oscore.CanProtect, oscore.CanUnprotect, oscore.SecurityContextUtils):  # type: ignore[misc]
    """City and one device. Which of its numbers were used is not on disk: after a start the device is challenged
    (RFC 8613, appendix B.1.2), by a word of this association alone, so that an old answer to it proves nothing."""

    alg_aead = oscore.algorithms[ALGORITHM]
    hashfun = oscore.hashfunctions["sha256"]
    sender_id, recipient_id = CITY_ID, DEVICE_ID

    def __init__(self, uid: str, digest: bytes, numbers: Numbers) -> None:
        self.digest = digest
        self.id_context = uid.encode()
        self.recipient_replay_window = oscore.ReplayWindow(REPLAYS_KNOWN, lambda: None)
        self.echo_recovery = secrets.token_bytes(8)
        self._numbers = numbers
        self.derive_keys(MASTER_SALT, digest)

    def new_sequence_number(self) -> int:
        number = self._numbers.take()
        if number > oscore.MAX_SEQNO:
            raise oscore.ContextUnavailable("all numbers are used up")
        return number

    def post_seqnoincrease(self) -> None:
        """The numbers keep themselves."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A request and who has proved to have sent it. To be answered once, since the answer uses up its number."""

    device: str
    request: Message
    association: Association
    proof: Any

    def seal(self, answer: Message) -> Message:
        sealed, _ = self.association.protect(answer, self.proof)
        return sealed


class Guard:
    """Remembers an association for each device that has spoken: their number is bounded by the registry."""

    def __init__(self, keys: Keys, numbers: Numbers) -> None:
        self._keys = keys
        self._numbers = numbers
        self._associations: dict[str, Association] = {}

    def open(self, sent: Packet) -> Opened:
        """Raises TurnedAway, or Challenged."""
        if sent.oscore is None:
            raise TurnedAway("no OSCORE")
        if not sent.is_understood:
            raise TurnedAway("unknown critical option", Code.BAD_OPTION)
        if sent.code != packet.POST:
            raise TurnedAway("no POST outside")
        message = _message(sent)
        device = _claimed(message)
        association = self._association(device)
        try:
            request, proof = association.unprotect(message)
        except oscore.ReplayErrorWithEcho as fresh:
            raise Challenged(fresh.to_message()) from None
        except oscore.ReplayError:
            raise TurnedAway("replayed") from None
        except oscore.ProtectionInvalid:
            raise TurnedAway("wrong secret") from None
        except (error.UnparsableMessage, ValueError, IndexError) as problem:
            raise TurnedAway("no request inside", Code.BAD_REQUEST) from problem
        return Opened(device, request, association, proof)

    def _association(self, device: str) -> Association:
        digest = self._keys.stored_digest(device)
        if isinstance(digest, Refusal):
            self._associations.pop(device, None)
            raise TurnedAway(digest.reason)
        known = self._associations.get(device)
        if known is None or known.digest != digest:
            known = self._associations[device] = Association(device, digest, self._numbers)
        return known


def _message(sent: Packet) -> Message:
    message = Message(code=Code(sent.code), payload=sent.payload, oscore=sent.oscore)
    message.direction = Direction.INCOMING
    return message


def _claimed(message: Message) -> str:
    """The uid it says it is from. What the library would stumble over is turned away before."""
    try:
        parts = oscore.verify_start(message)
        number, context = parts[oscore.COSE_PIV], parts[oscore.COSE_KID_CONTEXT]
        if parts.keys() != PARTS or len(number) > LONGEST_NUMBER or parts[oscore.COSE_KID] != DEVICE_ID:
            raise TurnedAway("unreadable OSCORE option")
        if len(context) > LONGEST_UID:
            raise TurnedAway("unknown device")
        return str(context, "ascii")
    except (oscore.DecodeError, IndexError, KeyError):
        raise TurnedAway("unreadable OSCORE option") from None
    except UnicodeDecodeError:
        raise TurnedAway("unknown device") from None
