# SPDX-License-Identifier: Apache-2.0
"""One controller on one network for one seed: detectors, codecs, limit checks, requests, field controllers, figures.

Everything between detector and lamp is what the product runs: frames and reports as bytes through its codecs, the
planner, its limit checks, the instruction as bytes, the cabinet that may refuse. Only the transport is a call.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import libsumo
import msgspec
import numpy as np

from smartcity.kernel import senml
from smartcity.kernel.codecs import Instruction
from smartcity.kernel.control import Setpoint
from traffic import lane_codec, plans
from traffic.interlocks import INTERLOCKS
from traffic.planner import centre
from traffic.planner.frames import Frame
from traffic.planner.search import Settings
from traffic.reporting import signal_values
from traffic.street import anycabinet, baselines, figures, lanes
from traffic.street.anynet import AnyNet
from traffic.street.controller import Cabinet

EPOCH_S = 1_700_000_000  # simulated second 0 in the messages: absolute times are absolute
ASK_AGAIN_S, EXPIRES_S = 10, 15
OPTIONS = ("--step-length", "1", "--time-to-teleport", "-1", "--no-step-log", "true", "--no-warnings", "true")
BY_SUMO = ("fixed", "actuated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A network, its demand and the span that is measured (simulated seconds)."""

    net: AnyNet
    routes: Sequence[Path]
    begin: int
    end: int
    extra: Sequence[Path] = ()


@dataclass(slots=True)
class Counts:
    """What the trial itself counts."""

    refused: int = 0
    stopped_by_checks: int = 0
    requests: int = 0
    switches: int = 0
    longest_red_s: float = 0.0
    decision_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Delay is RESCO's: mean of time loss and departure delay over all scheduled vehicles, s; times in s."""

    controller: str
    seed: int
    delay_s: float
    waiting_s: float
    p95_delay_s: float
    stops: float
    vehicles: int
    finished: int
    undeparted: int
    person_delay_s: float
    transit_delay_s: float
    worst_approach_s: float
    worst_approach: str
    longest_red_s: float
    requests: int
    switches: int
    refused: int
    stopped_by_checks: int
    decision_p50_ms: float
    decision_p99_ms: float
    cpu_s: float
    times_real_time: float


@dataclass(slots=True)
class Field:
    """One junction in the street: heads, cabinet, what was asked last."""

    site: lanes.Site
    heads: lanes.Heads
    cabinet: Cabinet
    announced: Mapping[str, Any]
    frame: Frame | None = None
    asked: int = 0
    asked_at: int = 0
    shown: str = ""


def run(
    scenario: Scenario,
    controller: str,
    seed: int,
    *,
    settings: Settings | None = None,
    reach_m: float = 50.0,
    noisy: bool = False,
) -> Outcome:
    """Raises libsumo.TraCIException or FatalTraCIError when SUMO cannot read the demand."""
    cpu, wall = time.process_time(), time.monotonic()
    with TemporaryDirectory() as folder:
        log = Path(folder) / "trips.xml"
        _start(scenario, controller, seed, log, Path(folder))
        try:
            counts, pending = _drive(scenario, controller, settings or Settings(), seed, reach_m, noisy)
        finally:
            libsumo.close()
        found = figures.of_trips(log, pending)
    spent = time.process_time() - cpu
    decisions = counts.decision_ms or [0.0]
    return Outcome(
        controller=controller,
        seed=seed,
        longest_red_s=counts.longest_red_s,
        requests=counts.requests,
        switches=counts.switches,
        refused=counts.refused,
        stopped_by_checks=counts.stopped_by_checks,
        decision_p50_ms=float(np.percentile(decisions, 50)),
        decision_p99_ms=float(np.percentile(decisions, 99)),
        cpu_s=spent,
        times_real_time=(scenario.end - scenario.begin) / (time.monotonic() - wall),
        **found,
    )


def _start(scenario: Scenario, controller: str, seed: int, log: Path, folder: Path) -> None:
    extra = [str(path) for path in scenario.extra]
    if controller == "actuated":
        path = folder / "actuated.add.xml"
        path.write_text(baselines.actuated(scenario.net))
        extra.append(str(path))
    command = ["sumo", "-n", str(scenario.net.path), "-r", ",".join(str(path) for path in scenario.routes)]
    command += ["-b", str(scenario.begin), "-e", str(scenario.end), "--seed", str(seed), *OPTIONS]
    command += ["--duration-log.disable", "true", "--tripinfo-output", str(log)]
    command += ["--tripinfo-output.write-unfinished", "true"]
    libsumo.start(command + (["-a", ",".join(extra)] if extra else []))


def _drive(
    scenario: Scenario, controller: str, settings: Settings, seed: int, reach_m: float, noisy: bool
) -> tuple[Counts, list[tuple[float, str]]]:
    counts = Counts()
    street = _Street(scenario, controller, settings, seed, reach_m, noisy, counts)
    for second in range(scenario.begin, scenario.end):
        libsumo.simulationStep()
        if controller not in BY_SUMO:
            street.step(second)
    pending = [(float(libsumo.vehicle.getDepartDelay(v)), v) for v in libsumo.simulation.getPendingVehicles()]
    return counts, pending


