# SPDX-License-Identifier: Apache-2.0
"""Sequences of requests by chance against a cabinet, and a judge beside it that believes nothing the cabinet says.

A sequence goes on from where the one before has left the cabinet; after some hundred another programme is drawn. Lanes
fill and empty as vehicles would; loops are unplugged, clocks jump, doors open, boxes block, signals fail and return.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from benchmarks.traffic_safety import programmes
from traffic.street.controller import DARK, FLASHING, OK, Cabinet
from traffic.street.detectors import Sight
from traffic.street.monitor import Monitor

NOW = 1_700_000_000
TICKS, REQUESTS = 12, 4  # of one sequence
A_PROGRAMME = 400  # sequences
START_S = 3  # who stands first is gone this long after the green
NONSENSE = ("", "nonsense", "1@", "99@1700000000", "1@1700000000 1@1700000090", "-1@1700000000")


@dataclass(slots=True)
class Counts:
    """What was done and found."""

    sequences: int = 0
    ticks: int = 0
    requests: int = 0
    accepted: int = 0
    switches: int = 0
    longest_wait_s: int = 0
    rungs: dict[int, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Trial:
    """One cabinet with its street; `second` is true time, the cabinet's clock may be off."""

    random: Random
    case: programmes.Case
    has_loops: bool
    counts: Counts
    second: int = NOW
    clock_off_s: int = 0
    cabinet: Cabinet = field(init=False)
    waiting: list[bool] = field(init=False)
    green_s: list[int] = field(init=False)
    since: dict[str, int] = field(default_factory=dict)
    allowed: dict[str, int] = field(default_factory=dict)
    unplugged: set[str] = field(default_factory=set)
    was: tuple[int, int] = (0, 0)
    judge: Monitor = field(init=False)
    names: list[str] = field(init=False)
    state: str = field(init=False)
    arrivals: float = field(init=False)
    blocks: float = field(init=False)

    def __post_init__(self) -> None:
        self.cabinet = Cabinet(self.case.programme)
        self.cabinet.ladder.recover_s = 20
        self.cabinet.start(self.second)
        self.judge = self.case.judge()
        self.names = sorted(self.case.programme.lanes)
        self.waiting, self.green_s = [False] * len(self.names), [0] * len(self.names)
        self.state = "r" * len(self.names)
        self.arrivals = self.random.choice((0.02, 0.1, 0.4))
        self.blocks = self.random.choice((0.0, 0.1, 0.5))

    @property
    def clock(self) -> int:
        return self.second + self.clock_off_s

    def sequence(self) -> None:
        asking = {self.random.randrange(TICKS) for _ in range(REQUESTS)}
        for tick in range(TICKS):
            if tick in asking:
                self._ask()
            self._live()
        chance = self.random.random()
        if chance < 0.02:
            self._disturb()
        elif chance < 0.12:
            self._mend()

    def _ask(self) -> None:
        random, box = self.random, self.cabinet
        count = len(self.case.programme.stages)
        self.counts.requests += 1
        kind = random.random()
        if kind < 0.75:
            start = self.second + random.randint(-12, 25)
            words = [f"{random.randint(1, count)}@{start}"]
            for _ in range(random.choice((0, 0, 0, 1, 2))):
                start += random.randint(1, 30)
                words.append(f"{random.randint(1, count)}@{start}")
            box.lease(self.second + 300)
            made_at = self.second - random.choice((0, 0, 0, 1, 2, 5))
            reason = box.ask(" ".join(words), self.second + random.randint(1, 60), self.clock, made_at=made_at)
            self.counts.accepted += reason is None
        elif kind < 0.85:
            box.hold(random.randint(1, count), self.clock + random.randint(1, 200))
        elif kind < 0.95:
            box.ask(random.choice(NONSENSE), self.clock + 30, self.clock)
        else:
            box.to_local()

    def _disturb(self) -> None:
        """Something happens to the cabinet or its street."""
        random, box = self.random, self.cabinet
        match random.randrange(4):
            case 0:
                self.clock_off_s = random.choice((1, -1, 3, -7, 3600, -86_400))
            case 1:
                self.unplugged |= {random.choice(self.names)}
            case 2:
                box.become(OK, self.clock, door_open=True)
            case 3:
                box.become(random.choice((DARK, FLASHING)), self.clock)

    def _mend(self) -> None:
        self.clock_off_s = 0
        self.unplugged.clear()
        self.cabinet.become(OK, self.clock)

    def _live(self) -> None:
        """One second of vehicles, cabinet and judge."""
        random, box = self.random, self.cabinet
        self.second += 1
        self.counts.ticks += 1
        seen, calls = {}, set[int]()
        for number, name in enumerate(self.names):
            self.green_s[number] = self.green_s[number] + 1 if self.state[number] in "Gg" else 0
            may_go = self.waiting[number] and self.green_s[number] > 0
            left = may_go and (random.random() < 0.7 or self.green_s[number] >= START_S)
            self.waiting[number] = (self.waiting[number] and not left) or random.random() < self.arrivals
            seen[name] = Sight(self.waiting[number], int(left))
            if left or not self.waiting[number]:
                self.since.pop(name, None)
            if self.waiting[number]:
                calls.add(self.case.programme.lanes[name].stages[0])
        is_blocked = random.random() < self.blocks
        heard = {name: sight for name, sight in seen.items() if name not in self.unplugged}
        state = box.tick(self.clock, calls, box_is_blocked=is_blocked, seen=heard if self.has_loops else None)
        self._judge(state, is_blocked)
        self.state = state

    def _judge(self, state: str, is_blocked: bool) -> None:
        box = self.cabinet
        if box.tripped:
            self._found(f"the cabinet's own monitor has tripped: {box.tripped}")
            box.become(OK, self.clock)
        if state[0] in "oO":
            self.judge.forget()
            self.since.clear()
            self.was = 0, 0
            return
        walks = "".join("G" if is_open else "r" for is_open in box.walks().values())
        if broken := self.judge.look(state + walks):
            self._found(broken)
            self.judge.forget()
            self.since.clear()
        self._judge_change()
        self._judge_waits(is_blocked and bool(box.changing_to))

    def _judge_change(self) -> None:
        now = self.cabinet.running, self.cabinet.changing_to
        if now[1] and not self.was[1] and self.was[0]:
            self.counts.switches += 1
            if now in self.case.programme.forbidden:
                self._found(f"change {now} is forbidden")
        self.was = now

    def _judge_waits(self, is_held: bool) -> None:
        """Nobody waits longer than the maximum red and the clearances that were held meanwhile."""
        for number, name in enumerate(self.names):
            if not self.waiting[number]:
                continue
            if name not in self.since or name in self.unplugged:
                self.since[name], self.allowed[name] = self.second, self.bound_s
            self.allowed[name] += is_held
            waited = self.second - self.since[name]
            self.counts.longest_wait_s = max(self.counts.longest_wait_s, waited)
            if waited > self.allowed[name]:
                self._found(f"lane {name} has waited {waited} s of {self.allowed[name]}")
                del self.since[name]

    @property
    def bound_s(self) -> int:
        """Maximum red, one clearance, and the time to start."""
        return round(programmes.MAX_RED_S) + max(self.cabinet.matrix.change_s.values()) + START_S

    def _found(self, what: str) -> None:
        self.counts.broken.append(what)


def run(sequences: int, seed: int, *, most_broken: int = 1_000) -> Counts:
    """So many sequences, the same for the same seed, or until so much is found; every second programme has loops."""
    counts = Counts()
    for trial in _trials(seed, counts):
        for _ in range(A_PROGRAMME):
            trial.sequence()
            counts.sequences += 1
            counts.rungs[trial.cabinet.rung] = counts.rungs.get(trial.cabinet.rung, 0) + 1
            if counts.sequences >= sequences or len(counts.broken) >= most_broken:
                return counts
    return counts


def _trials(seed: int, counts: Counts) -> Iterator[Trial]:
    number = 0
    while True:
        random = Random(f"{seed}/{number}")
        yield Trial(random, programmes.draw(random), number % 2 == 0, counts)
        number += 1
