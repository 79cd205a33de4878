# SPDX-License-Identifier: Apache-2.0
"""Who holds a point: the priority array of BACnet (ASHRAE 135, clause 19.2), the newest among equals. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from smartcity.kernel.control import Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Somebody's standing wish for one point of one asset, until it expires."""

    priority: int
    at_ms: int
    until_ms: int
    value: Any
    owner: str
    id: str = ""


def winner(claims: Iterable[Claim], now_ms: int) -> Claim | None:
    """The claim that holds the point now; None when nobody wishes anything."""
    standing = [claim for claim in claims if claim.until_ms > now_ms]
    return min(standing, key=lambda claim: (claim.priority, -claim.at_ms), default=None)


def stronger(claims: Iterable[Claim], priority: int, now_ms: int) -> Claim | None:
    """The standing claim that a new one of this priority cannot displace, if any."""
    holder = winner(claims, now_ms)
    return holder if holder is not None and holder.priority < priority else None


def displaced(claims: Iterable[Claim], priority: int, now_ms: int) -> list[Claim]:
    """The standing claims that a new one of this priority makes void: equal or weaker ones."""
    return [claim for claim in claims if claim.until_ms > now_ms and claim.priority >= priority]


def word(priority: int) -> str:
    return Priority(priority).name.lower()
