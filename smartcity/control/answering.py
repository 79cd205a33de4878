# SPDX-License-Identifier: Apache-2.0
"""What devices answered becomes what the table says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from smartcity.control import lifecycle, moving, safety
from smartcity.control.acks import Answer
from smartcity.control.instants import instant, ms_of
from smartcity.control.models import Command
from smartcity.control.moving import Step
from smartcity.kernel.control import Mode, State
from smartcity.transports.letters import TRANSMITTED, UNCONFIRMED

SKEW_MS = 60_000


def take(answers: Sequence[Answer], now_ms: int) -> int:
    """Move the commands these answers are about; how many moved. Strangers' answers and unknown words are nothing."""
    found = [(pk, answer) for answer in answers if (pk := _uuid(answer.id)) and _is_known(answer.state)]
    if not found:
        return 0
    rows = Command.objects.filter(pk__in={pk for pk, _ in found}, ended_at__isnull=True)
    known = {pk: rest for pk, *rest in rows.values_list("pk", "device__uid", "expect", "created_at")}
    received: dict[UUID, Step] = {}
    further: dict[UUID, Step] = {}
    notes: dict[UUID, str] = {}
    for pk, answer in found:
        if pk not in known or known[pk][0] != answer.device:
            continue
        _, expect, created_at = known[pk]
        to = _meaning(answer.state, promises=expect is not None)
        if to is None:
            notes[pk] = answer.reason
            continue
        into = received if to is State.RECEIVED else further
        into.setdefault(pk, Step(to, answer.reason, _columns(to, answer, expect is None, created_at, now_ms)))
    return _note(notes, instant(now_ms)) + _move(received, further, instant(now_ms))


def _is_known(word: str) -> bool:
    return lifecycle.from_ack(word) is not None or word in (TRANSMITTED, UNCONFIRMED)


def _meaning(word: str, *, promises: bool) -> State | None:
    """Where a command goes at this word; None where it stays. What nobody confirms counts as carried out only where an
    effect was promised, which then has to be measured.
    """
    if word == UNCONFIRMED:
        return State.APPLIED if promises else None
    return lifecycle.from_ack(word)


def _note(notes: Mapping[UUID, str], now: datetime) -> int:
    if not notes:
        return 0
    with transaction.atomic():
        return len(moving.note_each(notes, now))


def _move(received: dict[UUID, Step], further: dict[UUID, Step], now: datetime) -> int:
    if not received and not further:
        return 0
    with transaction.atomic():
        first = moving.move_each(received, now) if received else []
        second = moving.move_each(further, now) if further else []
        _roll_back([row for row in second if row.state == State.APPLIED], now)
    return len(first) + len(second)


def _columns(to: State, answer: Answer, is_the_end: bool, created_at: datetime, now_ms: int) -> dict[str, datetime]:
    """What promises no effect to be measured ends with the device's confirmation."""
    if to is not State.APPLIED:
        return {}
    at_ms = getattr(answer, "at_ms", 0)
    is_sane = ms_of(created_at) <= at_ms <= now_ms + SKEW_MS
    applied_at = instant(min(at_ms, now_ms) if is_sane else now_ms)
    return {"applied_at": applied_at} | ({"ended_at": instant(now_ms)} if is_the_end else {})


def _roll_back(applied: Sequence[Command], now: datetime) -> None:
    """A device that confirmed to be local has undone what failed on it."""
    assets = {row.asset_id for row in applied if row.point == safety.LEASE and row.value == Mode.LOCAL}
    if assets:
        failed = Command.objects.filter(asset__in=assets, state=State.FAILED, expires_at__gt=now)
        ids = list(failed.values_list("pk", flat=True))
        moving.move(ids, State.FAILED, State.ROLLED_BACK, now, "the device is back to its local programme")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
