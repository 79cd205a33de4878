# SPDX-License-Identifier: Apache-2.0
"""How far a reading can be trusted. Codes are stored, so numbers never change meaning."""

from __future__ import annotations

from enum import IntEnum


class Quality(IntEnum):
    GOOD = 0
    LATE = 1
    ESTIMATED = 2
    SUSPECT_RANGE = 10
    SUSPECT_RATE = 11
    SUSPECT_STUCK = 12
    SUSPECT_SPIKE = 13
    SUSPECT_SKEW = 14

    @property
    def is_usable(self) -> bool:
        """Whether a controller may decide on it."""
        return self < Quality.SUSPECT_RANGE
