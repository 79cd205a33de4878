# SPDX-License-Identifier: Apache-2.0
"""How the portfolio behaves: buildings, lamps, roofs, charging sessions, and batteries that follow their own meter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

from energy.cabinets import OWN_W, nearest
from energy.profile import CAR_KWH, DEFAULT_CHARGER_KW, arrivals_per_hour, cold_share, load_share, pv_kw, wear
from smartcity.kernel import senml
from smartcity.kernel.acceptance import Acceptance
from smartcity.kernel.street import Ack, Hello, LonLat, StreetDevice, Up, World

POINTS = {"battery": ("import_high", "import_low"), "charger": ("limit",)}
EFFICIENCY = 0.95
RESERVE = 0.1  # of its capacity, which a battery keeps whatever it is asked


@dataclass(slots=True)
class Held:
    """What was commanded on one point, until when."""

    value: float
    expires_ms: int


@dataclass(slots=True)
class Node:
    """One device with its state: kW now, kWh stored or still to be charged."""

    device: StreetDevice
    acceptance: Acceptance
    kw: float = 0.0
    kwh: float = 0.0
    wear: float = 1.0
    held: dict[str, Held] = field(default_factory=dict)
    report_at_ms: int = 0

    def follow(self, point: str, value: Any, until_ms: int) -> str:
        """Hold what is asked until then; or why not."""
        if point == "lease":
            if value == "local":
                self.held.clear()
            return ""
        if point not in POINTS.get(self.device.kind, ()):
            return f"this device has no point {point}"
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 5000:
            return f"not a power in kW: {value!r}"
        if point == "limit" and value > float(self.device.fields["power_kw"]) + 0.05:
            return "above the rating held in the device"
        self.held[point] = Held(float(value), until_ms)
        return ""

    def said(self, point: str, now_ms: int) -> float | None:
        held = self.held.get(point)
        if held is None or now_ms >= held.expires_ms:
            self.held.pop(point, None)
            return None
        return held.value


class Twin:
    """The electrical street: a tree of feeder, transformer, connection point and what stands behind it."""

    every_s = 20.0
    report_s = 60.0

    def __init__(self, devices: Sequence[StreetDevice], world: World, seed: int) -> None:
        self.world, self.random = world, Random(f"energy{seed}")
        self.nodes = {d.uid: Node(d, Acceptance(d.uid), wear=wear(d.uid, seed)) for d in devices}
        self.below: dict[str, list[Node]] = defaultdict(list)
        for node in self.nodes.values():
            self.below[node.device.parent].append(node)
            node.report_at_ms = -self.random.randrange(int(self.report_s * 1000))
            if node.device.kind == "battery":
                node.kwh = 0.5 * float(node.device.fields["capacity_kwh"])
        self.cabinets = {
            uid: node.device.point for uid, node in self.nodes.items() if node.device.fields.get("use") == "lighting"
        }
        self.fed_by: dict[LonLat, str] = {}

    def step(self, now_ms: int, dt_s: float) -> Iterable[Up | Hello | Ack]:
        hour, weekday = self.world.local_hours(now_ms)
        warm = float(cold_share(self.world.temperature(now_ms)))
        sun = self.world.irradiance(now_ms)
        lamps = self._lamps_kw()
        for feeder in self._of("feeder"):
            feeder.kw = 0.0
            for transformer in self.below[feeder.device.uid]:
                transformer.kw = self._others(transformer, hour, weekday, warm)
                for site in self.below[transformer.device.uid]:
                    load = lamps.get(site.device.uid)
                    site.kwh = self._load(site, hour, weekday, warm) if load is None else load
                    transformer.kw += self._site(site, hour, weekday, sun, now_ms, dt_s)
                feeder.kw += transformer.kw
        for node in self.nodes.values():
            if node.report_at_ms < 0:
                node.report_at_ms += now_ms
            if now_ms >= node.report_at_ms:
                every_ms = int(self.report_s * 1000)
                node.report_at_ms += every_ms * (1 + (now_ms - node.report_at_ms) // every_ms)
                yield Up(node.device.uid, senml.write(self._values(node), now_ms))

    def command(self, uid: str, instruction: Mapping[str, Any], now_ms: int) -> Iterable[Ack]:
        node = self.nodes[uid]
        return node.acceptance.take(instruction, now_ms, node.follow)

    def hello(self, uid: str) -> Mapping[str, Any] | None:
        device = self.nodes[uid].device
        if device.kind not in POINTS:
            return None
        silence = {"battery": "self-consumption with reserve", "charger": f"{DEFAULT_CHARGER_KW:g} kW"}
        said = {"type": device.kind, "points": list(POINTS[device.kind]), "silence": silence[device.kind]}
        return said | ({"follows": device.parent, "reserve_soc": 100 * RESERVE} if device.kind == "battery" else {})

    def _of(self, kind: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.device.kind == kind]

    def _lamps_kw(self) -> dict[str, float]:
        """What each cabinet's lamps and the cabinet itself draw."""
        drawn = self.world.power_drawn() if self.cabinets else {}
        if drawn.keys() != self.fed_by.keys():
            self.fed_by = nearest(drawn, self.cabinets)
        found = dict.fromkeys(self.cabinets, OWN_W / 1000)
        for point, watts in drawn.items():
            found[self.fed_by[point]] += watts / 1000
        return found

    def _load(self, site: Node, hour: float, weekday: int, warm: float) -> float:
        """A building's own load, kW."""
        fields = site.device.fields
        share = load_share(str(fields["use"]), np.array([hour]), np.array([weekday]))[0]
        return float(fields["peak_kw"]) * float(share) * site.wear * warm * self.random.gauss(1.0, 0.02)

    def _others(self, transformer: Node, hour: float, weekday: int, warm: float) -> float:
        """What buildings that are not the city's draw below a transformer, kW."""
        peaks = transformer.device.twin.get("others", {})
        hours, weekdays = np.array([hour]), np.array([weekday])
        kw = sum(peak * float(load_share(use, hours, weekdays)[0]) for use, peak in peaks.items())
        return float(kw) * transformer.wear * warm * self.random.gauss(1.0, 0.01) if peaks else 0.0

    def _site(self, site: Node, hour: float, weekday: int, sun: float, now_ms: int, dt_s: float) -> float:
        """Net import of a connection point in kW after everything behind it has moved by `dt_s`; `kwh` is its load."""
        behind = self.below[site.device.uid]
        net = site.kwh
        for node in behind:
            if node.device.kind == "pv_plant":
                node.kw = float(pv_kw(float(node.device.fields["peak_kw"]), sun))
                net -= node.kw
            elif node.device.kind == "charger":
                self._charge_cars(node, hour, weekday, now_ms, dt_s)
                net += node.kw
        for node in behind:
            if node.device.kind == "battery":
                node.kw = self._follow(node, net, now_ms, dt_s)
                net += node.kw
        site.kw = net
        return net

    def _charge_cars(self, node: Node, hour: float, weekday: int, now_ms: int, dt_s: float) -> None:
        """Sessions arrive by the clock; `kwh` is what the car still wants."""
        if node.kwh <= 0 and self.random.random() < arrivals_per_hour(hour, weekday) * dt_s / 3600:
            node.kwh = self.random.uniform(*CAR_KWH)
        limit = node.said("limit", now_ms)
        rated = float(node.device.fields["power_kw"])
        allowed = min(rated, DEFAULT_CHARGER_KW if limit is None else limit)
        node.kw = min(allowed, 3600 * node.kwh / max(dt_s, 1e-6)) if node.kwh > 0 else 0.0
        node.kwh = max(0.0, node.kwh - node.kw * dt_s / 3600)

    def _follow(self, node: Node, net: float, now_ms: int, dt_s: float) -> float:
        """The local follower: keep the import in the band, else use own PV; reserve 10 %, never beyond physics."""
        size, rated = float(node.device.fields["capacity_kwh"]), float(node.device.fields["power_kw"])
        high, low = node.said("import_high", now_ms), node.said("import_low", now_ms)
        wish = 0.0
        if high is None and low is None:
            wish = -net if net < 0 else 0.0
        elif high is not None and net > high:
            wish = high - net
        elif low is not None and net < low:
            wish = low - net
        hours = max(dt_s, 1e-6) / 3600
        most = min(rated, (size - node.kwh) / hours / EFFICIENCY)
        least = -min(rated, max(0.0, node.kwh - RESERVE * size) / hours * EFFICIENCY)
        power = min(max(wish, least), most)
        node.kwh += power * hours * (EFFICIENCY if power > 0 else 1 / EFFICIENCY)
        return power

    def _values(self, node: Node) -> dict[str, float]:
        device, kw = node.device, round(node.kw, 2)
        match device.kind:
            case "feeder" | "transformer":
                return {
                    "energy.feeder_kw": kw,
                    "energy.loading": round(100 * abs(kw) / float(device.fields["rated_kva"]), 1),
                }
            case "connection_point":
                return {"energy.import_kw": kw, "energy.load_kw": round(max(node.kwh, 0.0), 2)}
            case "pv_plant":
                return {"energy.generation_kw": kw}
            case "battery":
                soc = 100 * node.kwh / float(device.fields["capacity_kwh"])
                return {"energy.battery_kw": kw, "energy.soc": round(min(max(soc, 0.0), 100.0), 1)}
        return {"energy.charging_kw": kw}
