# SPDX-License-Identifier: Apache-2.0
"""What became of one attempt to tell somebody."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """Whoever carries the message has taken it."""


@dataclass(frozen=True, slots=True)
class Again:
    """Not now; `after_s` is what the other side asks for, 0 where it names nothing."""

    why: str
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Refused:
    """Not this message, and trying again would not help."""

    why: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The subscriber is no longer there."""

    why: str


Outcome = Sent | Again | Refused | Gone
