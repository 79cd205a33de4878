# SPDX-License-Identifier: Apache-2.0
"""The timing sheet of one intersection as plain records: what a signals engineer signs. Seconds, metres, km/h."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    VEHICLE = "vehicle"
    TRAM = "tram"
    PEDESTRIAN = "pedestrian"
    CYCLIST = "cyclist"


class Right(StrEnum):
    """Whether what is green has the way for itself, or gives way to what is green beside it."""

    PROTECTED = "protected"
    PERMISSIVE = "permissive"


class Turn(StrEnum):
    LEFT = "left"
    STRAIGHT = "straight"
    RIGHT = "right"
    BACK = "turn back"
    ANY = "any"


class Day(StrEnum):
    """In the order of `datetime.weekday`, then public holidays."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class Approach:
    """`heading` is degrees clockwise from north, in travel direction at the stop line."""

    uid: str
    name: str
    heading: float
    speed_kmh: float | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    id: str
    approach: str
    turns: tuple[Turn, ...]
    length_m: float


@dataclass(frozen=True, slots=True)
class Movement:
    """Traffic of an approach that leaves one way; `leaves` is its heading there, None where nobody knows."""

    id: str
    approach: str
    turn: Turn
    group: str
    leaves: float | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Signal heads that always show the same. A crossing on foot has walk, clearance and width, no yellow."""

    id: str
    kind: Kind
    approach: str
    right: Right = Right.PROTECTED
    min_green_s: float = 5.0
    max_red_s: float = 120.0
    yellow_s: float = 3.0
    all_red_s: float = 1.0
    walk_s: float = 0.0
    clearance_s: float = 0.0
    width_m: float = 0.0

    @property
    def least_intergreen_s(self) -> float:
        """Seconds from the end of its green until anything that crosses it may begin."""
        return self.clearance_s if self.kind is Kind.PEDESTRIAN else self.yellow_s + self.all_red_s


@dataclass(frozen=True, slots=True)
class Stage:
    """Groups that are green together. One that runs on call only need not be in a plan."""

    number: int
    name: str
    green: tuple[str, ...]
    on_call: bool = False


@dataclass(frozen=True, slots=True)
class Intergreen:
    """Seconds from the end of green of one group to the start of green of another that crosses it."""

    ends: str
    begins: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Pair:
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Detector:
    """`what` is "stop bar", "advance" or "zone"; `distance_m` is upstream of the stop line."""

    id: str
    approach: str
    what: str
    distance_m: float
    lanes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Corridor:
    """Intersections in order of travel, kept in step at a design speed; one offset for each."""

    name: str
    design_speed_kmh: float
    junctions: tuple[str, ...]
    offsets_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Split:
    stage: int
    green_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Stages in their order with their greens; with the changes between them they fill the cycle."""

    number: int
    name: str
    cycle_s: float
    offset_s: float
    splits: tuple[Split, ...]


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """A plan from a minute of the day until another, 0 to 1440."""

    plan: int
    days: tuple[Day, ...]
    from_min: int
    until_min: int


@dataclass(frozen=True, slots=True)
class RingBarrier:
    """The NEMA view: rings, each a row of sides of the barrier, each a row of groups."""

    rings: tuple[tuple[tuple[str, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """`yields`: a gives way to b, so both may be green. `estimated`: parts that nobody has confirmed."""

    intersection: str
    name: str
    approaches: tuple[Approach, ...] = ()
    lanes: tuple[Lane, ...] = ()
    movements: tuple[Movement, ...] = ()
    groups: tuple[Group, ...] = ()
    stages: tuple[Stage, ...] = ()
    conflicts: tuple[Pair, ...] = ()
    yields: tuple[Pair, ...] = ()
    intergreens: tuple[Intergreen, ...] = ()
    plans: tuple[Plan, ...] = ()
    calendar: tuple[CalendarEntry, ...] = ()
    detectors: tuple[Detector, ...] = ()
    corridor: Corridor | None = None
    ring_barrier: RingBarrier | None = None
    estimated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Index:
    """A sheet looked up by name, once for many questions."""

    sheet: Sheet
    groups: Mapping[str, Group] = field(init=False)
    stages: Mapping[int, Stage] = field(init=False)
    intergreens: Mapping[tuple[str, str], float] = field(init=False)
    conflicts: frozenset[frozenset[str]] = field(init=False)
    together: frozenset[frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "groups", {group.id: group for group in self.sheet.groups})
        put(self, "stages", {stage.number: stage for stage in self.sheet.stages})
        put(self, "intergreens", {(row.ends, row.begins): row.seconds for row in self.sheet.intergreens})
        put(self, "conflicts", frozenset(frozenset((pair.a, pair.b)) for pair in self.sheet.conflicts))
        put(self, "together", frozenset(frozenset((pair.a, pair.b)) for pair in self.sheet.yields))

    def do_conflict(self, a: str, b: str) -> bool:
        return frozenset((a, b)) in self.conflicts

    def change_s(self, before: Stage, after: Stage) -> float:
        """Seconds from the end of one stage to the start of the next.

        People on foot clear inside the stage that ends, so theirs do not count here.
        """
        ending = [g for g in before.green if g not in after.green and self._drives(g)]
        starting = [g for g in after.green if g not in before.green]
        between = [self.intergreens.get((a, b), 0.0) for a in ending for b in starting if self.do_conflict(a, b)]
        return max(between, default=0.0)

    def _drives(self, group: str) -> bool:
        return group in self.groups and self.groups[group].kind is not Kind.PEDESTRIAN

    def changes_s(self, plan: Plan) -> tuple[float, ...]:
        """The change after each stage of a plan, the last one back to the first; 0 where a stage is not known."""
        stages = [self.stages.get(split.stage) for split in plan.splits]
        pairs = zip(stages, stages[1:] + stages[:1], strict=True)
        return tuple(self.change_s(a, b) if a and b and a is not b else 0.0 for a, b in pairs)
