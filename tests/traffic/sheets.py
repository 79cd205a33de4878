# SPDX-License-Identifier: Apache-2.0
"""A small crossing whose timing sheet is right: a main street, a side street, a crossing on foot over the main one."""

from __future__ import annotations

from dataclasses import replace

from traffic.engineering.sheet import (
    Approach,
    CalendarEntry,
    Day,
    Group,
    Intergreen,
    Kind,
    Lane,
    Movement,
    Pair,
    Plan,
    Sheet,
    Split,
    Stage,
    Turn,
)

EVERY_DAY = tuple(day for day in Day if day is not Day.HOLIDAY)


def sheet(**changes):
    """Stage 1: the main street (V1). Stage 2: the side street (V2) and the crossing (F1) over the main one."""
    given = {
        "intersection": "K-1",
        "name": "Main / Side",
        "approaches": (Approach("A-1", "Main from south", 0.0, 50.0), Approach("A-2", "Side from west", 90.0, 30.0)),
        "lanes": (Lane("L1", "A-1", (Turn.STRAIGHT,), 120.0), Lane("L2", "A-2", (Turn.LEFT,), 80.0)),
        "movements": (
            Movement("M1", "A-1", Turn.STRAIGHT, "V1", 0.0),
            Movement("M2", "A-2", Turn.LEFT, "V2", 0.0),
        ),
        "groups": (
            Group("V1", Kind.VEHICLE, "A-1"),
            Group("V2", Kind.VEHICLE, "A-2"),
            Group("F1", Kind.PEDESTRIAN, "A-1", min_green_s=0.0, yellow_s=0.0, all_red_s=0.0, walk_s=5.0,
                  clearance_s=10.0, width_m=12.0),
        ),
        "stages": (Stage(1, "main", ("V1",)), Stage(2, "side", ("V2", "F1"))),
        "conflicts": (Pair("V1", "V2"), Pair("V1", "F1")),
        "intergreens": (
            Intergreen("V1", "V2", 5.0),
            Intergreen("V2", "V1", 4.0),
            Intergreen("V1", "F1", 5.0),
            Intergreen("F1", "V1", 10.0),
        ),
        "plans": (Plan(1, "all day", 60.0, 10.0, (Split(1, 30.0), Split(2, 21.0))),),
    }  # fmt: skip
    return Sheet(**given | changes)


def with_group(name, **changes):
    """The sheet with one group changed."""
    right = sheet()
    return replace(right, groups=tuple(replace(g, **changes) if g.id == name else g for g in right.groups))


def with_plan(**changes):
    right = sheet()
    return replace(right, plans=(replace(right.plans[0], **changes),))


def with_calendar(*entries, plans=2):
    """Two plans, and (days, from, until, plan) rows."""
    right = sheet()
    two = tuple(replace(right.plans[0], number=number) for number in range(1, plans + 1))
    rows = tuple(CalendarEntry(plan, tuple(days), start, until) for days, start, until, plan in entries)
    return replace(right, plans=two, calendar=rows)
