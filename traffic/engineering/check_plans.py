# SPDX-License-Identifier: Apache-2.0
"""Stages, time-of-day plans and the calendar: whether they add up, serve everybody in time and leave no hour open."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from traffic.engineering.findings import Finding, error, number, warning
from traffic.engineering.sheet import Day, Group, Index, Kind, Plan

ADDS_UP_S = 0.5
DAY_MIN = 1440
WORDS = {Day.HOLIDAY: "Public holidays"}
LONG = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def check(index: Index) -> Iterator[Finding]:
    yield from _stages(index)
    for plan in index.sheet.plans:
        yield from _plan(index, plan)
    if not index.sheet.plans:
        yield error("plans", "", "There is no plan, so the cabinet has nothing to fall back to.")
    yield from _calendar(index)
    yield from _corridor(index)


def _stages(index: Index) -> Iterator[Finding]:
    numbers = [stage.number for stage in index.sheet.stages]
    for number_ in sorted({n for n in numbers if numbers.count(n) > 1}):
        yield error("stages", number_, f"Stage {number_} stands twice.")
    if not numbers:
        yield error("stages", "", "There is no stage.")
    planned = {split.stage for plan in index.sheet.plans for split in plan.splits}
    for stage in index.sheet.stages:
        if not stage.green:
            yield error("stages", stage.number, f"Stage {stage.number} shows no group green.")
        if stage.number not in planned and not stage.on_call and index.sheet.plans:
            words = f"Stage {stage.number} is not reachable: no plan has it and it does not run on call."
            yield error("stages", stage.number, words)


def _plan(index: Index, plan: Plan) -> Iterator[Finding]:
    unknown = [split.stage for split in plan.splits if split.stage not in index.stages]
    if unknown or not plan.splits:
        what = f"names stage {unknown[0]}, which is not known" if unknown else "has no stage"
        yield error("plans", plan.number, f"Plan {plan.number} {what}.")
        return
    changes = index.changes_s(plan)
    total = sum(split.green_s for split in plan.splits) + sum(changes)
    if abs(total - plan.cycle_s) > ADDS_UP_S:
        words = f"greens and changes add up to {number(total)} s, not to the cycle of {number(plan.cycle_s)} s"
        yield error("plans", plan.number, f"Plan {plan.number}: {words}.")
    if not 0 <= plan.offset_s < max(plan.cycle_s, 1e-9):
        words = f"the offset of {number(plan.offset_s)} s lies outside the cycle of {number(plan.cycle_s)} s"
        yield error("plans", plan.number, f"Plan {plan.number}: {words}.")
    for group in index.sheet.groups:
        yield from _in_plan(group, plan, *_lengths(index, plan, changes, group.id))


def _lengths(index: Index, plan: Plan, changes: tuple[float, ...], group: str) -> tuple[list[float], list[float]]:
    """Seconds of each unbroken green and of each red of a group in the cycle.

    Stages that follow each other with it count as one; a change is red unless it is green before and after.
    """
    shows = [group in index.stages[split.stage].green for split in plan.splits]
    if not any(shows) or all(shows):
        return ([plan.cycle_s], []) if any(shows) else ([], [])
    start = next(i for i, green in enumerate(shows) if green and not shows[i - 1])
    greens, reds = [], []
    green, red = 0.0, 0.0
    for i in (n % len(shows) for n in range(start, start + len(shows))):
        follows = shows[(i + 1) % len(shows)]
        if shows[i] and follows:
            green += plan.splits[i].green_s + changes[i]
        elif shows[i]:
            greens.append(green + plan.splits[i].green_s)
            green, red = 0.0, changes[i]
        else:
            red += plan.splits[i].green_s + changes[i]
            if follows:
                reds.append(red)
    return greens, reds


def _in_plan(group: Group, plan: Plan, greens: list[float], reds: list[float]) -> Iterator[Finding]:
    """Whether a plan gives a group its minimum and does not leave it at red for too long."""
    name = f"Plan {plan.number}"
    if not greens:
        return
    least = group.walk_s + group.clearance_s if group.kind is Kind.PEDESTRIAN else group.min_green_s
    what = "walk and clearance" if group.kind is Kind.PEDESTRIAN else "minimum green"
    if min(greens) < least - ADDS_UP_S:
        words = f"{group.id} gets {number(min(greens))} s, less than its {what} of {number(least)} s"
        yield error("plans", plan.number, f"{name}: {words}.")
    red = max(reds, default=0.0)
    if red > group.max_red_s + ADDS_UP_S:
        words = f"keeps {group.id} at red for {number(red)} s, longer than its maximum of {number(group.max_red_s)} s"
        yield error("plans", plan.number, f"{name} {words}.")


def _calendar(index: Index) -> Iterator[Finding]:
    known = {plan.number for plan in index.sheet.plans}
    for entry in index.sheet.calendar:
        if entry.plan not in known:
            yield error("calendar", entry.plan, f"The calendar names plan {entry.plan}, which is not known.")
        if not 0 <= entry.from_min < entry.until_min <= DAY_MIN:
            span = f"{clock(entry.from_min)} to {clock(entry.until_min)}"
            yield error(
                "calendar", entry.plan, f"An entry of the calendar runs from {span}; it must end after it begins."
            )
    if len(known) < 2 and not index.sheet.calendar:
        return  # one plan, all the time
    named = {day for entry in index.sheet.calendar for day in entry.days}
    for day in Day:
        if day is not Day.HOLIDAY or day in named:  # without entries of its own a holiday is like its weekday
            yield from _day(index, day)
    for plan in sorted(known - {entry.plan for entry in index.sheet.calendar}):
        yield warning("calendar", plan, f"Plan {plan} never runs by the calendar.")


def _day(index: Index, day: Day) -> Iterator[Finding]:
    spans = sorted((e.from_min, e.until_min) for e in index.sheet.calendar if day in e.days)
    name, end = WORDS.get(day) or LONG[list(Day).index(day)], 0
    for (_, before), (start, _) in pairwise(spans):
        if start < before:
            yield error("calendar", day, f"{name}: two entries overlap from {clock(start)}.")
    for start, until in [*spans, (DAY_MIN, DAY_MIN)]:
        if start > end:
            yield error("calendar", day, f"{name}: no plan runs from {clock(end)} to {clock(start)}.")
        end = max(end, until)


def _corridor(index: Index) -> Iterator[Finding]:
    corridor = index.sheet.corridor
    if corridor is None:
        return
    if len(corridor.offsets_s) != len(corridor.junctions):
        yield error("corridor", corridor.name, f"Corridor {corridor.name} has not one offset for each intersection.")
    if index.sheet.intersection not in corridor.junctions:
        words = f"Corridor {corridor.name} does not lead through {index.sheet.intersection}."
        yield error("corridor", corridor.name, words)
    if corridor.design_speed_kmh <= 0:
        yield error("corridor", corridor.name, f"Corridor {corridor.name} has no design speed.")


def clock(minute: int) -> str:
    """450 → '07:30'."""
    return f"{minute // 60:02d}:{minute % 60:02d}"
