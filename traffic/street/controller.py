# SPDX-License-Identifier: Apache-2.0
"""The controller in the cabinet: follows stage requests under a lease, falls back step by step, has the last word.

It knows no simulator: `tick` takes the calls of this second and returns the state of every signal group. The conflict
monitor beside it judges each second what is shown and cuts it off; the steps of the fallback are in ladder.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from traffic import plans
from traffic.metrics import REASONS, SOURCES, STATUS
from traffic.street import actuated, ladder, monitor
from traffic.street.detectors import Detectors, Sight
from traffic.street.groups import Matrix, matrix
from traffic.street.ladder import Ladder, Skew
from traffic.street.stages import Programme
from traffic.street.starvation import Guard, Waits

LOCAL, CENTRE, MANUAL, FALLBACK = range(len(SOURCES))
OK, DARK, FLASHING, CONFLICT = range(4)  # what it shows; STATUS goes on for devices that report all in one code
FALLBACK_REPORT_S = 600  # after a lease has ended without a word; then the local plan is no fallback any more
FIRST_REQUEST_S = 30


@dataclass(slots=True)
class Cabinet:
    """One signal controller. Times are whole seconds since 1970 of its own clock; ages are counted by ticks."""

    programme: Programme
    running: int = 1
    green_since: int = 0
    changing_to: int = 0
    changing_since: int = 0
    status: int = OK
    door_open: bool = False
    mains_failed: bool = False
    red_lamp_failed: bool = False
    ups: int = 0
    tripped: str = ""
    lease_until: int = 0
    granted_at: int | None = None
    request: tuple[plans.Segment, ...] = ()
    request_until: int = 0
    held: int = 0
    held_until: int = 0
    refused: int = 0
    declined: int = 0
    in_a_row: int = 0
    waits: Waits = field(default_factory=Waits)
    ladder: Ladder = field(default_factory=Ladder)
    skew: Skew = field(default_factory=Skew)
    matrix: Matrix = field(init=False)
    guard: Guard = field(init=False)
    monitor: monitor.Monitor = field(init=False)
    detectors: Detectors = field(init=False)
    _source: int = LOCAL
    _plan: int = 1
    _last: int | None = None
    _second: int = 0
    _has_jumped: bool = False
    _calls: Collection[int] = ()
    _shown: dict[tuple[int, int, bool], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        programme = self.programme
        self.matrix = matrix(programme)
        self.guard = Guard(self.matrix, programme.least_green_s, programme.max_red_s)
        self.monitor = monitor.of(self.matrix, min_green_s=programme.min_green_s, yellow_s=programme.yellow_s)
        self.detectors = Detectors(programme.lanes)

    def start(self, now: int) -> None:
        self.green_since, self._last = now, None

    def shift(self, by: int) -> None:
        """The clock has jumped by so many seconds; what has lasted keeps its age, what was granted its expiry."""
        self.green_since += by
        self.changing_since += by
        self.waits.shift(by)
        if self.granted_at is not None:
            self.granted_at += by
        if self._last is not None:
            self._last += by
        if abs(by) > ladder.SKEW_S:
            self._has_jumped, self.skew.error_s = True, float(by)

    def become(
        self,
        status: int,
        now: int,
        *,
        door_open: bool = False,
        mains_failed: bool = False,
        red_lamp_failed: bool = False,
        ups: int = 0,
    ) -> None:
        """Something breaks, or works again: then all is red for an intergreen before the first stage (EN 12675)."""
        self.door_open, self.mains_failed, self.red_lamp_failed, self.ups = (
            door_open,
            mains_failed,
            red_lamp_failed,
            ups,
        )
        if status == self.status:
            return
        was_out, self.status = not self._shows_stages, status
        if not self._shows_stages:
            self.to_local()
            self.waits.clear()
            self.monitor.forget()
        elif was_out:
            self.tripped = ""
            self.running = self.changing_to = self.programme.plan[0][0]
            self.changing_since, self._last = now, None

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

    def follow(self, now_ms: int, point: str, value: object, until_ms: int, *, made_ms: int | None = None) -> str:
        """An instruction in time and in order. Empty when it is done, else why not. `made_ms`: the centre's clock."""
        now, until = now_ms // 1000, until_ms // 1000
        match point, value:
            case "stage_plan", _:
                late_s = None if made_ms is None else (now_ms - made_ms) / 1000
                return self.ask(value, until, now, made_at=None if late_s is None else now - late_s) or ""
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
        if self.granted_at is None:
            self.granted_at = self.green_since if self._last is None else self._last

    def to_local(self) -> None:
        """Drop everything asked; the fixed plan goes on from the running stage, without a jump."""
        self.lease_until = self.request_until = self.held_until = self.in_a_row = 0
        self.granted_at = None
        self.ladder.reset()

    def ask(self, text: object, until: int, now: int, *, made_at: float | None = None) -> str | None:
        """A stage plan. None when it will be followed, else why not. A sound one keeps the heartbeat in any case."""
        reason = self._why_not(text, now, made_at)
        if reason is not None:
            self.refused += 1
            self.in_a_row += 1
            return reason
        self.in_a_row = 0
        self.request, self.request_until = plans.read(text), until
        if self.ladder.rung:
            self.declined += 1
            left = self.ladder.left_s(self._second)
            return f"in fallback ({REASONS[self.ladder.reason]}), {left} s to go without trouble"
        return None

    def hold(self, stage: object, until: int) -> str | None:
        """A person wants one stage. None when it will be held."""
        if not isinstance(stage, int | float) or int(stage) not in self.matrix.greens:
            return f"there is no stage {stage!r}"
        if self._trouble:
            return self._trouble
        self.held, self.held_until = int(stage), until
        return None

    def _why_not(self, text: object, now: int, made_at: float | None) -> str | None:
        if self._trouble:
            return self._trouble
        if made_at is not None and not self.skew.note(now, made_at):
            return f"clocks disagree: the request was made {self.skew.error_s:.0f} s ago by the cabinet's clock"
        if self.lease_until <= now:
            return "no lease"
        try:
            wanted = plans.read(text)
        except plans.BadPlan as error:
            return str(error)
        return self._unsound(wanted) or self._too_early(wanted[0], now)

    def _unsound(self, wanted: tuple[plans.Segment, ...]) -> str | None:
        """What is wrong with a plan in itself: its stages, their changes, the time it leaves them."""
        unknown = [segment.stage for segment in wanted if segment.stage not in self.matrix.greens]
        if unknown:
            return f"there is no stage {unknown[0]}"
        for before, after in pairwise(wanted):
            seconds = self.matrix.change_s.get((before.stage, after.stage))
            if seconds is None:
                return f"a change from stage {before.stage} to stage {after.stage} is not allowed"
            if after.start_s - before.start_s < self.programme.least_green_s + seconds:
                return f"minimum green: the plan leaves stage {before.stage} too little time"
        return None

    def _too_early(self, first: plans.Segment, now: int) -> str | None:
        if self.changing_to or first.stage == self.running:
            return None
        if (self.running, first.stage) not in self.matrix.change_s:
            return f"a change from stage {self.running} to stage {first.stage} is not allowed"
        left = self.green_since + self.programme.least_green_s - max(now, first.start_s)
        return f"minimum green of stage {self.running} has {left:.0f} s to go" if left > 0 else None

    # what it says

    @property
    def source(self) -> int:
        return self._source

    @property
    def plan(self) -> int:
        return 0 if self._source in (CENTRE, MANUAL) or self.rung == ladder.ACTUATED else self._plan

    @property
    def rung(self) -> int:
        """Where it stands on the ladder; its own plan by the centre's wish counts as that."""
        if not self._shows_stages:
            return ladder.FLASH
        return ladder.PLAN if self.granted_at is None else self.ladder.rung

    @property
    def reason(self) -> int:
        return ladder.CONFLICT if self.status == CONFLICT else self.ladder.reason

    @property
    def clock_error_s(self) -> float:
        return self.skew.error_s

    @property
    def red_since(self) -> dict[int | str, int]:
        """Stage or lane that waits → since when."""
        return self.waits.since

    def detector_faults(self) -> Mapping[str, int]:
        """Device → what is wrong with it."""
        return self.detectors.faults()

    def walks(self) -> dict[str, bool]:
        """Crossing on foot → whether it is open."""
        if not self._shows_stages:
            return {walk.uid: False for walk in self.programme.walks}
        letters = self._letters(self._last or 0)[self.matrix.vehicles :]
        return {walk.uid: letter == "G" for walk, letter in zip(self.programme.walks, letters, strict=True)}

    def green_s(self, now: int) -> int:
        return 0 if self.changing_to or not self._shows_stages else now - self.green_since

    def longest_red(self, now: int) -> tuple[int, int]:
        """Seconds and stage of who has waited longest at red with a call; (0, 0) when nobody waits."""
        return self.waits.longest(now)

    def coming(self, now: int) -> tuple[int, int]:
        """The stage that follows and the seconds until it is due, by what is followed now; (0, 0): none is planned.

        While changing they are the stage that begins and what is left of the intergreen.
        """
        if not self._shows_stages:
            return 0, 0
        if self.changing_to:
            return self.changing_to, max(0, round(self.changing_since + self._change_s) - now)
        stage, at = self._due(now)
        red, waiting = self.longest_red(now)
        reach_s = self.matrix.reach_s.get((self.running, waiting), self.programme.intergreen_s)
        served_at = round(now + self.programme.max_red_s - reach_s - red)
        if red and waiting != self.running and (stage == 0 or served_at < at):
            stage, at = waiting, served_at
        earliest = round(self.green_since + self.programme.least_green_s)
        return (stage, max(0, at - now, earliest - now)) if stage else (0, 0)

    def _due(self, now: int) -> tuple[int, int]:
        """Stage and second by hold, request or fixed plan; (0, 0) where the running stage is wanted on."""
        if self.held_until > now:
            return (self.held, now) if self.held != self.running else (0, 0)
        if self.granted_at is not None and self.ladder.rung == ladder.ACTUATED:
            return 0, 0
        if not self.ladder.rung and self.lease_until > now and self.request_until > now and self.request:
            begun = [s.stage for s in self.request if s.start_s <= now]
            if begun and begun[-1] != self.running:
                return begun[-1], now
            return next(((s.stage, s.start_s) for s in self.request if s.start_s > now), (0, 0))
        ends = round(self.green_since + dict(self.programme.plan).get(self.running, 0))
        return self._planned(max(now, ends)), ends

    # what it does

    def tick(
        self,
        now: int,
        calls: Collection[int],
        *,
        box_is_blocked: bool = False,
        seen: Mapping[str, Sight] | None = None,
    ) -> str:
        """One second. `calls` are stages somebody waits for; the answer is the simulator's state string.

        `seen`: what each lane's loop said in this second; None where the cabinet has no loops.
        """
        self._second += 1
        if self._last is not None and now != self._last + 1:
            self.shift(now - self._last - 1)
        self._last = now
        if not self._shows_stages:
            self._source = LOCAL
            return self._dead()
        self._note(now, calls, seen)
        if self.changing_to:
            self._go_on_changing(now, box_is_blocked)
        elif now - self.green_since >= self.programme.least_green_s:
            self.ladder.settle(self._second)
            self._go_to(self._next(now), now)
        letters = self._letters(now)
        if broken := self.monitor.look(letters):
            self.tripped = broken
            self.become(CONFLICT, now, door_open=self.door_open, mains_failed=self.mains_failed, ups=self.ups)
            return self._dead()
        return letters[: self.matrix.vehicles]

    def _dead(self) -> str:
        return ("O" if self.status == DARK else "o") * self.matrix.vehicles

    def _note(self, now: int, calls: Collection[int], seen: Mapping[str, Sight] | None) -> None:
        served = 0 if self.changing_to else self.running
        if seen is not None:
            self.detectors.hear(self._second, seen, served)
            self.waits.note_lanes(now, seen, self.programme.lanes, served, self.green_s(now))
            self.waits.disbelieve(self.detectors.failed())
            calls = {*calls, *self.detectors.recalls()}
        self._calls = calls
        self.waits.note_calls(now, calls, served)
        if self.granted_at is not None:
            self.ladder.note(self._second, self._due_rung(now))
        self._has_jumped = False

    def _due_rung(self, now: int) -> tuple[int, int]:
        """The rung that is due under a lease, and why."""
        faults = self.detectors.faults() if self.detectors.is_connected else {}
        if len(faults) * 2 > self.detectors.devices:
            return ladder.PLAN, ladder.DETECTORS
        reason = ladder.NONE
        if self._has_jumped or self.skew.is_off:
            reason = ladder.CLOCK
        elif self.in_a_row >= ladder.REFUSALS_IN_A_ROW:
            reason = ladder.REFUSALS
        elif self._is_forsaken(now):
            reason = ladder.HEARTBEAT
        elif faults and self.detectors.is_any_silent:
            reason = ladder.DETECTOR
        if not reason:
            return ladder.ADAPTIVE, reason
        return (ladder.ACTUATED if self.detectors.is_connected else ladder.PLAN), reason

    def _is_forsaken(self, now: int) -> bool:
        """The lease is over, or no sound request for longer than the last one holds and where one could be made."""
        if self.changing_to:
            return False
        first = (self.granted_at or 0) + FIRST_REQUEST_S
        could = self.green_since + round(self.programme.least_green_s)
        return self.lease_until <= now or now > max(self.request_until, first, could) + ladder.GRACE_S

    def _next(self, now: int) -> int:
        """The maximum red before a person's hold, that before the centre, that before the cabinet's own choice."""
        chosen = self.guard.choose(now, self.running, now - self.green_since, self._wanted(now), self.waits)
        return self.matrix.hop.get((self.running, chosen), self.running)

    def _wanted(self, now: int) -> int:
        if self.held_until > now:
            self._source = MANUAL
            return self.held
        if self.granted_at is None:
            self._source = LOCAL
            return self._planned(now)
        if self.ladder.rung:
            return self._fallen(now)
        if self.request and self.request_until + ladder.GRACE_S >= now:
            self._source = CENTRE
            begun = [s.stage for s in self.request if s.start_s <= now]
            return begun[-1] if begun else self.running
        self._source = LOCAL
        return self._planned(now)

    def _fallen(self, now: int) -> int:
        """Under a lease, but not by the centre: by the loops while most of them work, else by the plan."""
        self._source = FALLBACK
        if self.lease_until + FALLBACK_REPORT_S <= now and not self.skew.is_off:
            self.to_local()
            self._source = LOCAL
        if self.ladder.rung != ladder.ACTUATED:
            return self._planned(now)
        return actuated.wanted(
            self.running,
            now - self.green_since,
            plan=self.programme.plan,
            calls={*self._calls, *self.waits.calls(self.running)},
            has_gap=self.detectors.has_gap(self._second, self.running, actuated.GAP_S),
            is_recalled=self.running in self.detectors.recalls(),
        )

    def _planned(self, now: int) -> int:
        plan = self._plan_of(now)
        order, green = [number for number, _ in plan], dict(plan)
        if now - self.green_since < green.get(self.running, 0):
            return self.running
        return order[(order.index(self.running) + 1) % len(order)] if self.running in order else order[0]

    def _plan_of(self, now: int) -> Sequence[tuple[int, float]]:
        """The plan of this time of day, number 1 where there is one only, or where the clock is not believed."""
        self._plan = 1
        if not self.programme.timetable or self.skew.is_off:
            return self.programme.plan
        at = datetime.fromtimestamp(now, ZoneInfo(self.programme.zone))
        second = at.hour * 3600 + at.minute * 60 + at.second
        begun = [timed for timed in self.programme.timetable if timed.from_s <= second]
        timed = max(begun or self.programme.timetable, key=lambda one: one.from_s)
        self._plan = timed.number
        return timed.greens

    def _go_to(self, stage: int, now: int) -> None:
        if stage != self.running:
            self.changing_to, self.changing_since = stage, now

    def _go_on_changing(self, now: int, box_is_blocked: bool) -> None:
        gone = now - self.changing_since
        if gone < self._change_s:
            return
        if box_is_blocked and gone < self.programme.yellow_s + self.programme.longest_all_red_s:
            return
        self.running, self.green_since, self.changing_to = self.changing_to, now, 0
        self.waits.note_served(self.running)

    @property
    def _change_s(self) -> float:
        return self.matrix.change_s.get((self.running, self.changing_to), self.programme.intergreen_s)

    def _letters(self, now: int) -> str:
        """Of every group, those on foot last."""
        if not self.changing_to:
            return self.matrix.greens[self.running]
        is_yellow = now - self.changing_since < self.programme.yellow_s
        key = (self.running, self.changing_to, is_yellow)
        if key not in self._shown:
            self._shown[key] = self._changing(*key)
        return self._shown[key]

    def _changing(self, before: int, after: int, is_yellow: bool) -> str:
        """A group green in both stays green, at the lesser right of way; others clear before new ones begin."""
        if before == after:  # out of the dark
            return "r" * len(self.matrix.greens[before])
        pairs = zip(self.matrix.greens[before], self.matrix.greens[after], strict=True)
        return "".join(
            _between(old, new, is_yellow and number < self.matrix.vehicles) for number, (old, new) in enumerate(pairs)
        )


def _between(old: str, new: str, is_yellow: bool) -> str:
    """A group green in both stages stays green (at the lesser right of way), one that may go after a stop in both
    goes on so; others clear before new ones begin."""
    if old == new == "s":
        return "s"
    if old in "Gg" and new in "Gg":
        return "g" if "g" in (old, new) else "G"
    return "y" if old in "Gg" and is_yellow else "r"
