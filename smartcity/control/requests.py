# SPDX-License-Identifier: Apache-2.0
"""Setpoints become commands: judged in a batch, written in one transaction, never one query more for one asset more."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from smartcity.api import audit
from smartcity.api.audit import Actor
from smartcity.control import grants, judging, leases, lifecycle, moving, safety, situations, standing
from smartcity.control.brake import Brake
from smartcity.control.instants import instant, sequences
from smartcity.control.judging import Terms, Verdict, judge
from smartcity.control.models import Command
from smartcity.control.refusals import Conflict, Refused
from smartcity.control.situations import Facts
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Loop, Priority, Setpoint, State

log = logging.getLogger(__name__)
REPLACED_BY = "replaced by "


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What all setpoints of one request share. `epoch` is checked by whoever acts for a leader; `by` is audited.

    `brake` holds back what is too much and remembers how much that was.
    """

    issuer: str
    priority: Priority
    now_ms: int
    loop: Loop | None = None
    epoch: int | None = None
    by: Actor | None = None
    key: str = ""
    batch: str = ""
    brake: Brake | None = None


def request(
    setpoints: Sequence[Setpoint],
    *,
    issuer: str,
    priority: Priority,
    now_ms: int,
    loop: Loop | None = None,
    epoch: int | None = None,
    by: Actor | None = None,
    key: str = "",
    batch: str = "",
    brake: Brake | None = None,
) -> list[Command]:
    """The commands this made: queued, proposed or refused, each with its first transition.

    A loop is held to its mode and to its brake, and does not repeat itself. Raises LostLeadership when `epoch` no
    longer leads, Refused when a person names an asset that is not there, Conflict when `key` was used for something
    else.
    """
    order = Order(
        issuer=issuer,
        priority=priority,
        now_ms=now_ms,
        loop=loop,
        epoch=epoch,
        by=by,
        key=key,
        batch=batch,
        brake=brake,
    )
    return write(setpoints, facts_for(setpoints, order), order)


def facts_for(setpoints: Sequence[Setpoint], order: Order) -> dict[str, Facts]:
    """Reads telemetry: before the transaction of `write`, never in it."""
    facts = situations.load({s.asset for s in setpoints}, order.now_ms, is_simulation=clock.is_simulation)
    missing = sorted({s.asset for s in setpoints} - facts.keys())
    if missing and order.by is not None:
        raise Refused(f"There is no asset {missing[0]}.")
    if missing:
        log.warning("%s names %d assets that do not exist: %s", order.issuer, len(missing), ", ".join(missing[:5]))
    return facts


def write(setpoints: Sequence[Setpoint], facts: Mapping[str, Facts], order: Order) -> list[Command]:
    known = [s for s in setpoints if s.asset in facts]
    if not known:
        return []
    try:
        with transaction.atomic():
            return _write(known, facts, order)
    except IntegrityError:
        if not order.key:
            raise
        with transaction.atomic():  # the same key came twice at once: the other one has written by now
            return _repeated(known, facts, order)


def _write(setpoints: list[Setpoint], facts: Mapping[str, Facts], order: Order) -> list[Command]:
    if order.epoch is not None:
        leases.insist(leases.CONTROL, order.epoch)
    if order.key and (earlier := _repeated(setpoints, facts, order)):
        return earlier
    now = instant(order.now_ms)
    assets = {facts[s.asset].asset.pk for s in setpoints}
    points = judging.points_of(facts.values())
    board = standing.read(assets, {safety.LEASE, *points, *(s.point for s in setpoints)}, now)
    terms = replace(_terms(facts, order), wishes=judging.wishes(setpoints))
    judged = [(s, v) for s in setpoints if (v := judge(s, facts[s.asset], board, terms)) is not None]
    if order.brake is not None:
        judged = order.brake.keep(judged)
    commands = [
        _command(setpoint, verdict, facts[setpoint.asset], order, sequence, number)
        for number, ((setpoint, verdict), sequence) in enumerate(
            zip(judged, sequences(len(judged), order.now_ms), strict=True)
        )
    ]
    displace([c for c in commands if c.state != State.REFUSED], board, order)
    Command.objects.bulk_create(commands)
    for state in lifecycle.BIRTHS:
        born = [c for c in commands if c.state == state]
        for note in {c.state_note for c in born}:
            moving.record([c.pk for c in born if c.state_note == note], state, now, note)
    if order.by is not None and commands:
        _audit(order.by, commands, facts)
    return commands


