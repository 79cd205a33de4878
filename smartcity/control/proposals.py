# SPDX-License-Identifier: Apache-2.0
"""Advice becomes a command when a person says so; every check is made again at that moment."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from smartcity.api.audit import Actor, record
from smartcity.control import judging, moving, requests, situations, standing
from smartcity.control.instants import instant, ms_of
from smartcity.control.judging import Terms, judge
from smartcity.control.models import Command
from smartcity.control.refusals import Refused
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Priority, Setpoint, State


def approve(ids: Collection[UUID], *, by: Actor, now_ms: int) -> list[Command]:
    """Queue these proposals. Those a check refuses now end as refused; the rows returned tell which.

    Raises Refused when none of them waits any more.
    """
    waiting = Command.objects.filter(pk__in=ids, state=State.PROPOSED, expires_at__gt=instant(now_ms))
    proposals = list(waiting.select_related("asset"))
    uids = {p.asset.uid for p in proposals if p.asset}
    facts = situations.load(uids, now_ms, is_simulation=clock.is_simulation)
    with transaction.atomic():
        moved = set(moving.move([p.pk for p in proposals], State.PROPOSED, State.APPROVED, instant(now_ms), by.name))
        proposals = [p for p in proposals if p.pk in moved]
        if not proposals:
            raise Refused("These proposals wait no more: they have expired, been replaced or been answered.")
        _queue(proposals, facts, by, now_ms)
        reason = proposals[0].reason if len(proposals) == 1 else ""
        record(by, "command.approve", _subject(proposals), after=[str(p.pk) for p in proposals[:50]], reason=reason)
    return list(Command.objects.filter(pk__in=moved).select_related("asset"))


def _queue(proposals: list[Command], facts: dict[str, situations.Facts], by: Actor, now_ms: int) -> None:
    now = instant(now_ms)
    points = {p.point for p in proposals} | judging.points_of(facts.values())
    board = standing.read({p.asset_id or 0 for p in proposals}, points, now)
    together = judging.wishes(_setpoint(p, now_ms) for p in proposals)
    refused: dict[str, list[UUID]] = {}
    passed: list[Command] = []
    for proposal in proposals:
        assert proposal.asset is not None
        terms = Terms(proposal.issuer, proposal.priority, now_ms, clock.is_simulation, wishes=together)
        verdict = judge(_setpoint(proposal, now_ms), facts[proposal.asset.uid], board, terms)
        if verdict is not None and verdict.state is State.REFUSED:
            refused.setdefault(verdict.note, []).append(proposal.pk)
        else:
            passed.append(proposal)
    for note, ids in refused.items():
        moving.move(ids, State.APPROVED, State.REFUSED, now, note)
    mine = {p.pk for p in proposals}
    others = standing.Board({key: [s for s in rows if s.id not in mine] for key, rows in board.commands.items()})
    for proposal in passed:
        proposal.state = State.QUEUED
    order = requests.Order(issuer=f"approval by {by.name}", priority=Priority.OPTIMISER, now_ms=now_ms)
    requests.displace(passed, others, order)
    moving.move([p.pk for p in passed], State.APPROVED, State.QUEUED, now, f"approved by {by.name}")


def reject(ids: Collection[UUID], *, by: Actor, now_ms: int, reason: str) -> int:
    """Say no to proposals; the loop learns nothing from it but does not ask the same again before they expire."""
    if not reason.strip():
        raise Refused("Say why, so that whoever tunes the loop knows.")
    with transaction.atomic():
        note = f"{standing.REJECTED}{by.name}: {reason}"
        moved = moving.move(ids, State.PROPOSED, State.REFUSED, instant(now_ms), note)
        if not moved:
            raise Refused("These proposals wait no more: they have expired, been replaced or been answered.")
        record(by, "command.reject", f"{len(moved)} proposals", after=[str(pk) for pk in moved[:50]], reason=reason)
    return len(moved)


def _setpoint(command: Command, now_ms: int) -> Setpoint:
    assert command.asset is not None
    return Setpoint(
        asset=command.asset.uid,
        point=command.point,
        value=command.value,
        reason=command.reason,
        expires_in_s=(ms_of(command.expires_at) - now_ms) / 1000,
    )


def _subject(proposals: list[Command]) -> str:
    first = proposals[0].asset
    return f"{first.uid} {proposals[0].point}" if len(proposals) == 1 and first else f"{len(proposals)} proposals"
