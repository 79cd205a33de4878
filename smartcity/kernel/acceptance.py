# SPDX-License-Identifier: Apache-2.0
"""How a device takes instructions: same id same answer, nothing late, nothing older than what it follows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smartcity.kernel.street import Ack

REMEMBERED = 64
LEASES = ("auto", "local")
FAST = re.compile(r"f\d+")  # a request under a lease, answered once; all others are UUIDs

Follow = Callable[[str, Any, int], str]


@dataclass(slots=True)
class Acceptance:
    """One device's. Instants are city milliseconds."""

    uid: str
    _answered: dict[str, Ack] = field(default_factory=dict)
    _newest: dict[str, int] = field(default_factory=dict)

    def take(self, instruction: Mapping[str, Any], now_ms: int, follow: Follow) -> list[Ack]:
        """What goes back to the centre: one answer when refused, known or fast, else received and applied.

        `follow(point, value, until_ms)` does what is asked and returns "", or why it does not. It is asked about
        the point `lease` too, with one of LEASES as value.
        """
        key = str(instruction.get("id", ""))
        if key in self._answered:
            return [self._answered[key]]
        answer = self._answered[key] = self._answer(key, instruction, now_ms, follow)
        if len(self._answered) > REMEMBERED:
            del self._answered[next(iter(self._answered))]
        if answer.state != "applied" or FAST.fullmatch(key):
            return [answer]
        return [Ack(self.uid, key, "received"), answer]

    def _answer(self, key: str, instruction: Mapping[str, Any], now_ms: int, follow: Follow) -> Ack:
        point, value = str(instruction.get("point", "")), instruction.get("value")
        if not key:
            return Ack(self.uid, key, "refused", "what has no id cannot be answered")
        try:
            until_ms, sequence = int(instruction["expires_at"]), int(instruction["sequence"])
        except (KeyError, TypeError, ValueError, OverflowError):
            return Ack(self.uid, key, "refused", "expires_at and sequence must be whole numbers")
        if until_ms <= now_ms:
            return Ack(self.uid, key, "expired", "came after its expiry")
        if sequence < max(self._newest.get(point, -1), self._newest.get("lease", -1)):
            return Ack(self.uid, key, "refused", "superseded")
        if point == "lease" and value not in LEASES:
            return Ack(self.uid, key, "refused", f"unknown lease {value!r}")
        reason = follow(point, value, until_ms)
        if reason:
            return Ack(self.uid, key, "refused", reason)
        self._newest[point] = sequence
        return Ack(self.uid, key, "applied")
