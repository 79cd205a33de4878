# SPDX-License-Identifier: Apache-2.0
"""Which state a command may go to next. Pure; rows follow it by guarded updates (moving.py)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from smartcity.kernel.control import State

_S = State

NEXT: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        _S.PROPOSED: frozenset({_S.APPROVED, _S.REFUSED, _S.EXPIRED, _S.SUPERSEDED}),
        _S.APPROVED: frozenset({_S.QUEUED, _S.REFUSED, _S.EXPIRED, _S.SUPERSEDED}),
        _S.QUEUED: frozenset({_S.SENT, _S.REFUSED, _S.EXPIRED, _S.SUPERSEDED}),
        # back to queued when the device turned out not to be there
        _S.SENT: frozenset({_S.QUEUED, _S.RECEIVED, _S.APPLIED, _S.REFUSED, _S.EXPIRED, _S.SUPERSEDED}),
        _S.RECEIVED: frozenset({_S.APPLIED, _S.REFUSED, _S.EXPIRED, _S.SUPERSEDED}),
        _S.APPLIED: frozenset({_S.VERIFIED, _S.FAILED, _S.SUPERSEDED}),
        _S.VERIFIED: frozenset(),
        _S.FAILED: frozenset({_S.ROLLED_BACK}),
        _S.REFUSED: frozenset(),
        _S.EXPIRED: frozenset(),
        _S.SUPERSEDED: frozenset(),
        _S.ROLLED_BACK: frozenset(),
    }
)

BIRTHS = frozenset({State.PROPOSED, State.QUEUED, State.REFUSED})
ENDS = frozenset({_S.VERIFIED, _S.REFUSED, _S.EXPIRED, _S.FAILED, _S.SUPERSEDED, _S.ROLLED_BACK})
WAITING_FOR_DEVICE = frozenset({_S.SENT, _S.RECEIVED})
UNANSWERED = WAITING_FOR_DEVICE | {_S.QUEUED}
HOLDING = frozenset({_S.QUEUED, _S.SENT, _S.RECEIVED, _S.APPLIED, _S.VERIFIED})
"""States in which a command claims its point until it expires."""

_ACKNOWLEDGED = {
    "received": State.RECEIVED,
    "applied": State.APPLIED,
    "refused": State.REFUSED,
    "expired": State.EXPIRED,
}


class Forbidden(Exception):
    """A step the life cycle does not know: a fault of our own code."""


def may_become(was: State, to: State) -> bool:
    return to in NEXT[was]


def sources(to: State) -> frozenset[State]:
    """The states a command may come from to reach `to`."""
    return frozenset(was for was, following in NEXT.items() if to in following)


def insist(was: State, to: State) -> None:
    if not may_become(was, to):
        raise Forbidden(f"a command cannot go from {was} to {to}")


def from_ack(word: str) -> State | None:
    """What a device's answer means; None for a word we do not know."""
    return _ACKNOWLEDGED.get(word)
