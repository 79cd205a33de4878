# SPDX-License-Identifier: Apache-2.0
"""How beds behave when nobody is looking: their programme by themselves, orders until they expire. No Django."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from smartcity.kernel import senml
from smartcity.kernel.acceptance import Acceptance
from smartcity.kernel.street import Ack, Hello, StreetDevice, Up, World

from .soil import after, programme_runs

REPORT_MS = 300_000
FULL_SUN_W_M2 = 800.0


@dataclass(slots=True)
class Node:
    """One bed's controller, and the order it follows until when."""

    device: StreetDevice
    acceptance: Acceptance
    moisture: float
    report_at_ms: int
    valve: float = 0.0
    ordered: float | None = None
    expires_ms: int = 0

    def follow(self, point: str, value: Any, until_ms: int) -> str:
        """Do what is asked, and say nothing; or say why not. The device checks what the centre has checked before."""
        if point == "lease":
            self.ordered = None if value == "local" else self.ordered
        elif point == "valve" and isinstance(value, int | float) and 0 <= value <= 100:
            self.ordered, self.expires_ms = float(value), until_ms
        else:
            return f"not understood: {point} = {value!r}"
        return ""


class Twin:
    every_s = 30.0

    def __init__(self, devices: Sequence[StreetDevice], world: World, seed: int) -> None:
        self.world, random = world, Random(f"newdomain{seed}")
        self.nodes = {
            d.uid: Node(d, Acceptance(d.uid), random.uniform(27, 45), random.randrange(REPORT_MS)) for d in devices
        }

    def step(self, now_ms: int, dt_s: float) -> Iterable[Up | Hello | Ack]:
        hour, _ = self.world.local_hours(now_ms)
        sun = min(1.0, self.world.irradiance(now_ms) / FULL_SUN_W_M2)
        for node in self.nodes.values():
            was = node.valve
            node.valve = self._position(node, hour, now_ms)
            node.moisture = after(node.moisture, dt_s / 3600, sun, node.valve / 100)
            if node.valve != was or now_ms >= node.report_at_ms:
                node.report_at_ms = now_ms + REPORT_MS - (now_ms - node.report_at_ms) % REPORT_MS
                yield Up(node.device.uid, self._report(node, now_ms))

    def command(self, uid: str, instruction: Mapping[str, Any], now_ms: int) -> Iterable[Ack]:
        node = self.nodes[uid]
        return node.acceptance.take(instruction, now_ms, node.follow)

    def hello(self, uid: str) -> Mapping[str, Any] | None:
        programme = self.nodes[uid].device.engineering.get("programme")
        return {"type": "valve controller", "programme": programme, "silence": "returns to the programme"}

    def _position(self, node: Node, hour: float, now_ms: int) -> float:
        if node.ordered is not None and now_ms < node.expires_ms:
            return node.ordered
        node.ordered = None
        programme = node.device.engineering.get("programme", {})
        return 100.0 if programme_runs(hour, programme.get("hour", 5), programme.get("minutes", 20)) else 0.0

    def _report(self, node: Node, now_ms: int) -> bytes:
        flow = float(node.device.fields.get("flow_l_min", 40.0)) * node.valve / 100
        return senml.write({"newdomain.moisture": round(node.moisture, 1), "newdomain.flow": round(flow, 1)}, now_ms)
