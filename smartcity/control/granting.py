# SPDX-License-Identifier: Apache-2.0
"""The lease a fast loop acts under: one command per zone, which a person reads, and who has confirmed it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from smartcity.control import lifecycle, moving, releasing, safety
from smartcity.control.instants import instant, ms_of, sequences
from smartcity.control.models import Command, LoopMode
from smartcity.devices.models import Zone
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Loop, Mode, Priority, State

RENEWED = "renewed"


@dataclass(slots=True)
class ZoneLease:
    """A standing lease. `members` are the assets it is meant for, `confirmed` those whose device took it."""

    id: UUID
    from_ms: int
    until_ms: int
    state: State
    members: frozenset[str]
    confirmed: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    told: str = ""

    def is_due(self, now_ms: int) -> bool:
        """Half of its life is over."""
        return now_ms - self.from_ms >= (self.until_ms - self.from_ms) / 2

    @property
    def words(self) -> str:
        count = f"{len(self.confirmed & self.members)} of {len(self.members)} devices have confirmed"
        missing = sorted(self.members - self.confirmed)
        return count if not missing else f"{count}, not yet {', '.join(missing[:5])}{' …' if missing[5:] else ''}"


def standing(leases: Collection[ZoneLease]) -> set[UUID]:
    """Those that nobody has ended meanwhile."""
    ids = [lease.id for lease in leases]
    return set(Command.objects.filter(pk__in=ids, released_at__isnull=True).values_list("pk", flat=True))


def issue(loop: Loop, zone: Zone, members: Collection[str], *, now_ms: int, epoch: int) -> ZoneLease | None:
    """Write the lease and end the one before it. None when the grant it rests on is over. In a transaction."""
    now = instant(now_ms)
    granted = LoopMode.objects.filter(loop=loop.name, zone=zone).first()
    until_ms = _until(loop, granted, now_ms)
    if until_ms <= now_ms:
        return None
    older = Command.objects.filter(
        issuer=releasing.issuer(loop), zone=zone, asset__isnull=True, released_at__isnull=True, expires_at__gt=now
    )
    releasing.end_claims(list(older.values_list("pk", flat=True)), now_ms, RENEWED)
    command = Command(
        id=uuid.uuid4(),
        zone=zone,
        domain=loop.domain,
        point=safety.LEASE,
        value=Mode.AUTO.value,
        state=State.QUEUED,
        priority=Priority.OPTIMISER,
        issuer=releasing.issuer(loop),
        reason=_reason(loop, zone, granted, len(members))[:500],
        sequence=sequences(1, now_ms)[0],
        epoch=epoch,
        simulated=clock.is_simulation,
        created_at=now,
        expires_at=instant(until_ms),
    )
    command.save(force_insert=True)
    moving.record([command.pk], State.QUEUED, now)
    moving.move([command.pk], State.QUEUED, State.SENT, now, f"to {len(members)} devices", sent_at=now)
    return ZoneLease(command.pk, now_ms, until_ms, State.SENT, frozenset(members))


def _until(loop: Loop, granted: LoopMode | None, now_ms: int) -> int:
    until_ms = now_ms + int(loop.lease_s * 1000)
    if granted is None or granted.until is None or granted.mode != Mode.AUTO:
        return until_ms
    return min(until_ms, ms_of(granted.until))


def _reason(loop: Loop, zone: Zone, granted: LoopMode | None, count: int) -> str:
    word = loop.words.get(Mode.AUTO, Mode.AUTO.value)
    by = f"granted by {granted.set_by}: {granted.reason}" if granted else "the loop's default"
    return f"{loop.title}: {word} for {count} devices in {zone.name}, {by}"


def progress(leases: Mapping[int, ZoneLease], now_ms: int) -> None:
    """Write down who has confirmed, where that has changed. In a transaction."""
    now = instant(now_ms)
    for lease in leases.values():  # one per zone of the loop, and only where something has changed
        if lease.told == lease.words:
            continue
        lease.told = lease.words
        reached = _reached(lease)
        if reached is not lease.state:
            _advance(lease, reached, now)
        Command.objects.filter(pk=lease.id).update(state_note=lease.words[: moving.NOTE_LENGTH])


def _reached(lease: ZoneLease) -> State:
    if not lease.confirmed:
        return lease.state
    return State.VERIFIED if lease.members <= lease.confirmed else State.APPLIED


def _advance(lease: ZoneLease, to: State, now: datetime) -> None:
    if lease.state is State.SENT:
        moving.move([lease.id], State.SENT, State.APPLIED, now, lease.words, applied_at=now)
        lease.state = State.APPLIED
    if lifecycle.may_become(lease.state, to):
        moving.move([lease.id], lease.state, to, now, lease.words)
        lease.state = to
