# SPDX-License-Identifier: Apache-2.0
"""What devices have asked of late, so that a datagram that comes twice is answered twice and carried out once."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

LIFETIME_S: Final = 247.0  # EXCHANGE_LIFETIME of RFC 7252, section 4.8.2

Address = tuple[str, int] | tuple[str, int, int, int]
Key = tuple[Address, bytes]


@dataclass(slots=True)
class Exchange:
    """`answer` is empty until there is one; `patience` ends the waiting for it."""

    began: float
    answer: bytes = b""
    patience: asyncio.TimerHandle | None = None


class Exchanges:
    """Told apart by every byte, not by the message id alone: two devices behind one address may use the same. Holds
    at most so many, the oldest is forgotten first; what comes again after that is a replay, which does no harm."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._known: OrderedDict[Key, Exchange] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, key: Key) -> Exchange | None:
        return self._known.get(key)

    def open(self, key: Key, now: float) -> Exchange:
        while self._known:
            oldest = next(iter(self._known.values()))
            if len(self._known) < self.most and now - oldest.began < LIFETIME_S:
                break
            self._known.popitem(last=False)
        exchange = self._known[key] = Exchange(now)
        return exchange


def key_of(address: Address, datagram: bytes) -> Key:
    return address, hashlib.blake2b(datagram, digest_size=16).digest()
