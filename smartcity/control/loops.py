# SPDX-License-Identifier: Apache-2.0
"""Every loop on city time, each in a task of its own: one that fails or is slow keeps no other waiting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from smartcity import declared
from smartcity.control import braking, releasing, requests
from smartcity.control.acks import Answer
from smartcity.control.fast import FastDesk, Sheet
from smartcity.control.leader import Leader
from smartcity.control.leases import LostLeadership
from smartcity.control.line import Line
from smartcity.control.pool import Pool
from smartcity.kernel.clock import CityClock, clock
from smartcity.kernel.control import Loop, Priority, Setpoint

log = logging.getLogger(__name__)

SHORTEST_NAP_S = 0.01
LONGEST_NAP_S = 0.5  # the speed of the city's clock may have changed meanwhile
LEADERLESS_NAP_S = 0.2


running: dict[str, LoopState] = {}
"""The loops this process runs, by name; empty where another process runs them."""


@dataclass(slots=True)
class LoopState:
    """What can be seen of a loop from outside. City milliseconds for `last_run_ms` and `next_ms`, else wall seconds;
    `epoch` is the one its last round ran under.

    `gap_ms` lay between the last two decisions, in city time. `undecided_since` is the monotonic instant at which a
    decision became due that has not been made.
    """

    name: str
    domain: str
    every_s: float
    last_run_ms: int | None = None
    next_ms: int = 0
    duration_s: float = 0.0
    error: str = ""
    rounds: int = 0
    failures: int = 0
    skipped: int = 0
    setpoints: int = 0
    commands: int = 0
    asked: int = 0
    confirmed: int = 0
    refused: int = 0
    gap_ms: int = 0
    epoch: int = 0
    undecided_since: float | None = None

    def waited_s(self, speed: float, now: float | None = None) -> float:
        """Wall seconds by which the decision is later than the loop's own interval allows; 0 while in time."""
        if self.undecided_since is None:
            return 0.0
        waited = (monotonic() if now is None else now) - self.undecided_since
        return max(0.0, waited - self.every_s / max(speed, 1.0))


class LoopRunner:
    """Runs on the event loop; gathering and deciding happen in the pool."""

    def __init__(
        self,
        line: Line,
        leader: Leader,
        pool: Pool,
        *,
        loops: Mapping[str, Loop] | None = None,
        city: CityClock = clock,
    ) -> None:
        self._leader = leader
        self._pool = pool
        self._city = city
        self._loops = declared.loops() if loops is None else loops
        self.states = {loop.name: LoopState(loop.name, loop.domain, loop.every_s) for loop in self._loops.values()}
        self._desks = {loop.name: FastDesk(loop, line, leader, city) for loop in self._loops.values() if loop.fast}

    async def run(self) -> None:
        running.update(self.states)
        async with asyncio.TaskGroup() as tasks:
            for loop in self._loops.values():
                tasks.create_task(self._follow(loop), name=f"loop {loop.name}")

    def on_ack(self, answers: Sequence[Answer]) -> None:
        """Answers to fast requests; call it on the event loop."""
        for desk in self._desks.values():
            desk.on_ack(answers)

    def on_ready(self, device: str) -> None:
        for desk in self._desks.values():
            desk.on_ready(device)

    def oldest_undecided_s(self) -> float:
        speed, now = self._city.speed, monotonic()
        return max((state.waited_s(speed, now) for state in self.states.values()), default=0.0)

    def fast_stretch(self) -> float:
        """Intervals of its own, in city time, from decision to decision of the slowest fast loop."""
        return max((self.states[name].gap_ms / 1000 / self.states[name].every_s for name in self._desks), default=0.0)

    async def _follow(self, loop: Loop) -> None:
        state = self.states[loop.name]
        state.next_ms = self._city.now_ms()
        while True:
            await self._sleep_until(state.next_ms)
            epoch = self._leader.epoch
            if epoch is None:
                await asyncio.sleep(LEADERLESS_NAP_S)
                continue
            state.undecided_since = monotonic()
            await self.round(loop, epoch)
            state.undecided_since = None
            self._plan_next(state)

    def _plan_next(self, state: LoopState) -> None:
        """The next beat of the loop's own metre; beats that have passed are skipped and counted."""
        step_ms = max(1, int(state.every_s * 1000))
        late = max(0, (self._city.now_ms() - state.next_ms) // step_ms - 1)
        state.skipped += late
        state.next_ms += (late + 1) * step_ms

    async def _sleep_until(self, at_ms: int) -> None:
        while (left_ms := at_ms - self._city.now_ms()) > 0:
            nap_s = left_ms / 1000 / max(self._city.speed, 0.01)
            await asyncio.sleep(min(max(nap_s, SHORTEST_NAP_S), LONGEST_NAP_S))

    async def round(self, loop: Loop, epoch: int) -> None:
        """Once: gather, decide, ask. What goes wrong is kept in the loop's state and logged."""
        state, began, now_ms = self.states[loop.name], monotonic(), self._city.now_ms()
        try:
            if loop.fast:
                await self._fast_round(loop, state, now_ms, epoch)
            else:
                state.setpoints, commands = await self._pool.run(decide_and_ask, loop, now_ms, epoch)
                state.commands += commands
            state.error = ""
        except LostLeadership:
            self._leader.lost()
        except Exception as error:  # the loop must not die; its devices fall back to local by themselves meanwhile
            state.failures += 1
            state.error = f"{type(error).__name__}: {error}"[:300]
            log.exception("the loop %s failed", loop.name)
        state.rounds += 1
        state.gap_ms = now_ms - state.last_run_ms if state.last_run_ms is not None else 0
        state.last_run_ms, state.duration_s, state.epoch = now_ms, monotonic() - began, epoch

    async def _fast_round(self, loop: Loop, state: LoopState, now_ms: int, epoch: int) -> None:
        desk = self._desks[loop.name]
        state.setpoints, sheet = await self._pool.run(decide_and_prepare, desk, now_ms, epoch)
        desk.send(sheet)
        state.asked, state.confirmed, state.refused = desk.asked, desk.confirmed, desk.refused


def decide(loop: Loop, now_ms: int) -> Sequence[Setpoint]:
    return loop.decide(loop.gather(now_ms), loop.policy)


def decide_and_ask(loop: Loop, now_ms: int, epoch: int) -> tuple[int, int]:
    """How many setpoints the loop wishes, and how many commands that made."""
    setpoints = decide(loop, now_ms)
    brake = braking.on(loop, now_ms)
    commands = requests.request(
        setpoints,
        issuer=releasing.issuer(loop),
        priority=Priority.OPTIMISER,
        now_ms=now_ms,
        loop=loop,
        epoch=epoch,
        brake=brake,
    )
    if brake.held_back:
        braking.stop(loop, brake, now_ms, is_simulation=clock.is_simulation)
    return len(setpoints), len(commands)


def decide_and_prepare(desk: FastDesk, now_ms: int, epoch: int) -> tuple[int, Sheet]:
    """The same for a loop that acts under a lease: what is to be sent at once."""
    setpoints = decide(desk.loop, now_ms)
    sheet = desk.prepare(setpoints, now_ms, epoch)
    if desk.brake.held_back:
        braking.stop(desk.loop, desk.brake, now_ms, is_simulation=clock.is_simulation)
    return len(setpoints), sheet