def _terms(facts: Mapping[str, Facts], order: Order) -> Terms:
    granted = None
    if order.loop is not None:
        zones = {f.asset.zone_id for f in facts.values()}
        granted = grants.current(order.loop, zones, instant(order.now_ms), is_simulation=clock.is_simulation)
    return Terms(order.issuer, order.priority, order.now_ms, clock.is_simulation, granted)


def displace(commands: Sequence[Command], board: standing.Board, order: Order) -> None:
    """Older claims that are no stronger end; a proposal ends only older proposals.

    A return to local that its device has not answered yet ends too: heard after this, it would undo it.
    """
    now = instant(order.now_ms)
    open_ones: list[UUID] = []
    released: list[UUID] = []
    for command in commands:
        assert command.asset_id is not None
        for older in board.on(command.asset_id, command.point):
            if command.state == State.PROPOSED and older.state is not State.PROPOSED:
                continue
            if older.priority >= command.priority:
                open_ones += [] if older.state in lifecycle.ENDS else [older.id]
                released.append(older.id)
        if command.state == State.QUEUED and command.point != safety.LEASE:
            unheard = [c for c in board.on(command.asset_id, safety.LEASE) if c.state in lifecycle.UNANSWERED]
            open_ones += [older.id for older in unheard if older.priority >= command.priority]
    Command.objects.filter(pk__in=released, released_at__isnull=True).update(released_at=now)
    moving.move_from_any(open_ones, State.SUPERSEDED, now, f"{REPLACED_BY}{order.issuer}")


def _command(setpoint: Setpoint, verdict: Verdict, facts: Facts, order: Order, sequence: int, number: int) -> Command:
    now = instant(order.now_ms)
    return Command(
        asset=facts.asset,
        zone_id=facts.asset.zone_id,
        device=facts.device,
        domain=facts.asset.domain,
        point=setpoint.point[:60],
        value=_storable(setpoint.value),
        state=verdict.state,
        state_note=verdict.note[: moving.NOTE_LENGTH],
        priority=order.priority,
        issuer=order.issuer,
        reason=setpoint.reason[:500],
        alternative=setpoint.alternative[:300],
        rests_on=list(setpoint.rests_on),
        expect=asdict(setpoint.expect) if setpoint.expect else None,
        sequence=sequence,
        epoch=order.epoch or 0,
        simulated=clock.is_simulation,
        idempotency_key=key_of(order, number) if order.key else None,
        batch=order.batch,
        created_at=now,
        ended_at=now if verdict.state is State.REFUSED else None,
        expires_at=now + timedelta(seconds=_life(setpoint.expires_in_s)),
    )


def _storable(value: float | str) -> float | str:
    """JSON has no NaN; what was refused for being one is kept as a word."""
    return value if isinstance(value, str) or math.isfinite(value) else str(value)


def _life(seconds: float) -> float:
    return min(max(seconds, 0.0), safety.LONGEST_S) if math.isfinite(seconds) else 0.0


def key_of(order: Order, number: int) -> str:
    return f"{hashlib.sha256(f'{order.issuer} {order.key}'.encode()).hexdigest()}:{number}"


def _repeated(setpoints: list[Setpoint], facts: Mapping[str, Facts], order: Order) -> list[Command]:
    """What the same key made before; Conflict when it was for another wish."""
    keys = [key_of(order, number) for number in range(len(setpoints))]
    earlier = list(Command.objects.filter(idempotency_key__in=keys).order_by("sequence"))
    wished = {(facts[s.asset].asset.pk, s.point, str(s.value)) for s in setpoints}
    if not {(c.asset_id, c.point, str(c.value)) for c in earlier} <= wished:
        raise Conflict("This idempotency key was used for another command; take a new one.", order.issuer, None)
    return earlier


def _audit(by: Actor, commands: Sequence[Command], facts: Mapping[str, Facts]) -> None:
    uids = {f.asset.pk: f.asset.uid for f in facts.values()}
    first = commands[0]
    audit.record(
        by,
        "command.request",
        uids[first.asset_id or 0] if len(commands) == 1 else f"{len(commands)} assets",
        after=[
            {"id": str(c.pk), "asset": uids[c.asset_id or 0], "point": c.point, "value": c.value, "state": c.state}
            for c in commands[:50]
        ],
        reason=first.reason,
    )
