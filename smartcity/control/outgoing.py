# SPDX-License-Identifier: Apache-2.0
"""Which commands go on the wire now: queued ones whose device is there, and unanswered ones once more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from smartcity import declared
from smartcity.control import leases, lifecycle, moving
from smartcity.control.instants import instant, ms_of
from smartcity.control.models import Command
from smartcity.kernel import senml
from smartcity.kernel.codecs import BadPayload, Instruction, broke
from smartcity.kernel.control import State

Reaches = Callable[[str], bool]
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
    quiet: Collection[UUID] | None,
    most: int,
) -> Due:
    """Mark as sent what can be sent. `quiet` are the unanswered ids whose time to be repeated has not come; None
    leaves repeating for another tick. Raises LostLeadership. Four queries, one when nothing is due.
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
        moved = set(moving.move(fresh, State.QUEUED, State.SENT, instant(now_ms), sent_at=instant(now_ms)))
        rows = Command.objects.filter(pk__in=[*moved, *again], state__in=lifecycle.WAITING_FOR_DEVICE)
        rows = rows.filter(ended_at__isnull=True).select_related("device").order_by("priority", "sequence")
        return Due(tuple(_outgoing(row, again=row.pk not in moved) for row in rows), left | moved)


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
