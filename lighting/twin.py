# SPDX-License-Identifier: Apache-2.0
"""How luminaires behave: the base programme by themselves, commands until they expire, full light when confused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from lighting.classes import LEVELS, power_share, share
from lighting.darkness import Programme
from lighting.metrics import FAULTS
from smartcity.kernel import senml
from smartcity.kernel.acceptance import Acceptance
from smartcity.kernel.street import Ack, Hello, LonLat, StreetDevice, Up, World

REPORT_MS = 300_000
CLOCK_LOST = "clock lost"


@dataclass(slots=True)
class Lamp:
    """One node: its signed programme, the command it follows and until when, and what is broken."""

    device: StreetDevice
    acceptance: Acceptance
    programme: Programme | None
    least: float
    rated_w: float
    level: float = 0.0
    commanded: float | None = None
    expires_ms: int = 0
    fault: str = "none"
    report_at_ms: int = 0

    @property
    def has_clock(self) -> bool:
        return self.fault != CLOCK_LOST

    def is_broken(self, is_dark: bool) -> bool:
        """Dark when light is due, or burning when it is not."""
        return self.fault == ("lamp failure" if is_dark else "burning by day")

    def follow(self, now_ms: int, point: str, value: Any, until_ms: int) -> str:
        """Do what is asked and tell of it soon; or why not."""
        if point == "lease":
            self.commanded = None if value == "local" else self.commanded
        elif not self.has_clock:
            return "no clock: when it would end is not known, so it stays at full light"
        elif point != "dim_level" or not isinstance(value, int | float) or not 0 <= value <= 100:
            return f"not understood: {point} = {value!r}"
        elif value + 0.5 < self.least:
            return f"below the minimum of {self.least:.0f} % held in the node"
        else:
            self.commanded, self.expires_ms = float(value), until_ms
        self.report_at_ms = min(self.report_at_ms, now_ms + 20_000)
        return ""


class Twin:
    """Every lamp of the street; nodes enforce expiry and the minimum class themselves."""

    every_s = 10.0

    def __init__(self, devices: Sequence[StreetDevice], world: World, seed: int) -> None:
        self.world, self.random = world, Random(f"lighting{seed}")
        self.lamps = {d.uid: _lamp(d) for d in devices}
        for lamp in self.lamps.values():
            lamp.fault = self._broken_from_the_start()
            lamp.report_at_ms = -self.random.randrange(1, REPORT_MS)

    def step(self, now_ms: int, dt_s: float) -> Iterable[Up | Hello | Ack]:
        hour, _ = self.world.local_hours(now_ms)
        is_dark = self.world.sun_elevation(now_ms) < -3.5
        for lamp in self.lamps.values():
            before = lamp.level
            lamp.level = self._level(lamp, is_dark, hour, now_ms)
            if lamp.report_at_ms < 0:
                lamp.report_at_ms += now_ms
            if before != lamp.level or now_ms >= lamp.report_at_ms:
                lamp.report_at_ms += REPORT_MS * max(0, 1 + (now_ms - lamp.report_at_ms) // REPORT_MS)
                yield Up(lamp.device.uid, self._report(lamp, is_dark, now_ms))
        self.world.note_power(self._drawn(is_dark))

    def command(self, uid: str, instruction: Mapping[str, Any], now_ms: int) -> Iterable[Ack]:
        lamp = self.lamps[uid]
        return lamp.acceptance.take(instruction, now_ms, partial(lamp.follow, now_ms))

    def hello(self, uid: str) -> Mapping[str, Any] | None:
        lamp = self.lamps[uid]
        return {
            "type": "luminaire controller",
            "programme": lamp.device.engineering.get("programme"),
            "minimum_level": round(lamp.least),
            "supply": "from dusk to dawn",
            "silence": "returns to the programme; without a clock or programme to full light",
        }

    def _drawn(self, is_dark: bool) -> dict[LonLat, float]:
        """W by place, for the cabinet's meter."""
        found: dict[LonLat, float] = {}
        for lamp in self.lamps.values():
            found[lamp.device.point] = found.get(lamp.device.point, 0.0) + _power(lamp, is_dark)
        return found

    def _level(self, lamp: Lamp, is_dark: bool, hour: float, now_ms: int) -> float:
        if not lamp.has_clock or (lamp.commanded is not None and now_ms >= lamp.expires_ms):
            lamp.commanded = None
        if not is_dark:
            return 0.0
        if lamp.commanded is not None:
            return max(lamp.commanded, lamp.least)
        return 100.0 if lamp.programme is None or not lamp.has_clock else lamp.programme.level(hour)

    def _report(self, lamp: Lamp, is_dark: bool, now_ms: int) -> bytes:
        noise = self.random.gauss(1.0, 0.01)
        power = _power(lamp, is_dark) * (1.0 if lamp.is_broken(is_dark) else noise)
        level, fault = lamp.level, "none" if lamp.programme is not None else "programme invalid"
        if lamp.is_broken(is_dark) or not lamp.has_clock:
            fault = lamp.fault
        values = {"lighting.dim_level": level, "lighting.power_w": round(max(power, 0.0), 2)}
        values["lighting.fault"] = float(FAULTS.index(fault))
        return senml.write(values, now_ms) if lamp.has_clock else _without_time(values)

    def _broken_from_the_start(self) -> str:
        chance = self.random.random()
        bands = {"lamp failure": 0.004, "burning by day": 0.006, CLOCK_LOST: 0.007}
        return next((fault for fault, below in bands.items() if chance < below), "none")


def _power(lamp: Lamp, is_dark: bool) -> float:
    """W without noise."""
    if lamp.is_broken(is_dark):
        return 0.4 if is_dark else lamp.rated_w
    return lamp.rated_w * power_share(lamp.level)


def _without_time(values: Mapping[str, float]) -> bytes:
    """What a node says that does not know when it is: the city dates it by its arrival."""
    return json.dumps([{"n": name, "v": value} for name, value in values.items()]).encode()


def _lamp(device: StreetDevice) -> Lamp:
    data = device.engineering
    normal, minimum = str(data.get("normal_class", "")), str(data.get("minimum_class", ""))
    least = share(minimum, normal) if normal in LEVELS and minimum in LEVELS else 100.0
    return Lamp(device, Acceptance(device.uid), Programme.read(data), least, float(device.fields.get("power_w", 60.0)))
