# SPDX-License-Identifier: Apache-2.0
"""How beds behave when nobody is looking: their programme by themselves, orders until they expire. No Django."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from smartcity.kernel import senml
from smartcity.kernel.street import Ack, Hello, StreetDevice, Up, World

from .soil import after, programme_runs

REPORT_MS = 300_000
FULL_SUN_W_M2 = 800.0


@dataclass(slots=True)
class Node:
    """One bed's controller: the order it follows until when, and the newest sequence of each point."""

    device: StreetDevice
    moisture: float
    report_at_ms: int
    valve: float = 0.0
    ordered: float | None = None
    expires_ms: int = 0
    sequences: dict[str, int] = field(default_factory=dict)
    answered: tuple[str, Ack] | None = None


class Twin:
    every_s = 30.0

    def __init__(self, devices: Sequence[StreetDevice], world: World, seed: int) -> None:
        self.world, random = world, Random(f"newdomain{seed}")
        self.nodes = {d.uid: Node(d, random.uniform(27, 45), random.randrange(REPORT_MS)) for d in devices}

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
        node, key = self.nodes[uid], str(instruction.get("id", ""))
        if node.answered and node.answered[0] == key:
            return [node.answered[1]]
        state, reason = _judged(node, instruction, now_ms)
        answer = Ack(uid, key, state, reason)  # type: ignore[arg-type]
        if state == "applied":
            node.answered = (key, answer)
            node.sequences[instruction["point"]] = int(instruction.get("sequence", 0))
            if instruction["point"] == "valve":
                node.ordered, node.expires_ms = float(instruction["value"]), int(instruction["expires_at"])
            elif instruction["value"] == "local":
                node.ordered = None
        return [answer]

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


def _judged(node: Node, instruction: Mapping[str, Any], now_ms: int) -> tuple[str, str]:
    """The device checks for itself what the centre has checked before."""
    point, value = instruction.get("point"), instruction.get("value")
    if int(instruction.get("expires_at", 0)) <= now_ms:
        return "expired", "expired"
    newest = max(node.sequences.get(str(point), -1), node.sequences.get("lease", -1))
    if int(instruction.get("sequence", newest)) < newest:
        return "refused", "superseded"
    if point == "lease" and value in ("auto", "local"):
        return "applied", ""
    if point == "valve" and isinstance(value, int | float) and 0 <= value <= 100:
        return "applied", ""
    return "refused", f"not understood: {point} = {value!r}"