class _Street:
    """The loop of one trial, second by second."""

    def __init__(
        self,
        scenario: Scenario,
        controller: str,
        settings: Settings,
        seed: int,
        reach_m: float,
        noisy: bool,
        counts: Counts,
    ) -> None:
        self.controller, self.counts = controller, counts
        reach_m = reach_m if controller == "adaptive" else baselines.PRESSURE_M
        sites = lanes.sites(scenario.net, reach_m)
        self.draw = Random(f"noise{seed}")
        noise = lanes.Noise(self.draw, dead=lanes.dead(sites, self.draw)) if noisy else None
        self.noise = noise
        now = EPOCH_S + scenario.begin
        self.fields = {site.signal.id: _field(site, reach_m, noise, now) for site in sites}
        self.late: deque[tuple[int, str, bytes]] = deque()
        junctions = {s.signal.id: centre.Junction(s.model, s.zones, s.ways, s.lit) for s in sites}
        self.centre = centre.Centre(junctions, settings)
        self.decide = baselines.DECIDE.get(controller)

    def step(self, second: int) -> None:
        now = EPOCH_S + second
        for uid, place in self.fields.items():
            frame = place.heads.look(now * 1000)
            self.counts.longest_red_s = max(self.counts.longest_red_s, float(place.heads.waited.max()))
            delay = self.draw.randint(1, 3) if self.noise and self.draw.random() < self.noise.late else 0
            self.late.append((now + delay, uid, lane_codec.write(frame)))
        due = [row for row in self.late if row[0] <= now]
        self.late = deque(row for row in self.late if row[0] > now)
        for _, uid, payload in due:
            frame = lane_codec.read(payload)
            self.fields[uid].frame = frame
            self.centre.take(uid, frame)
        for uid, place in self.fields.items():
            self._ask(uid, place, now)
        for place in self.fields.values():
            self._show(place, now)

    def _ask(self, uid: str, place: Field, now: int) -> None:
        report = senml.CODEC.decode(senml.write(signal_values(place.cabinet, now), now * 1000), now * 1000)
        reported = {one.metric: one.value for one in report}
        state = centre.State(round(reported["traffic.stage"]), reported["traffic.green_s"])
        begun = time.perf_counter()
        if self.decide is not None:
            stage = self.decide(place, state, now)
            reason = ""
        else:
            wish = self.centre.wish(uid, state, float(now))
            stage, reason = (wish.stage, wish.reason) if wish else (0, "")
            if wish:
                self.counts.decision_ms.append(1000 * (time.perf_counter() - begun))
        if not stage or (stage == place.asked and now - place.asked_at < ASK_AGAIN_S):
            return
        self._send(uid, place, stage, reason, reported, now)

    def _send(self, uid: str, place: Field, stage: int, reason: str, reported: Mapping[str, float], now: int) -> None:
        text = plans.write((plans.Segment(stage, now),))
        setpoint = Setpoint(asset=uid, point="stage_plan", value=text, reason=reason, expires_in_s=EXPIRES_S)
        situation = anycabinet.situation(uid, place.announced, reported, now)
        self.counts.requests += 1
        if any(lock.check(setpoint, situation) for lock in INTERLOCKS if setpoint.point in lock.points):
            self.counts.stopped_by_checks += 1
            return
        until_ms = (now + EXPIRES_S) * 1000
        payload = senml.CODEC.encode(Instruction(f"r{now}", "stage_plan", text, until_ms, now, reason[:200]))
        told = msgspec.json.decode(payload)
        if place.cabinet.follow(now * 1000, told["point"], told["value"], told["expires_at"]):
            self.counts.refused += 1
            return
        place.asked, place.asked_at = stage, now

    def _show(self, place: Field, now: int) -> None:
        cabinet = place.cabinet
        running = cabinet.running
        is_blocked = bool(cabinet.changing_to) and place.heads.box_is_occupied()
        state = cabinet.tick(now, _calls(place), box_is_blocked=is_blocked)
        self.counts.switches += cabinet.running != running
        if state != place.shown:
            libsumo.trafficlight.setRedYellowGreenState(place.site.signal.id, state)
            place.shown = state


def _field(site: lanes.Site, reach_m: float, noise: lanes.Noise | None, now: int) -> Field:
    cabinet = Cabinet(anycabinet.programme(site))
    cabinet.start(now)
    cabinet.lease(now + 10**7)
    return Field(site, lanes.Heads(site, reach_m, noise), cabinet, cabinet.programme.announced())


def _calls(place: Field) -> list[int]:
    """Stages somebody waits for: the best of each lane where one stands."""
    model = place.site.model
    return sorted({model.best_stage(int(i)) + 1 for i in np.flatnonzero(place.heads.waited > 0)})
