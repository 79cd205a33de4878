# SPDX-License-Identifier: Apache-2.0
"""The controller in the cabinet: runs its fixed plan, follows stage requests under a lease, and has the last word.

It knows no simulator: `tick` takes the calls of this second and returns the state of every signal group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from traffic import plans
from traffic.metrics import SOURCES, STATUS
from traffic.street.stages import Programme

LOCAL, CENTRE, MANUAL, FALLBACK = range(len(SOURCES))
OK, DARK, FLASHING, CONFLICT = range(4)  # what it shows; STATUS goes on for devices that report all in one code
LONGEST_CLEARANCE_S = 8  # all-red is held while somebody slow is still inside the junction
FALLBACK_REPORT_S = 60


@dataclass(slots=True)
class Cabinet:
    """One signal controller. Times are whole seconds since 1970 of city time."""

    programme: Programme
    running: int = 1
    green_since: int = 0
    changing_to: int = 0
    changing_since: int = 0
    cleared_s: int = 0
    status: int = OK
    door_open: bool = False
    mains_failed: bool = False
    all_red_until: int = 0
    lease_until: int = 0
    fallback_until: int = 0
    request: tuple[plans.Segment, ...] = ()
    request_until: int = 0
    held: int = 0
    held_until: int = 0
    red_since: dict[int, int] = field(default_factory=dict)
    refused: int = 0

    def start(self, now: int) -> None:
        self.green_since = now

    def shift(self, by: int) -> None:
        """The clock has jumped by so many seconds; what has lasted keeps its age, what was granted its expiry."""
        self.green_since += by
        self.changing_since += by
        self.red_since = {stage: since + by for stage, since in self.red_since.items()}

    def become(self, status: int, now: int, *, door_open: bool = False, mains_failed: bool = False) -> None:
        """Something breaks, or works again: then all is red for an intergreen before the first stage (EN 12675)."""
        self.door_open, self.mains_failed = door_open, mains_failed
        if status == self.status:
            return
        was_out, self.status = not self._shows_stages, status
        if not self._shows_stages:
            self.to_local()
            self.red_since.clear()
        elif was_out:
            self.running, self.changing_to = self.programme.plan[0][0], self.programme.plan[0][0]
            self.changing_since, self.cleared_s = now, 0
            self.all_red_until = now + round(self.programme.intergreen_s)

    @property
    def _shows_stages(self) -> bool:
        return self.status == OK

    @property
    def _trouble(self) -> str:
        """Why nothing is taken from afar, or nothing."""
        if self.status != OK:
            return f"the signal is {STATUS[self.status]}"
        if self.door_open:
            return "the cabinet door is open"
        return "the mains have failed" if self.mains_failed else ""

    # what it is asked

    def follow(self, now_ms: int, point: str, value: object, until_ms: int) -> str:
        """An instruction in time and in order. Empty when it is done, else why not."""
        now, until = now_ms // 1000, until_ms // 1000
        match point, value:
            case "stage_plan", _:
                return self.ask(value, until, now) or ""
            case "stage", _:
                return self.hold(value, until) or ""
            case "lease", "auto":
                self.lease(until)
            case "lease", "local":
                self.to_local()
            case _:
                return f"not understood: {point} = {value!r}"
        return ""

    def lease(self, until: int) -> None:
        self.lease_until = until

    def to_local(self) -> None:
        """Drop everything asked; the fixed plan goes on from the running stage, without a jump."""
        self.lease_until = self.request_until = self.held_until = self.fallback_until = 0

    def ask(self, text: object, until: int, now: int) -> str | None:
        """A stage plan. None when it will be followed, else why not."""
        reason = self._why_not(text, now)
        if reason is None:
            self.request, self.request_until = plans.read(text), until
        else:
            self.refused += 1
        return reason

    def hold(self, stage: object, until: int) -> str | None:
        """A person wants one stage. None when it will be held."""
        if not isinstance(stage, int | float) or not self._knows(int(stage)):
            return f"there is no stage {stage!r}"
        if self._trouble:
            return self._trouble
        self.held, self.held_until = int(stage), until
        return None

    def _why_not(self, text: object, now: int) -> str | None:
        if self._trouble:
            return self._trouble
        if self.lease_until <= now:
            return "no lease"
        try:
            wanted = plans.read(text)
        except plans.BadPlan as error:
            return str(error)
        unknown = [segment.stage for segment in wanted if not self._knows(segment.stage)]
        if unknown:
            return f"there is no stage {unknown[0]}"
        short = plans.too_short(wanted, self.programme.min_green_s + self.programme.intergreen_s)
        if short is not None:
            return f"minimum green: the plan leaves stage {short.stage} too little time"
        first = wanted[0]
        if not self.changing_to and first.stage != self.running:
            left = self.green_since + self.programme.min_green_s - max(now, first.start_s)
            if left > 0:
                return f"minimum green of stage {self.running} has {left:.0f} s to go"
        return None

    def _knows(self, stage: int) -> bool:
        return any(stage == known.number for known in self.programme.stages)

    # what it does

    @property
    def source(self) -> int:
        return self._source

    _source: int = LOCAL

    @property
    def plan(self) -> int:
        return 0 if self._source in (CENTRE, MANUAL) else 1

    def green_s(self, now: int) -> int:
        return 0 if self.changing_to or not self._shows_stages else now - self.green_since

    def longest_red(self, now: int) -> tuple[int, int]:
        """Seconds and stage of who has waited longest at red with a call; (0, 0) when nobody waits."""
        waits = [(now - since, stage) for stage, since in self.red_since.items()]
        return max(waits, default=(0, 0))

    def coming(self, now: int) -> tuple[int, int]:
        """The stage that follows and the seconds until it is due, by what is followed now; (0, 0): none is planned.

        While changing they are the stage that begins and what is left of the intergreen.
        """
        if not self._shows_stages:
            return 0, 0
        if self.changing_to:
            return self.changing_to, max(0, round(self.changing_since + self.programme.intergreen_s) - now)
        stage, at = self._due(now)
        red, waiting = self.longest_red(now)
        served_at = round(now + self.programme.max_red_s - self.programme.intergreen_s - red)
        if red and (stage == 0 or served_at < at):
            stage, at = waiting, served_at
        earliest = round(self.green_since + self.programme.min_green_s)
        return (stage, max(0, at - now, earliest - now)) if stage else (0, 0)

    def _due(self, now: int) -> tuple[int, int]:
        """Stage and second by hold, request or fixed plan; (0, 0) where the running stage is wanted on."""
        if self.held_until > now:
            return (self.held, now) if self.held != self.running else (0, 0)
        if self.lease_until > now and self.request_until > now and self.request:
            begun = [s.stage for s in self.request if s.start_s <= now]
            if begun and begun[-1] != self.running:
                return begun[-1], now
            return next(((s.stage, s.start_s) for s in self.request if s.start_s > now), (0, 0))
        ends = round(self.green_since + dict(self.programme.plan).get(self.running, 0))
        return self._planned(max(now, ends)), ends

    def tick(self, now: int, calls: Sequence[int], *, box_is_blocked: bool = False) -> str:
        """One second. `calls` are stages somebody waits for; the answer is the simulator's state string."""
        if not self._shows_stages:
            self._source = LOCAL
            return ("O" if self.status == DARK else "o") * self._size
        self._note_calls(now, calls)
        if self.changing_to:
            self._go_on_changing(now, box_is_blocked)
        elif now - self.green_since >= self.programme.min_green_s:
            wanted = self._wanted(now)
            if wanted != self.running:
                self.changing_to, self.changing_since, self.cleared_s = wanted, now, 0
        return self._state(now)

    @property
    def _size(self) -> int:
        return len(self.programme.stages[0].green)

    def _note_calls(self, now: int, calls: Sequence[int]) -> None:
        served = 0 if self.changing_to else self.running
        for stage in calls:
            if stage != served:
                self.red_since.setdefault(stage, now)
        for stage in [s for s in self.red_since if s not in calls or s == served]:
            del self.red_since[stage]

    def _wanted(self, now: int) -> int:
        """Maximum red before a person's hold, that before the centre, that before the fixed plan."""
        red, waiting = self.longest_red(now)
        if red >= self.programme.max_red_s - self.programme.intergreen_s:
            return waiting
        if self.held_until > now:
            self._source = MANUAL
            return self.held
        if self.lease_until > now and self.request_until > now and self.request:
            self._source = CENTRE
            begun = [s.stage for s in self.request if s.start_s <= now]
            return begun[-1] if begun else self.running
        if self._source == CENTRE:
            self.fallback_until = now + FALLBACK_REPORT_S if self.lease_until else 0
        self._source = FALLBACK if self.fallback_until > now else LOCAL
        return self._planned(now)

    def _planned(self, now: int) -> int:
        order = [number for number, _ in self.programme.plan]
        green = dict(self.programme.plan)
        if now - self.green_since < green.get(self.running, 0):
            return self.running
        return order[(order.index(self.running) + 1) % len(order)] if self.running in order else order[0]

    def _go_on_changing(self, now: int, box_is_blocked: bool) -> None:
        if now - self.changing_since < self.programme.intergreen_s:
            return
        if box_is_blocked and self.cleared_s < LONGEST_CLEARANCE_S:
            self.cleared_s += 1
            return
        self.running, self.green_since, self.changing_to = self.changing_to, now, 0
        self.red_since.pop(self.running, None)

    def _state(self, now: int) -> str:
        if now < self.all_red_until:
            return "r" * self._size
        green = self._greens()[self.running]
        if not self.changing_to:
            return green
        after = self._greens()[self.changing_to]
        is_yellow = now - self.changing_since < self.programme.yellow_s
        return "".join(_between(old, new, is_yellow) for old, new in zip(green, after, strict=True))

    def _greens(self) -> Mapping[int, str]:
        return {stage.number: stage.green for stage in self.programme.stages}


def _between(old: str, new: str, is_yellow: bool) -> str:
    """A group green in both stages stays green (at the lesser right of way), one that may go after a stop in both
    goes on so; others clear before new ones begin."""
    if old == new == "s":
        return "s"
    if old in "Gg" and new in "Gg":
        return "g" if "g" in (old, new) else "G"
    if old in "Gg":
        return "y" if is_yellow else "r"
    return "r"
