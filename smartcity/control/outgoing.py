# SPDX-License-Identifier: Apache-2.0
"""Which commands go on the wire now: queued ones whose device is there, and unanswered ones once more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from smartcity import declared
from smartcity.control import leases, lifecycle, moving
from smartcity.control.instants import instant, ms_of
from smartcity.control.models import Command
from smartcity.control.moving import Step
from smartcity.kernel import senml
from smartcity.kernel.codecs import BadPayload, Instruction, broke
from smartcity.kernel.control import State

Reaches = Callable[[str], bool]
Outlook = Callable[[str, int, int], str]
MOST_LOOKED_AT = 20_000
NOT_THERE = "the device is not connected"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One instruction for one device. `again` marks a repetition under the same id."""

    id: UUID
    device: str
    codec: str
    instruction: Instruction
    again: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be sent now, and every id that still waits for an answer."""

    going: tuple[Outgoing, ...]
    unanswered: frozenset[UUID]


def take(
    now_ms: int,
    *,
    epoch: int,
    is_simulation: bool,
    reaches: Reaches,
    outlook: Outlook,
    quiet: Collection[UUID] | None,
    most: int,
) -> Due:
    """Mark as sent what can be sent, with the line's outlook as the note. Raises LostLeadership.

    `quiet` are the unanswered ids whose time to be repeated has not come; None leaves repeating for another tick. Four
    queries, one when nothing is due.
    """
    waiting = [one for one in _waiting(State.QUEUED, now_ms, is_simulation) if reaches(one.device)][:most]
    unanswered = [] if quiet is None else _unanswered(now_ms, is_simulation)
    again = [one.id for one in unanswered if quiet is not None and one.id not in quiet and reaches(one.device)]
    again = again[: most - len(waiting)]
    left = frozenset(one.id for one in unanswered)
    if not waiting and not again:
        return Due((), left)
    notes = {one.id: outlook(one.device, now_ms, ms_of(one.until)) for one in waiting}
    with transaction.atomic():
        leases.insist(leases.CONTROL, epoch)
        moved = _sent(notes, instant(now_ms))
        rows = Command.objects.filter(pk__in=[*moved, *again], state__in=lifecycle.WAITING_FOR_DEVICE)
        rows = rows.filter(ended_at__isnull=True).select_related("device").order_by("priority", "sequence")
        return Due(tuple(_outgoing(row, again=row.pk not in moved) for row in rows), left | moved)


def _sent(notes: Mapping[UUID, str], now: datetime) -> set[UUID]:
    """The ids that are now marked as sent; most of the time without a note, which costs less."""
    plain = [pk for pk, note in notes.items() if not note]
    steps = {pk: Step(State.SENT, note, {"sent_at": now}) for pk, note in notes.items() if note}
    moved = moving.move(plain, State.QUEUED, State.SENT, now, sent_at=now)
    return {*moved, *(row.pk for row in (moving.move_each(steps, now) if steps else ()))}


def refuse(reasons: Mapping[UUID, str], now_ms: int) -> None:
    """The line will not carry them: each ends with the reason."""
    with transaction.atomic():
        moving.move_each({pk: Step(State.REFUSED, reason) for pk, reason in reasons.items()}, instant(now_ms))


def give_back(ids: Sequence[UUID], now_ms: int) -> None:
    """They could not be sent after all: the device had gone."""
    with transaction.atomic():
        moving.move(ids, State.SENT, State.QUEUED, instant(now_ms), NOT_THERE)


def write(codec_name: str, instruction: Instruction) -> bytes:
    """In the device's own codec; JSON where that codec writes no such command."""
    codec = declared.codecs().get(codec_name, senml.CODEC)
    try:
        return codec.encode(instruction)
    except BadPayload:
        pass
    except Exception as problem:  # noqa: BLE001 - codecs come from anybody's domain: one that breaks must not hold up all
        broke(codec, problem)
    return senml.CODEC.encode(instruction)


@dataclass(frozen=True, slots=True)
class _Waiting:
    id: UUID
    device: str
    until: datetime


def _waiting(state: State, now_ms: int, is_simulation: bool) -> list[_Waiting]:
    rows = Command.objects.filter(
        state=state,
        ended_at__isnull=True,
        expires_at__gt=instant(now_ms),
        simulated=is_simulation,
        device__retired_at__isnull=True,
        device__isnull=False,
    )
    rows = rows.order_by("priority", "sequence")
    found = rows.values_list("pk", "device__uid", "expires_at")[:MOST_LOOKED_AT]
    return [_Waiting(pk, str(uid), until) for pk, uid, until in found]


def _unanswered(now_ms: int, is_simulation: bool) -> list[_Waiting]:
    return [one for state in lifecycle.WAITING_FOR_DEVICE for one in _waiting(state, now_ms, is_simulation)]


def _outgoing(row: Command, *, again: bool) -> Outgoing:
    assert row.device is not None
    instruction = Instruction(str(row.pk), row.point, row.value, ms_of(row.expires_at), row.sequence, row.reason[:200])
    return Outgoing(row.pk, row.device.uid, row.device.codec, instruction, again)
