# SPDX-License-Identifier: Apache-2.0
"""Which commands go on the wire now: queued ones whose device is there, and unanswered ones once more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
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

    `quiet` are the unanswered ids whose time to be repeated has not come; None leaves repeating for another tick. Five
    queries, one when nothing is due.
    """
    waiting = _waiting(State.QUEUED, now_ms, is_simulation)
    fresh = [pk for pk, device in waiting if reaches(device)][:most]
    unanswered = [] if quiet is None else _unanswered(now_ms, is_simulation)
    again = [pk for pk, device in unanswered if quiet is not None and pk not in quiet and reaches(device)]
    again = again[: most - len(fresh)]
    left = frozenset(pk for pk, _ in unanswered)
    if not fresh and not again:
        return Due((), left)
    with transaction.atomic():
        leases.insist(leases.CONTROL, epoch)
        moved = _sent(fresh, now_ms, outlook)
        rows = Command.objects.filter(pk__in=[*moved, *again], state__in=lifecycle.WAITING_FOR_DEVICE)
        rows = rows.filter(ended_at__isnull=True).select_related("device").order_by("priority", "sequence")
        return Due(tuple(_outgoing(row, again=row.pk not in moved) for row in rows), left | moved)


def _sent(ids: Sequence[UUID], now_ms: int, outlook: Outlook) -> set[UUID]:
    """The ids that are now marked as sent; most of the time without a note, which costs less."""
    now, steps = instant(now_ms), dict[UUID, Step]()
    for pk, device, until in Command.objects.filter(pk__in=ids).values_list("pk", "device__uid", "expires_at"):
        if note := outlook(str(device), now_ms, ms_of(until)):
            steps[pk] = Step(State.SENT, note, {"sent_at": now})
    plain = [pk for pk in ids if pk not in steps]
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


def _waiting(state: State, now_ms: int, is_simulation: bool) -> list[tuple[UUID, str]]:
    rows = Command.objects.filter(
        state=state,
        ended_at__isnull=True,
        expires_at__gt=instant(now_ms),
        simulated=is_simulation,
        device__retired_at__isnull=True,
        device__isnull=False,
    )
    rows = rows.order_by("priority", "sequence")
    return [(pk, str(uid)) for pk, uid in rows.values_list("pk", "device__uid")[:MOST_LOOKED_AT]]


def _unanswered(now_ms: int, is_simulation: bool) -> list[tuple[UUID, str]]:
    return [pair for state in lifecycle.WAITING_FOR_DEVICE for pair in _waiting(state, now_ms, is_simulation)]


def _outgoing(row: Command, *, again: bool) -> Outgoing:
    assert row.device is not None
    instruction = Instruction(str(row.pk), row.point, row.value, ms_of(row.expires_at), row.sequence, row.reason[:200])
    return Outgoing(row.pk, row.device.uid, row.device.codec, instruction, again)
