# SPDX-License-Identifier: Apache-2.0
"""What a junction's detectors say, turned into queues and arrivals: who stands, who comes when, who is still unseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traffic.planner.frames import STANDING_MS, Frame, Zone
from traffic.planner.model import Floats, Intersection
from traffic.planner.search import Now

ACCELERATION = 2.6
REACTION_S = 0.5
FLOW_S = 300.0  # flows are means over about this long
ENTERING_S = 1.0  # from the exit detector to the free speed
LATE_S = 4.0  # a detector silent for longer is not believed
RECALL = 1.0  # vehicles taken to stand in a lane nobody sees
WAITS = 0.4  # more than this in a lane counts as somebody


@dataclass(slots=True)
class Coming:
    """Vehicles on their way from the junction before: when they are due at the stop line, in which lanes."""

    due_s: float
    lanes: tuple[int, ...]
    vehicles: float


class Watch:
    """The memory of one junction. `take` each frame, then `situation` for the planner. Cost O(vehicles + lanes)."""

    def __init__(self, model: Intersection, zones: Sequence[Zone], lit: Mapping[int, float]) -> None:
        """`lit`: lane → seconds of driving over which the junction before shows who comes."""
        self.model, self.zones = model, tuple(zones)
        lanes = len(model.lanes)
        self.flow = np.full(lanes, 0.02)
        self.waited = np.zeros(lanes)
        self._gone = np.ones(lanes)
        self._told = np.zeros(lanes)
        self._coming: list[Coming] = []
        self._frame: Frame | None = None
        self._lit = np.array([lit.get(lane, 0.0) for lane in range(lanes)])
        self._seen_s = np.zeros(lanes)
        self._watched_at = np.full(lanes, -1e18)
        for zone in self.zones:
            for lane in zone.feeds:
                self._seen_s[lane] = max(self._seen_s[lane], zone.reach_m / zone.speed_ms)

    def take(self, frame: Frame, seconds: float = 1.0) -> None:
        """A frame; one older than the newest only adds to the counts."""
        for lane, count in frame.departed.items():
            self.flow[lane] += count / FLOW_S
            self._gone[lane] += count
            if count:
                self.waited[lane] = 0.0
        if self._frame is not None and frame.at_ms <= self._frame.at_ms:
            return
        self.flow *= 1.0 - seconds / FLOW_S
        self._gone *= 1.0 - seconds / FLOW_S
        self._told *= 1.0 - seconds / FLOW_S
        self._frame = frame
        for index in frame.zones:
            for lane in self.zones[index].feeds:
                self._watched_at[lane] = frame.at_ms
        queues, occupied = self._standing(frame)
        waits = occupied & ((queues > WAITS) | (self.waited > 0))
        self.waited = np.where(waits, self.waited + seconds, 0.0)

    def expect(self, due_s: float, lanes: tuple[int, ...], vehicles: float) -> None:
        """The junction before lets somebody through."""
        self._coming.append(Coming(due_s, lanes, vehicles))
        self._told[list(lanes)] += vehicles * self._parts(lanes) / FLOW_S

    def situation(self, now_s: float, stage: int, green_s: float, horizon_s: int) -> Now | None:
        """None when no frame is younger than LATE_S."""
        frame = self._frame
        if frame is None or now_s - frame.at_ms / 1000 > LATE_S:
            return None
        age = now_s - frame.at_ms / 1000
        lanes = len(self.model.lanes)
        queues, arrivals = np.zeros(lanes), np.zeros((horizon_s, lanes))
        for index, vehicles in frame.zones.items():
            zone = self.zones[index]
            parts = self._parts(zone.feeds)
            for metres, speed in vehicles:
                second = arrival_s(metres, speed, zone.speed_ms) - age
                for lane, part in zip(zone.feeds, parts, strict=True):
                    if second <= 0:
                        queues[lane] += part
                    elif second < horizon_s:
                        arrivals[int(second), lane] += part
        self._unseen(arrivals, now_s, horizon_s)
        blind = now_s - self._watched_at / 1000 > LATE_S
        queues[blind] += RECALL
        blocked: NDArray[np.bool_] = np.zeros(lanes, bool)
        blocked[list(frame.blocked)] = True
        return Now(self.model, stage, green_s, queues, arrivals, blocked)

    def must_serve(self, margin_s: float) -> int | None:
        """The lane whose wait (since somebody left it) comes near the maximum red."""
        lane = int(np.argmax(self.waited))
        return lane if self.waited[lane] > self.model.max_red_s - margin_s else None

    def _standing(self, frame: Frame) -> tuple[Floats, NDArray[np.bool_]]:
        queues, occupied = np.zeros(len(self.model.lanes)), np.zeros(len(self.model.lanes), bool)
        for index, vehicles in frame.zones.items():
            zone = self.zones[index]
            parts = self._parts(zone.feeds)
            standing = sum(arrival_s(metres, speed, zone.speed_ms) <= 0 for metres, speed in vehicles)
            for lane, part in zip(zone.feeds, parts, strict=True):
                queues[lane] += standing * part
                occupied[lane] |= bool(vehicles)
        return queues, occupied

    def _parts(self, lanes: Sequence[int]) -> Floats:
        """How vehicles of a shared zone spread over the lanes it feeds: as those before them did."""
        if len(lanes) == 1:
            return np.ones(1)
        gone = self._gone[list(lanes)]
        return np.asarray(gone / gone.sum())

    def _unseen(self, arrivals: Floats, now_s: float, horizon_s: int) -> None:
        """Beyond the zones: whom the junction before let through, and the usual flow of those nobody tells of."""
        self._coming = [one for one in self._coming if one.due_s > now_s]
        seconds = np.arange(horizon_s)[:, None]
        untold = np.where(seconds >= self._lit, self.flow, np.maximum(self.flow - self._told, 0.0))
        arrivals += np.where(seconds >= self._seen_s, untold, 0.0)
        for one in self._coming:
            second = int(one.due_s - now_s)
            for lane, part in zip(one.lanes, self._parts(one.lanes), strict=True):
                if self._seen_s[lane] - 1 < second < horizon_s:
                    arrivals[second, lane] += one.vehicles * part


def arrival_s(metres: float, speed: float, free_ms: float) -> float:
    """Seconds until a vehicle would reach the stop line unhindered; 0 when it stands."""
    if speed < STANDING_MS:
        return 0.0
    gain = max(0.0, free_ms - speed)
    return max(0.0, metres / free_ms + gain**2 / (2 * ACCELERATION * free_ms) - REACTION_S)
