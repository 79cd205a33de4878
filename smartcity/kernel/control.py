# SPDX-License-Identifier: Apache-2.0
"""Setpoints, limits, modes: what a controller may wish and what may become of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import Any

from smartcity.kernel.geo import LonLat


class Priority(IntEnum):
    """Who wins on one point, lowest number first (after the priority array of BACnet, ASHRAE 135)."""

    SAFETY = 1
    EMERGENCY = 2
    OVERRIDE = 3
    OPTIMISER = 4
    SCHEDULE = 5
    DEFAULT = 6


class Mode(StrEnum):
    """How far a loop may go for a group; domains give each a word of their trade."""

    LOCAL = "local"
    ADVISE = "advise"
    AUTO = "auto"


class State(StrEnum):
    """Where a command is. The first seven are the road to success, the rest are ends."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    QUEUED = "queued"
    SENT = "sent"
    RECEIVED = "received"
    APPLIED = "applied"
    VERIFIED = "verified"
    REFUSED = "refused"
    EXPIRED = "expired"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True, slots=True)
class Bound:
    """`metric` of `asset`, of the commanded one where that is empty, within [low, high]."""

    metric: str
    low: float
    high: float
    asset: str = ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The measured effect that proves a command worked: `metric` within [low, high] in time.

    `asset` is the one that shows it where it is not the commanded one: a container proves the truck's call. Any one of
    `unless` shows that the device gives all that physics allows: then the effect is not owed, and nothing is undone.
    """

    metric: str
    low: float
    high: float
    within_s: float
    asset: str = ""
    unless: tuple[Bound, ...] = ()


def reading(series: int, at_ms: int) -> str:
    """A reading a decision rests on, by its series and instant."""
    return f"series:{series}@{at_ms}"


def forecast(series: int, issued_at_ms: int) -> str:
    """The forecast a decision rests on, by the series that is foreseen and the instant it was issued at."""
    return f"forecast:{series}@{issued_at_ms}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setpoint:
    """What one asset should do on one point, and why. `rests_on` names the readings and forecasts behind it."""

    asset: str
    point: str
    value: float | str
    reason: str
    expires_in_s: float
    expect: Expectation | None = None
    rests_on: tuple[str, ...] = ()
    alternative: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a limit check may know about an asset: engineering data, what the device announced, what it last measured.

    `reported` maps metric names to usable latest values; `ages_s` to their ages in city seconds. `where` is the middle
    of the asset (lon, lat), `time_zone` the city's. `is_signed`: somebody answers for the engineering data now; a rule
    that speaks of signed data reads `signed`. `above` holds by kind what the asset stands behind; `held` by point what
    stands on its other points, or is asked of them together with this.
    """

    asset: str
    kind: str
    engineering: Mapping[str, Any]
    announced: Mapping[str, Any]
    reported: Mapping[str, float]
    ages_s: Mapping[str, float]
    now_ms: int
    where: LonLat | None = None
    time_zone: str = "UTC"
    is_signed: bool = False
    above: Mapping[str, Situation] = field(default_factory=dict)
    held: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def signed(self) -> Mapping[str, Any]:
        """The engineering data; empty without a signature that is valid now."""
        return self.engineering if self.is_signed else {}

    def as_if_signed(self) -> Situation:
        """The same for advice: what the engineering data would allow once somebody has signed them."""
        above = {kind: found.as_if_signed() for kind, found in self.above.items()}
        return replace(self, is_signed=True, above=above)


@dataclass(frozen=True, slots=True)
class Interlock:
    """A rule that no setpoint may break, manual ones included.

    `check` returns None when the setpoint may pass, else the reason in words. It must be pure and must
    refuse what it does not understand.
    """

    name: str
    kinds: tuple[str, ...]
    points: tuple[str, ...]
    check: Callable[[Setpoint, Situation], str | None]
    source: str


@dataclass(frozen=True, slots=True)
class Point:
    """Something a person may override: range or choices, unit, and the longest an override may last.

    `expect(value, situation)` is the effect that proves it, None where none can be promised.
    """

    kind: str
    name: str
    title: str
    unit: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    longest_s: float = 8 * 3600.0
    expect: Callable[[float | str, Situation], Expectation | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """Gather, decide, request, every so often.

    `gather(now_ms)` is the only step that reads the database; `decide(picture, policy)` is pure.
    `fast` loops act under a lease: the lease is the command a person reads, each setpoint an event in a log.
    `most_per_min` is the budget: commands a minute for each asset of its kinds; a loop that asks for more is stopped.
    """

    name: str
    domain: str
    title: str
    every_s: float
    gather: Callable[[int], Any]
    decide: Callable[[Any, Any], Sequence[Setpoint]]
    policy: Any
    words: Mapping[Mode, str]
    watches: tuple[str, ...] = ()
    fast: bool = False
    lease_s: float = 900.0
    most_per_min: float = 4.0
    local_means: str = "its local programme"
    default_mode: Mode = Mode.AUTO
    extra: Mapping[str, Any] = field(default_factory=dict)
