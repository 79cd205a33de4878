# SPDX-License-Identifier: Apache-2.0
"""The compact log of requests under a lease: every refusal of a new kind, else one line a minute with its counts."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from smartcity.control.instants import instant
from smartcity.control.models import FastEvent
from smartcity.control.moving import NOTE_LENGTH

SAMPLE_MS = 60_000


class Outcome(StrEnum):
    """What became of a fast request; the words stored in FastEvent.outcome."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    LIMIT = "limit"
    ADVISED = "advised"


NAMED = (Outcome.REFUSED, Outcome.LIMIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One instruction to one device under a lease."""

    asset: int
    uid: str
    device: str
    codec: str
    point: str
    value: float | str
    reason: str
    until_ms: int
    lease: UUID | None = None


@dataclass(slots=True)
class _Line:
    """Since the last line of one point: how many of each outcome."""

    at_ms: int
    outcome: Outcome
    note: str
    counts: dict[Outcome, int] = field(default_factory=dict)


class FastLog:
    """Collects rows; `rows` hands them over to be written."""

    def __init__(self) -> None:
        self._lines: dict[tuple[int, str], _Line] = {}
        self._rows: list[FastEvent] = []

    def note(self, errand: Errand, outcome: Outcome, why: str, now_ms: int) -> None:
        """Count it; write a line when it is news or a minute has passed."""
        key = errand.asset, errand.point
        line = self._lines.get(key)
        if line is not None:
            line.counts[outcome] = line.counts.get(outcome, 0) + 1
            is_news = outcome is not line.outcome or (outcome in NAMED and _kind(why) != _kind(line.note))
            if not is_news and now_ms - line.at_ms < SAMPLE_MS:
                return
        self._lines[key] = _Line(now_ms, outcome, why)
        self._rows.append(_row(errand, outcome, f"{why}{_counted(line)}", now_ms))

    def granted(self, errands: Collection[Errand], now_ms: int) -> None:
        """A grant is always written, so that its end finds whom to tell."""
        self._rows += [_row(errand, Outcome.ASKED, errand.reason, now_ms) for errand in errands]

    def rows(self) -> list[FastEvent]:
        rows, self._rows = self._rows, []
        return rows


def _kind(why: str) -> str:
    """The same refusal with other figures is the same kind."""
    return re.sub(r"\d+(\.\d+)?", "#", why)


def _counted(line: _Line | None) -> str:
    if line is None or sum(line.counts.values()) < 2:
        return ""
    return " (" + ", ".join(f"{count} {outcome}" for outcome, count in sorted(line.counts.items())) + " since the last)"


def _row(errand: Errand, outcome: Outcome, note: str, now_ms: int) -> FastEvent:
    return FastEvent(
        at=instant(now_ms),
        asset_id=errand.asset,
        point=errand.point[:60],
        value=errand.value,
        outcome=outcome,
        note=note[:NOTE_LENGTH],
        lease_id=errand.lease,
    )
