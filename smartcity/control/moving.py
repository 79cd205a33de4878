# SPDX-License-Identifier: Apache-2.0
"""Commands take a step together: a guarded update and its transitions. Call it inside a transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from smartcity.control import lifecycle
from smartcity.control.models import Command, Transition
from smartcity.kernel.control import State

NOTE_LENGTH = 300


def move(ids: Collection[UUID], was: State, to: State, at: datetime, note: str = "", **columns: Any) -> list[UUID]:
    """The ids that were in `was` and are now in `to`; whoever comes second moves nothing."""
    lifecycle.insist(was, to)
    if not ids:
        return []
    waiting = Command.objects.select_for_update().filter(pk__in=ids, state=was)
    if was not in lifecycle.ENDS:
        waiting = waiting.filter(ended_at__isnull=True)
    moving = list(waiting.values_list("pk", flat=True))
    if to in lifecycle.ENDS:
        columns["ended_at"] = at
    Command.objects.filter(pk__in=moving, state=was).update(state=to, state_note=note[:NOTE_LENGTH], **columns)
    record(moving, to, at, note)
    return moving


def move_from_any(ids: Collection[UUID], to: State, at: datetime, note: str = "", **columns: Any) -> list[UUID]:
    """As `move`, from every state that may become `to`."""
    open_ones = Command.objects.filter(pk__in=ids, ended_at__isnull=True).values_list("state", "pk")
    by_state: dict[State, list[UUID]] = {}
    for state, pk in open_ones:
        by_state.setdefault(State(state), []).append(pk)
    moved = []
    for was, pks in by_state.items():
        if lifecycle.may_become(was, to):
            moved += move(pks, was, to, at, note, **columns)
    return moved


@dataclass(frozen=True, slots=True)
class Step:
    """One command's own step: its note and the columns that change with it."""

    to: State
    note: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)


def move_each(steps: Mapping[UUID, Step], at: datetime) -> list[Command]:
    """As `move`, each command with a note and columns of its own; the rows that took their step. Four queries."""
    rows = Command.objects.select_for_update().filter(pk__in=list(steps), ended_at__isnull=True)
    moved = [row for row in rows if lifecycle.may_become(State(row.state), steps[row.pk].to)]
    names = {"state", "state_note", "ended_at"}
    for row in moved:
        step = steps[row.pk]
        row.state, row.state_note = step.to, step.note[:NOTE_LENGTH]
        row.ended_at = at if step.to in lifecycle.ENDS else None
        for name, value in step.columns.items():
            setattr(row, name, value)
        names |= step.columns.keys()
    Command.objects.bulk_update(moved, sorted(names), batch_size=200)
    Transition.objects.bulk_create(
        Transition(command_id=row.pk, state=row.state, at=at, note=row.state_note) for row in moved
    )
    return moved


def note_each(notes: Mapping[UUID, str], at: datetime) -> list[Command]:
    """Commands on their way stay where they are, and it is written down how far they are. Three queries."""
    rows = Command.objects.select_for_update().filter(
        pk__in=list(notes), ended_at__isnull=True, state__in=list(lifecycle.WAITING_FOR_DEVICE)
    )
    told = [row for row in rows if row.state_note != notes[row.pk][:NOTE_LENGTH]]
    for row in told:
        row.state_note = notes[row.pk][:NOTE_LENGTH]
    Command.objects.bulk_update(told, ["state_note"], batch_size=200)
    Transition.objects.bulk_create(
        Transition(command_id=row.pk, state=row.state, at=at, note=row.state_note) for row in told
    )
    return told


def record(ids: Iterable[UUID], state: State, at: datetime, note: str = "") -> None:
    Transition.objects.bulk_create(Transition(command_id=pk, state=state, at=at, note=note[:NOTE_LENGTH]) for pk in ids)
