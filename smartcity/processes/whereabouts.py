# SPDX-License-Identifier: Apache-2.0
"""Which ingester holds which device, as far as they say: what a process that sends commands knows of the doors.

Soft state: an ingester that falls silent takes its devices with it, one whose count differs from ours is asked to name
everybody anew. O(devices connected) in memory, O(ingesters) a question.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from smartcity.processes.topics import LOST_AFTER_S


class Whereabouts:
    """`take` on the event loop; `holder` from any thread."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._heard_at: dict[str, float] = {}
        self._here: dict[str, dict[str, int]] = {}

    def take(self, sender: str, items: list[Any]) -> tuple[list[str], bool]:
        """What an ingester says of its doors. Who has just come, and whether it must name everybody anew."""
        self._heard_at[sender] = self._clock()
        here, known = self._here.setdefault(sender, {}), frozenset(self._here[sender])
        is_incomplete = False
        for kind, *what in items:
            if kind == "all":
                here.clear()
            elif kind == "here":
                here[str(what[0])] = int(what[2])
            elif kind == "gone":
                here.pop(str(what[0]), None)
            elif kind == "count":
                is_incomplete = len(here) != what[0]
        came = [str(what[0]) for kind, *what in items if kind == "here"]
        if any(item[0] == "all" for item in items):
            came = [uid for uid in came if uid not in known]
        return came, is_incomplete

    def holder(self, device: str) -> str | None:
        """The ingester it came to last; None where it is at none that is alive."""
        alive_since = self._clock() - LOST_AFTER_S
        found = [
            (since, sender)
            for sender, here in tuple(self._here.items())
            if (since := here.get(device)) is not None and self._heard_at[sender] >= alive_since
        ]
        return max(found)[1] if found else None

    def count(self) -> int:
        alive_since = self._clock() - LOST_AFTER_S
        return sum(len(here) for sender, here in self._here.items() if self._heard_at[sender] >= alive_since)

    def forget_the_dead(self) -> None:
        """Those that have been silent for a minute: their name does not come again."""
        for sender in [one for one, at in self._heard_at.items() if self._clock() - at > 60]:
            del self._heard_at[sender], self._here[sender]
