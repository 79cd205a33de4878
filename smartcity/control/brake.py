# SPDX-License-Identifier: Apache-2.0
"""How much a loop may still ask within the minute. Pure; who counts and who stops it is in braking.py."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from smartcity.kernel.control import Loop

T = TypeVar("T")


@dataclass(slots=True)
class Brake:
    """What one round of a loop may still ask. `left` is below zero where it has asked too much already."""

    budget: int
    left: int
    held_back: int = 0

    def keep(self, wishes: Sequence[T]) -> list[T]:
        """As many as the budget allows, the first ones; the others are counted."""
        kept = list(wishes[: max(0, self.left)])
        self.held_back += len(wishes) - len(kept)
        return kept

    @property
    def asked(self) -> int:
        """How many within the minute, those held back included."""
        return self.budget + self.held_back + max(0, -self.left)


def budget(loop: Loop, assets: int) -> int:
    """Commands a minute, for that many assets."""
    return max(1, math.ceil(loop.most_per_min * assets))
