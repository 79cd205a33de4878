# SPDX-License-Identifier: Apache-2.0
"""What already stands on the points a request names: claims, proposals, refusals, tags. Three queries a batch."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from smartcity.control import lifecycle, moving
from smartcity.control.arbiter import Claim
from smartcity.control.instants import ms_of
from smartcity.control.models import Command, LockOut
from smartcity.kernel.control import State

Key = tuple[int, str]
REJECTED = "rejected by "
_FORGOTTEN = (State.SUPERSEDED, State.EXPIRED)
_TRIED = lifecycle.HOLDING | {State.FAILED, State.ROLLED_BACK}


@dataclass(frozen=True, slots=True)
class Standing:
    """One unexpired command on a point."""

    id: UUID
    asset: int
    point: str
    value: Any
    state: State
    priority: int
    issuer: str
    note: str
    created_at: datetime
    expires_at: datetime
    sent_at: datetime | None

    @property
    def claim(self) -> Claim:
        return Claim(
            priority=self.priority,
            at_ms=ms_of(self.created_at),
            until_ms=ms_of(self.expires_at),
            value=self.value,
            owner=self.issuer,
            id=str(self.id),
        )

    def is_fresh(self, now: datetime) -> bool:
        """Whether more than half of its life is left."""
        return self.expires_at - now > (self.expires_at - self.created_at) / 2

    def makes_needless(self, state: State, value: Any, note: str, issuer: str, now: datetime) -> bool:
        """Whether the same issuer asking for the same again would change nothing."""
        if self.issuer != issuer or self.value != value:
            return False
        if state is State.REFUSED:
            return self.state is State.REFUSED and self.note == note[: moving.NOTE_LENGTH]
        if state is State.PROPOSED:
            answered = self.state is State.REFUSED and self.note.startswith(REJECTED)
            return answered or (self.state is State.PROPOSED and self.is_fresh(now))
        refused_by_device = self.state is State.REFUSED and self.sent_at is not None
        return (self.state in _TRIED or refused_by_device) and self.is_fresh(now)


@dataclass(slots=True)
class Board:
    """Standing commands by (asset, point), newest first, and tags by asset."""

    commands: dict[Key, list[Standing]] = field(default_factory=dict)
    tags: dict[int, str] = field(default_factory=dict)
    _points: dict[int, set[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for asset, point in self.commands:
            self._points.setdefault(asset, set()).add(point)

    def points(self, asset: int) -> Collection[str]:
        """The points of an asset on which anything stands."""
        return self._points.get(asset, ())

    def on(self, asset: int, point: str) -> list[Standing]:
        return self.commands.get((asset, point), [])

    def claims(self, asset: int, point: str) -> list[Claim]:
        return [s.claim for s in self.on(asset, point) if s.state in lifecycle.HOLDING]


def read(assets: Collection[int], points: Iterable[str], now: datetime) -> Board:
    rows = (
        Command.objects.filter(asset__in=assets, point__in=set(points), released_at__isnull=True, expires_at__gt=now)
        .exclude(state__in=_FORGOTTEN)
        .order_by("-created_at", "-sequence")
        .values_list(
            "pk",
            "asset",
            "point",
            "value",
            "state",
            "priority",
            "issuer",
            "state_note",
            "created_at",
            "expires_at",
            "sent_at",
        )
    )
    commands: dict[Key, list[Standing]] = {}
    for pk, asset, point, value, state, priority, issuer, note, created_at, expires_at, sent_at in rows:
        assert asset is not None
        commands.setdefault((asset, point), []).append(
            Standing(pk, asset, point, value, State(state), priority, issuer, note, created_at, expires_at, sent_at)
        )
    return Board(commands, tags(assets))


def tags(assets: Collection[int]) -> dict[int, str]:
    """Who has locked out which asset, in words."""
    standing = LockOut.objects.filter(asset__in=assets, lifted_at__isnull=True)
    return {
        asset: f"locked out by {owner}: {reason}"
        for asset, owner, reason in standing.values_list("asset", "owner__username", "reason")
    }
