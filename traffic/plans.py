# SPDX-License-Identifier: Apache-2.0
"""Stage plans as they are asked for: "2@1700000015 3@1700000040" means stage 2 from that second (UTC), then stage 3."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

SEGMENT = re.compile(r"(\d{1,2})@(\d{9,11})")
MOST_SEGMENTS = 12
ABOUT_S = 2


class BadPlan(ValueError):
    """The text is not a stage plan; the message says why."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Stage `stage` is wanted from `start_s` (seconds since 1970) until the next segment."""

    stage: int
    start_s: int


def write(segments: tuple[Segment, ...]) -> str:
    return " ".join(f"{segment.stage}@{segment.start_s}" for segment in segments)


def read(text: object) -> tuple[Segment, ...]:
    """Raises BadPlan. Starts must grow; a plan holds 1 to MOST_SEGMENTS segments."""
    words = str(text).split()
    if not 1 <= len(words) <= MOST_SEGMENTS:
        raise BadPlan(f"a stage plan has 1 to {MOST_SEGMENTS} segments")
    found = []
    for word in words:
        match = SEGMENT.fullmatch(word)
        if match is None:
            raise BadPlan(f"{word!r} is not a segment like 2@1700000015")
        found.append(Segment(int(match[1]), int(match[2])))
    if any(a.start_s >= b.start_s or a.stage == b.stage for a, b in pairwise(found)):
        raise BadPlan("segments must follow each other in time, each with another stage than the one before")
    return tuple(found)


def is_same(old: object, new: object) -> bool:
    """Whether two plans want the same stages at about the same seconds: not worth sending again."""
    try:
        a, b = read(old), read(new)
    except BadPlan:
        return old == new
    return [s.stage for s in a] == [s.stage for s in b] and all(
        abs(x.start_s - y.start_s) <= ABOUT_S for x, y in zip(a, b, strict=True)
    )


def too_short(segments: tuple[Segment, ...], least_s: float) -> Segment | None:
    """The first segment that leaves its stage less than `least_s` (minimum green plus intergreen), if any."""
    return next((a for a, b in pairwise(segments) if b.start_s - a.start_s < least_s), None)
