# SPDX-License-Identifier: Apache-2.0
"""The same kills against four ways to receive through Mosquitto and against our device gateway, side by side.

Where there is a broker, it and what stands behind it are killed in turn; our gateway is one process, which is killed as
often as both together. Nothing is expected of the brokers: what they lose is what this is to show.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.chaos import behind, victims
from benchmarks.chaos.findings import Findings, Options
from benchmarks.chaos.fleet import Fleet
from benchmarks.chaos.history import Heard, Log, Rows
from benchmarks.chaos.judge import missing
from tests import servers

DEVICES: Final = 200
RATE_S: Final = 400
PATIENCE_S: Final = 120.0
BATCH: Final = "rows written in batches of 100 ms to SQLite with synchronous FULL"
USUAL: Final = f"paho as it comes: QoS 1, acknowledged when the callback returns, {BATCH}"
BRIDGE: Final = "our bridge: persistent session, acknowledged after the commit"
ROOM: Final = ("persistence true", "max_queued_messages 0", "max_inflight_messages 500")


@dataclass(frozen=True, slots=True)
class Setup:
    """`broker` are the lines of its configuration beyond listener and access, none where there is no broker; `behind`
    is what the subscriber takes for a session, or bridge."""

    name: str
    broker: Sequence[str]
    behind: str
    words: str

    @property
    def settings(self) -> str:
        return f"{'; '.join(self.broker)}; {self.words}" if self.behind else self.words


SETUPS: Final = (
    Setup("default", ("persistence false",), "clean", f"Mosquitto's own defaults; clean session; {USUAL}"),
    Setup("debian", ("persistence true",), "session", f"Debian's file; autosave 1800 s; persistent session; {USUAL}"),
    Setup("bridge_second", (*ROOM, "autosave_interval 1"), "bridge", f"saved every second; {BRIDGE}"),
    Setup(
        "bridge_change", (*ROOM, "autosave_on_changes true", "autosave_interval 1"), "bridge",
        f"saved after each change; {BRIDGE}",
    ),
    Setup("gateway", (), "", "devices speak to our gateway: no broker, acknowledged after the commit"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kill:
    """`over` is the monotonic second at which whoever was killed was back, `took_s` later than the kill."""

    victim: str
    over: float
    took_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """Counts of readings. Of the lost ones, `said_to_nobody` were acknowledged by the broker although nobody subscribed
    just then; the others count `at_kills`, by who was killed next after they were said."""

    kills: Sequence[Kill]
    acknowledged: int
    lost: int
    said_to_nobody: int
    at_kills: Mapping[str, int]

    @property
    def lost_behind(self) -> int:
        """With what stores, be it a subscriber or a city."""
        return sum(lost for victim, lost in self.at_kills.items() if victim != "broker")


def run(found: Findings, options: Options) -> None:
    outcomes = {}
    setups = [SETUPS[0], SETUPS[-1]] if options.quick else SETUPS
    for setup in setups:
        with options.room(f"{found.scenario}-{setup.name}") as var:
            outcomes[setup.name] = outcome = _tried(setup, var, options)
        print(f"  {setup.name}: {outcome.lost:,} of {outcome.acknowledged:,} lost", file=sys.stderr, flush=True)
        found.add(f"{setup.name}_settings", setup.settings)
        found.add(f"{setup.name}_kills", len(outcome.kills))
        found.add(f"{setup.name}_acknowledged_readings", outcome.acknowledged, at_least=1)
        found.add(f"{setup.name}_lost", outcome.lost, at_most=None if setup.behind else 0)
        found.add(f"{setup.name}_lost_said_to_nobody", outcome.said_to_nobody)
        for who, gone in outcome.at_kills.items():
            took = [kill.took_s for kill in outcome.kills if kill.victim == who]
            found.add(f"{setup.name}_lost_before_kills_of_{who}", gone)
            found.add(f"{setup.name}_{who}_back_after_mean_s", round(sum(took) / len(took), 2))
    print(_beside(outcomes))
    lost = ", ".join(f"{name} {outcome.lost:,} of {outcome.acknowledged:,}" for name, outcome in outcomes.items())
    found.headline = f"lost: {lost}"


def _tried(setup: Setup, var: Path, options: Options) -> Outcome:
    """The same devices, rate and number of kills whatever they speak to."""
    with ExitStack() as stack:
        port, mortals, held = stack.enter_context(_standing(setup, var))
        fleet = stack.enter_context(Fleet((0, port), DEVICES, rate_s=RATE_S))
        fleet.talk()
        kills = _kill_in_turn(fleet, mortals, options)
        time.sleep(1)
        fleet.fall_silent()
        fleet.drain(PATIENCE_S)
        log, unheard = fleet.book.read(), fleet.without_subscriber
        rows = held()
    acknowledged = int((log.heard == Heard.ACKNOWLEDGED).sum()) * log.each
    to_nobody = np.zeros(len(log), np.bool_)
    to_nobody[unheard] = True
    said_to_nobody = len(missing(log.take(to_nobody), rows))
    by_kill = lost_by_kill(log.take(~to_nobody), rows, [kill.over for kill in kills])
    at_kills = {mortal.name: 0 for mortal in mortals}
    for kill, lost in zip(kills, by_kill.tolist()[:-1], strict=True):
        at_kills[kill.victim] += lost
    return Outcome(kills, acknowledged, int(by_kill.sum()) + said_to_nobody, said_to_nobody, at_kills)


def _kill_in_turn(fleet: Fleet, mortals: Sequence[Mortal], options: Options) -> list[Kill]:
    many, longest_s = (2, 1.0) if options.quick else (8, 3.0)
    chance, kills = random.Random(options.seed), list[Kill]()
    for mortal in itertools.islice(itertools.cycle(mortals), many):
        fleet.hear_more(100, PATIENCE_S)
        time.sleep(chance.uniform(0.5, longest_s))
        began = time.monotonic()
        mortal.kill()
        now = time.monotonic()
        kills.append(Kill(mortal.name, now, now - began))
    return kills


@dataclass(frozen=True, slots=True)
class Mortal:
    """`kill` starts it again at once and returns when it is back."""

    name: str
    kill: Callable[[], None]


Standing = tuple[int, Sequence[Mortal], Callable[[], Rows]]


@contextmanager
def _standing(setup: Setup, var: Path) -> Iterator[Standing]:
    """The port devices speak to, who can be killed there, and what is held in the end."""
    if not setup.behind:
        with victims.victim(var, devices=DEVICES) as city:
            own = behind.Bridged(city)
            yield city.ports[1], [Mortal("city", own.killed)], own.stopped
        return
    with servers.broker(*setup.broker) as (port, server):
        with (
            behind.bridged(port, var, DEVICES) if setup.behind == "bridge" else behind.stock(port, var, setup.behind)
        ) as platform:
            yield port, [Mortal("broker", lambda: _again(server)), Mortal("subscriber", platform.killed)], platform.held


def _again(server: servers.Server) -> None:
    server.kill()
    server.start()


def lost_by_kill(log: Log, held: Rows, over: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How many acknowledged readings are not held, by the kill that came next after they were said; the last number is
    of those after which none came."""
    promised = log.that_heard(Heard.ACKNOWLEDGED)
    missing = ~np.isin(promised.readings.key, held.key)
    kill = np.searchsorted(np.array(over), np.repeat(promised.sent, log.each)[missing])
    return np.bincount(kill, minlength=len(over) + 1)


def _beside(outcomes: Mapping[str, Outcome]) -> str:
    """The table for people, a column for each."""
    columns = [
        (name, len(one.kills), one.acknowledged, one.lost, one.said_to_nobody, one.at_kills.get("broker", 0),
         one.lost_behind) for name, one in outcomes.items()
    ]  # fmt: skip
    words = ("", "kills", "readings acknowledged", "of them nowhere", "… said to nobody", "… before the broker's",
             "… before the other's")  # fmt: skip
    return "\n".join(
        f"  {word:<24}" + "".join(f"{cell:>15,}" if isinstance(cell, int) else f"{cell:>15}" for cell in cells)
        for word, *cells in zip(words, *columns, strict=True)
    )
