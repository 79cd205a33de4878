# SPDX-License-Identifier: Apache-2.0
"""What a legal hold keeps of what retention would delete. Pure: spans and ids in, spans and ids out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from smartcity.telemetry.buckets import UTC_DAY_MS

EVER_MS: Final = 2**53


@dataclass(frozen=True, slots=True)
class Hold:
    """On [from_ms, to_ms), of these series and, in quarantine, of these devices; None means all, unknown ones too."""

    number: int
    from_ms: int
    to_ms: int
    series: frozenset[int] | None = None
    devices: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A span in which the same ids are kept; None: all of them."""

    from_ms: int
    to_ms: int
    kept: frozenset[int] | None = frozenset()

    @property
    def keeps_all(self) -> bool:
        return self.kept is None


def whole_days(holds: Sequence[Hold], more_before_ms: int = 0) -> list[Hold]:
    """Widened to whole UTC days, as retention deletes; `more_before_ms` for rows named after their beginning."""
    return [
        replace(
            hold,
            from_ms=(hold.from_ms - more_before_ms) // UTC_DAY_MS * UTC_DAY_MS,
            to_ms=-(-hold.to_ms // UTC_DAY_MS) * UTC_DAY_MS,
        )
        for hold in holds
    ]


def of_devices(holds: Sequence[Hold]) -> list[Hold]:
    """The same holds with devices where series stood."""
    return [replace(hold, series=hold.devices) for hold in holds]


def keeps_message(holds: Sequence[Hold], device: int, at_ms: int) -> bool:
    """Whether a hold is on what a device said."""
    here = [hold for hold in holds if hold.from_ms <= at_ms < hold.to_ms]
    return any(hold.devices is None or device in hold.devices for hold in here)


def pieces(holds: Sequence[Hold], from_ms: int, to_ms: int) -> list[Piece]:
    """[from_ms, to_ms) cut where a hold begins or ends, in order, without gap or overlap."""
    if to_ms <= from_ms:
        return []
    here = [hold for hold in holds if hold.from_ms < to_ms and hold.to_ms > from_ms]
    cuts = {from_ms, to_ms} | {at for hold in here for at in (hold.from_ms, hold.to_ms) if from_ms < at < to_ms}
    bounds = sorted(cuts)
    return [
        Piece(start, end, _kept([hold for hold in here if hold.from_ms <= start and hold.to_ms >= end]))
        for start, end in pairwise(bounds)
    ]


def _kept(holds: Sequence[Hold]) -> frozenset[int] | None:
    kept: frozenset[int] = frozenset()
    for hold in holds:
        if hold.series is None:
            return None
        kept |= hold.series
    return kept
