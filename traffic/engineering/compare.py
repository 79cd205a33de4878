# SPDX-License-Identifier: Apache-2.0
"""What changed between two versions of a timing sheet, in words, in the order a person would read the sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from traffic.engineering.check_plans import clock
from traffic.engineering.sheet import CalendarEntry, Index, Plan, Sheet, Stage

T = TypeVar("T")


def changes(old: Sheet, new: Sheet) -> list[str]:
    """Empty when nothing changed."""
    found: list[str] = []
    if old.name != new.name:
        found.append(f"The name was {old.name}, is {new.name}.")
    found += _rows("Approach", old.approaches, new.approaches, lambda a: a.uid)
    found += _rows("Lane", old.lanes, new.lanes, lambda a: a.id)
    found += _rows("Movement", old.movements, new.movements, lambda m: m.id)
    found += _rows("Group", old.groups, new.groups, lambda g: g.id)
    found += _stages(old, new)
    found += _pairs(old, new)
    found += _intergreens(old, new)
    found += _plans(old, new)
    found += _calendar(old, new)
    found += _rows("Detector", old.detectors, new.detectors, lambda d: d.id)
    for name, what in (("corridor", "The corridor"), ("ring_barrier", "The ring-barrier view")):
        if getattr(old, name) != getattr(new, name):
            found.append(f"{what} {_became(getattr(old, name), getattr(new, name))}.")
    found += [
        f"{part.capitalize()}: confirmed, no longer estimated." for part in old.estimated if part not in new.estimated
    ]
    found += [f"{part.capitalize()}: marked as estimated." for part in new.estimated if part not in old.estimated]
    return found


def _became(old: object, new: object) -> str:
    return "is new" if old is None else "is gone" if new is None else "is another"


def _rows(what: str, old: Sequence[T], new: Sequence[T], key: Callable[[T], Any]) -> Iterator[str]:
    """Rows that came, went, or differ field by field."""
    before, after = {key(row): row for row in old}, {key(row): row for row in new}
    yield from (f"{what} {name} is gone." for name in before if name not in after)
    yield from (f"{what} {name} is new." for name in after if name not in before)
    for name in after:
        if name in before and before[name] != after[name]:
            for part, was, now in _fields(before[name], after[name]):
                yield f"{what} {name}: {part} was {was}, is {now}."


def _fields(old: Any, new: Any) -> Iterator[tuple[str, str, str]]:
    for item in fields(old):
        was, now = getattr(old, item.name), getattr(new, item.name)
        if was != now:
            yield _title(item.name), _said(item.name, was), _said(item.name, now)


def _title(name: str) -> str:
    return name.removesuffix("_s").removesuffix("_m").removesuffix("_kmh").replace("_", " ")


def _said(name: str, value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    unit = next((f" {word}" for end, word in (("_s", "s"), ("_m", "m"), ("_kmh", "km/h")) if name.endswith(end)), "")
    return f"{value:g}{unit}" if isinstance(value, float) else str(value) if value not in (None, "") else "none"


def _stages(old: Sheet, new: Sheet) -> Iterator[str]:
    yield from _rows("Stage", [_bare(s) for s in old.stages], [_bare(s) for s in new.stages], lambda s: s.number)
    before = {stage.number: set(stage.green) for stage in old.stages}
    for stage in new.stages:
        was, now = before.get(stage.number, set(stage.green)), set(stage.green)
        yield from (f"Stage {stage.number}: {name} is green in it now." for name in sorted(now - was))
        yield from (f"Stage {stage.number}: {name} is no longer green in it." for name in sorted(was - now))


def _bare(stage: Stage) -> Stage:
    return Stage(stage.number, stage.name, (), stage.on_call)


def _pairs(old: Sheet, new: Sheet) -> Iterator[str]:
    was, now = Index(old).conflicts, Index(new).conflicts
    yield from (f"{' and '.join(sorted(pair))} conflict now." for pair in sorted(now - was, key=sorted))
    yield from (f"{' and '.join(sorted(pair))} no longer conflict." for pair in sorted(was - now, key=sorted))
    gave, give = {(p.a, p.b) for p in old.yields}, {(p.a, p.b) for p in new.yields}
    yield from (f"{a} gives way to {b} now." for a, b in sorted(give - gave))
    yield from (f"{a} no longer gives way to {b}." for a, b in sorted(gave - give))


def _intergreens(old: Sheet, new: Sheet) -> Iterator[str]:
    was, now = Index(old).intergreens, Index(new).intergreens
    for pair in sorted({*was, *now}):
        if was.get(pair) != now.get(pair):
            sides = (f"{row[pair]:g} s" if pair in row else "none" for row in (was, now))
            yield "Intergreen from {} to {} was {}, is {}.".format(*pair, *sides)


def _plans(old: Sheet, new: Sheet) -> Iterator[str]:
    bare = [Plan(p.number, p.name, p.cycle_s, p.offset_s, ()) for p in old.plans]
    after = [Plan(p.number, p.name, p.cycle_s, p.offset_s, ()) for p in new.plans]
    yield from _rows("Plan", bare, after, lambda plan: plan.number)
    before = {plan.number: plan for plan in old.plans}
    for plan in new.plans:
        was = before.get(plan.number)
        if was and was.splits != plan.splits:
            yield f"Plan {plan.number}: stages were {_order(was)}, are {_order(plan)}."


def _order(plan: Plan) -> str:
    return ", ".join(f"{split.stage} for {split.green_s:g} s" for split in plan.splits) or "none"


def _calendar(old: Sheet, new: Sheet) -> Iterator[str]:
    yield from (f"Calendar: {_entry(e)} is gone." for e in old.calendar if e not in new.calendar)
    yield from (f"Calendar: {_entry(e)} is new." for e in new.calendar if e not in old.calendar)


def _entry(entry: CalendarEntry) -> str:
    return f"plan {entry.plan} {clock(entry.from_min)}–{clock(entry.until_min)} on {', '.join(entry.days)}"
