# SPDX-License-Identifier: Apache-2.0
"""The street's signals and detectors when nobody is looking: SUMO on the city's map, a cabinet at every junction.

Devices the simulator has no partner for count by the demand profile and stay on their local plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from smartcity.kernel import senml
from smartcity.kernel.acceptance import Acceptance
from smartcity.kernel.street import Ack, Hello, StreetDevice, Up, World
from traffic import codecs
from traffic.codecs import Measured
from traffic.event_codec import SIGNAL
from traffic.profile import share_of_peak
from traffic.reporting import housing_values, ladder_values, signal_values
from traffic.street import faults
from traffic.street.beside import Beside
from traffic.street.controller import Cabinet
from traffic.street.junctions import Street, lay_out
from traffic.street.ladder import LATE_S, SKEW_S
from traffic.street.recorder import BATCH_S

WARM_UP_S = 600
MOST_BEHIND_S = 60  # past this the street does not catch up: it goes on from now
FIXED = {
    "traffic.control_delay": "traffic.fixed_plan_delay",
    "traffic.pedestrian_wait": "traffic.fixed_plan_pedestrian_wait",
    "traffic.tram_delay": "traffic.fixed_plan_tram_delay",
}
BEHIND_S = 3.0  # wall; the street may be this late (see kernel/pace.py), which is no fault of a cabinet's clock
INSTANTS = 10**14  # sequence numbers from here on are microseconds since 1970, those of this centre
MOST_STEPS = 12  # simulated seconds in one call, so that the twin's other devices get their turn


class Twin:
    """Every detector and controller reports each 5 s, junctions taking turns, and controllers at each stage change."""

    every_s = 1.0

    def __init__(self, devices: Sequence[StreetDevice], world: World, seed: int) -> None:
        self.world, self.seed = world, seed
        self.devices = {device.uid: device for device in devices}
        self.street: Street | None = None
        self.beside: Beside | None = None
        self.acceptances = {device.uid: Acceptance(device.uid) for device in devices}
        self.cabinets: Mapping[str, Cabinet] = {}
        if world.map_file and any(device.kind == "intersection" for device in devices):
            layout = lay_out(Path(world.map_file), Path(world.folder), devices, seed)
            self.street = Street(layout, seed, 0)
            self.cabinets = self.street.cabinets
            for uid in self.cabinets:
                if self.devices[uid].codec == SIGNAL.name:
                    self.street.record(uid)
            self.beside = Beside(world.map_file, world.folder, devices, seed)
        self.random = Random(f"traffic{seed}")
        self.unmatched = [uid for uid, device in self.devices.items() if not self._is_simulated(device)]
        self.turns = self._take_turns()
        self.faults = faults.Plan(sorted(self.cabinets), seed)
        self.by_hand = faults.ByHand(Path(world.folder))
        self.told: dict[str, dict[str, float]] = {}
        self.begun = False

    @property
    def _streets(self) -> list[Street | Beside]:
        return [street for street in (self.street, self.beside) if street is not None]

    def _is_simulated(self, device: StreetDevice) -> bool:
        return self.street is not None and (device.uid in self.cabinets or device.uid in self.street.layout.zones)

    def _take_turns(self) -> dict[str, int]:
        """Device uid → the second of five in which it reports; a junction and its approaches share one."""
        junctions = sorted({d.parent or d.uid for d in self.devices.values()})
        turn = {uid: number % 5 for number, uid in enumerate(junctions)}
        return {uid: turn[device.parent or uid] for uid, device in self.devices.items()}

    def step(self, now_ms: int, dt_s: float) -> Iterable[Up | Hello | Ack]:
        del dt_s
        now = now_ms // 1000
        if self.street is None:
            yield from self._by_profile(now)
            return
        if not self.begun:
            self.begun = True
            for street in self._streets:
                street.begin(now, WARM_UP_S, self._share(now))
        if now - self.street.now > MOST_BEHIND_S:
            for street in self._streets:
                street.go_on_at(now)
        for _ in range(min(MOST_STEPS, now - self.street.now)):
            yield from self._second(self.street)

    def _second(self, street: Street) -> Iterator[Up]:
        broke = self.faults.strike(street.cabinets, street.now)
        street.struck = self.by_hand.struck(street.now)
        self._allow_for_speed(street)
        share = self._share(street.now)
        changed = street.step(share)
        now = street.now
        if now % 60 == 0:
            street.close_minute()
            if self.beside is not None:
                self.beside.listen()
                self.beside.live_until(now, share)
        due = {uid for uid, turn in self.turns.items() if turn == now % 5}
        yield from self._signals(street, due | set(changed) | broke, now, broke)
        yield from self._logs(street, now)
        yield from self._detectors(street, due, now)
        yield from self._by_profile(now)

    def _signals(self, street: Street, uids: set[str], now: int, broke: set[str]) -> Iterator[Up]:
        for uid in sorted(uids & street.cabinets.keys()):
            values = self._registered(uid, signal_values(street.cabinets[uid], now))
            if self.turns[uid] == now % 5:
                values["traffic.flow"] = street.junction_flow(uid)
            if now % 60 == 10 + self.turns[uid]:
                values |= self._measures(uid, street)
            values |= self._registered(uid, self._news(uid, street.cabinets[uid], now))
            yield Up(uid, senml.write(values, now * 1000))

    def _logs(self, street: Street, now: int) -> Iterator[Up]:
        """Event logs, each cabinet's every BATCH_S, on its turn."""
        for uid, recorder in street.recorders.items():
            if now % BATCH_S == self.turns[uid] and (batch := recorder.batch(now * 1000)) is not None:
                yield Up(uid, batch)

    def _news(self, uid: str, cabinet: Cabinet, now: int) -> dict[str, float]:
        """Door, mains, rung and the like: each minute, and at once where one has changed."""
        values = housing_values(cabinet) | ladder_values(cabinet)
        if self.told.get(uid) == values and now % 60 != 10 + self.turns[uid]:
            return {}
        self.told[uid] = values
        return values

    def _allow_for_speed(self, street: Street) -> None:
        speed = max(1.0, self.world.speed)
        for cabinet in street.cabinets.values():
            cabinet.skew.tolerance_s, cabinet.skew.late_s = SKEW_S + BEHIND_S * speed, LATE_S * speed

    def _measures(self, uid: str, street: Street) -> dict[str, float]:
        """What the device was registered for, and the same on the fixed plan."""
        found = street.measures(uid)
        fixed = self.beside.measures.get(uid, {}) if self.beside else {}
        found |= {FIXED[name]: value for name, value in fixed.items() if name in FIXED}
        return self._registered(uid, found)

    def _registered(self, uid: str, values: Mapping[str, float]) -> dict[str, float]:
        """Without what a device imported by an older version was never registered for."""
        return {name: value for name, value in values.items() if name in self.devices[uid].metrics}

    def _detectors(self, street: Street, due: set[str], now: int) -> Iterator[Up]:
        for uid in sorted((due & street.layout.zones.keys()) - street.struck.detectors):
            yield Up(uid, codecs.write(street.simulation.measure(uid), now * 1000))
        if now % 5 == 0:
            self.world.note_traffic(
                [(self.devices[uid].point, seen.flow, seen.congestion) for uid, seen in street.detectors().items()]
            )

    def _by_profile(self, now: int) -> Iterator[Up]:
        """Devices outside the simulator, at their turn."""
        share = self._share(now)
        for uid in self.unmatched:
            if self.turns[uid] == now % 5:
                device = self.devices[uid]
                write = self._plain_signal if device.kind == "intersection" else self._plain_detector
                yield Up(uid, write(device, share, now * 1000))

    def _plain_signal(self, device: StreetDevice, share: float, at_ms: int) -> bytes:
        del share
        steady = {"traffic.status": 0.0, "traffic.plan": 1.0, "traffic.control_source": 0.0}
        return senml.write(steady | self._registered(device.uid, {"traffic.door": 0.0, "traffic.mains": 0.0}), at_ms)

    def _plain_detector(self, device: StreetDevice, share: float, at_ms: int) -> bytes:
        flow = max(0.0, self.random.gauss(1.0, 0.08)) * float(device.twin.get("peak_flow", 150)) * share
        return codecs.write(Measured(flow, 0.0, min(100.0, flow / 40), 30.0, 0.05), at_ms)

    def _share(self, now: int) -> float:
        """Share of the peak demand, steady for a minute so that the street beside sees the same vehicles."""
        hours, weekday = self.world.local_hours(now // 60 * 60_000)
        return float(share_of_peak(hours, weekday))

    def command(self, uid: str, instruction: Mapping[str, Any], now_ms: int) -> Iterable[Ack]:
        struck = self.street.struck if self.street else faults.NOBODY
        if uid in struck.lines:
            return []
        clock_ms = now_ms + 1000 * struck.clocks.get(uid, 0)
        follow = partial(self._follow, uid, clock_ms, _made_ms(instruction.get("sequence")))
        return self.acceptances[uid].take(instruction, clock_ms, follow)

    def _follow(self, uid: str, now_ms: int, made_ms: int | None, point: str, value: Any, until_ms: int) -> str:
        if uid in self.cabinets:
            return self.cabinets[uid].follow(now_ms, point, value, until_ms, made_ms=made_ms)
        if (point, value) == ("lease", "local"):
            return ""
        is_signal = self.devices[uid].kind == "intersection"
        return "runs its local plan only" if is_signal else "a detector takes no commands"

    def hello(self, uid: str) -> Mapping[str, Any] | None:
        device = self.devices[uid]
        if uid in self.cabinets:
            return {"type": "signal controller", **self.cabinets[uid].programme.announced(), **self._event_log(uid)}
        if device.kind == "intersection":
            return {"type": "signal controller", "stages": [], "note": "local plan only, cannot be commanded"}
        zone = self.street.layout.zones.get(uid) if self.street else None
        return {"type": "traffic detector", "reach_m": round(zone.length_m) if zone else 0}

    def _event_log(self, uid: str) -> dict[str, Any]:
        if self.street is None or uid not in self.street.recorders:
            return {}
        return {"events": self.street.event_configuration(uid)}

    def close(self) -> None:
        for street in self._streets:
            street.close()


def _made_ms(sequence: object) -> int | None:
    """When an instruction was made, by its number; None where another centre numbers otherwise."""
    return sequence // 1000 if isinstance(sequence, int) and sequence >= INSTANTS else None
