# SPDX-License-Identifier: Apache-2.0
"""How a signal controller takes instructions: same id same answer, nothing late, nothing older than what it follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from traffic.street.controller import Cabinet

State = Literal["received", "applied", "refused", "expired"]
REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Answer:
    state: State
    reason: str = ""


@dataclass(slots=True)
class Orders:
    """The front door of one cabinet. Instants are city milliseconds."""

    cabinet: Cabinet
    answered: dict[str, Answer] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)

    def take(self, instruction: Mapping[str, Any], now_ms: int) -> list[Answer]:
        """What goes back to the centre: one answer when refused or known, else received and applied."""
        key = str(instruction.get("id", ""))
        if key in self.answered:
            return [self.answered[key]]
        answer = self._answer(instruction, now_ms)
        self.answered[key] = answer
        if len(self.answered) > REMEMBERED:
            del self.answered[next(iter(self.answered))]
        return [Answer("received"), answer] if answer.state == "applied" and not key.startswith("f") else [answer]

    def _answer(self, instruction: Mapping[str, Any], now_ms: int) -> Answer:
        point = str(instruction.get("point", ""))
        try:
            expires_ms, sequence = int(instruction["expires_at"]), int(instruction["sequence"])
        except (KeyError, TypeError, ValueError):
            return Answer("refused", "expires_at and sequence must be whole numbers")
        if expires_ms <= now_ms:
            return Answer("expired", "came after its expiry")
        if sequence < max(self.newest.get(point, -1), self.newest.get("lease", -1)):
            return Answer("refused", "superseded")
        reason = self._follow(point, instruction.get("value"), expires_ms // 1000, now_ms // 1000)
        if reason is not None:
            return Answer("refused", reason)
        self.newest[point] = sequence
        return Answer("applied")

    def _follow(self, point: str, value: object, until: int, now: int) -> str | None:
        if point == "stage_plan":
            return self.cabinet.ask(value, until, now)
        if point == "stage":
            return self.cabinet.hold(value, until)
        if point == "lease" and value == "auto":
            self.cabinet.lease(until)
            return None
        if point == "lease" and value == "local":
            self.cabinet.to_local()
            return None
        return f"not understood: {point} = {value!r}"
