# SPDX-License-Identifier: Apache-2.0
"""The words transports and control share: an instruction on its way to one device, and what became of it at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

TRANSMITTED: Final = "transmitted"
"""The network's word, not the device's: it is on its way, and the reason says how far."""
UNCONFIRMED: Final = "unconfirmed"
"""The network's word: it was transmitted and nobody will confirm it; only what is measured can."""


@dataclass(frozen=True, slots=True)
class Letter:
    """`payload` is written by the device's codec; `expires_in_s` is wall time."""

    device: str
    id: str
    point: str
    payload: bytes
    expires_in_s: float


@dataclass(frozen=True, slots=True)
class Posted:
    """Sent; or not, because the device is not there; or refused for good, with the reason as a sentence."""

    is_sent: bool
    refusal: str = ""

    SENT: ClassVar[Posted]
    AWAY: ClassVar[Posted]

    @classmethod
    def refused(cls, sentence: str) -> Posted:
        return cls(False, sentence)


Posted.SENT = Posted(True)
Posted.AWAY = Posted(False)
