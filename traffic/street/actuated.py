# SPDX-License-Identifier: Apache-2.0
"""Local actuated control: no centre, no clock. A stage ends in a gap or at its most, where somebody else waits."""

from __future__ import annotations

from collections.abc import Collection, Sequence

GAP_S = 3
MOST_GREEN = 1.5  # times the green of the plan


def wanted(
    running: int,
    green_s: int,
    *,
    plan: Sequence[tuple[int, float]],
    calls: Collection[int],
    has_gap: bool,
    is_recalled: bool,
) -> int:
    """The stage to go to. A stage on recall gets its green of the plan: its loop cannot say when the queue is gone."""
    order = [number for number, _ in plan]
    planned_s = dict(plan).get(running, 0.0)
    if not any(stage != running for stage in calls):
        return running
    most_s = planned_s if is_recalled else planned_s * MOST_GREEN
    is_extended = not has_gap or (is_recalled and green_s < planned_s)
    if is_extended and green_s < most_s:
        return running
    first = order.index(running) + 1 if running in order else 0
    turn = [*order[first:], *order[:first]]
    called = [stage for stage in turn if stage in calls and stage != running]
    return called[0] if called else min(stage for stage in calls if stage != running)
