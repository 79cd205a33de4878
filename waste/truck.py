# SPDX-License-Identifier: Apache-2.0
"""A collection truck on the street: drives stop after stop, empties, unloads when it must, comes home."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from smartcity.kernel.geo import LonLat
from smartcity.kernel.street import StreetDevice
from waste.itinerary import Stop
from waste.metrics import TRUCK_STATES
from waste.roads import Place, Roads, Way

OFF_DUTY, AT_DEPOT, DRIVING, EMPTYING, UNLOADING, RETURNING = TRUCK_STATES


@dataclass(frozen=True, slots=True)
class Spot:
    """A place trucks stop at: where on the network and how long; `kg_full` 0 for sites."""

    uid: str
    place: Place
    service_s: float
    kg_full: float = 0.0


@dataclass(slots=True)
class Truck:
    """State between two instants. `take` empties a container and returns the kg that were in it; `tip` weighs them."""

    device: StreetDevice
    roads: Roads
    depot: Spot
    tips: Mapping[str, Spot]
    bins: Mapping[str, Spot]
    take: Callable[[str], float]
    tip: Callable[[str, float], None]
    at: Place = field(init=False)
    state: str = OFF_DUTY
    load_kg: float = 0.0
    odometer_km: float = 0.0
    queue: deque[Stop] = field(default_factory=deque)
    target: Spot | None = None
    way: Way | None = None
    spent_s: float = 0.0
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.at = self.depot.place

    @property
    def capacity_kg(self) -> float:
        return float(self.device.engineering.get("capacity_kg", 3500.0))

    @property
    def is_busy(self) -> bool:
        return self.state not in (OFF_DUTY, AT_DEPOT)

    @property
    def stops_left(self) -> int:
        left = sum(not stop.is_unload for stop in self.queue)
        return left + (self.target is not None and self.target.uid in self.bins)

    @property
    def position(self) -> LonLat:
        if self.way is not None and self.state in (DRIVING, RETURNING):
            return _along(self.way, self.spent_s)
        piece = self.roads.pieces[self.at.piece]
        return _along(Way(piece.points, _even(piece.points), 1.0, ()), self.at.share)

    def follow(self, stops: tuple[Stop, ...]) -> None:
        """Another route from now on; what is begun at a stop is finished."""
        self.queue = deque(stops)
        self.done = []
        if self.state in (DRIVING, RETURNING):
            self._turn_to_next()
        elif self.state in (OFF_DUTY, AT_DEPOT):
            self._next()

    def first(self, stop: Stop) -> None:
        """One stop before all others."""
        if self.state == DRIVING and self.target is not None:
            self.queue.appendleft(self._as_stop(self.target))
        self.queue.appendleft(stop)
        if self.state in (DRIVING, RETURNING):
            self._turn_to_next()
        elif self.state in (OFF_DUTY, AT_DEPOT):
            self._next()

    def go_home(self) -> None:
        """Forget the route: unload and back to the depot."""
        self.queue.clear()
        if self.state == DRIVING:
            self._turn_to_next()

    def step(self, dt_s: float) -> bool:
        """Live on for `dt_s`; whether the state or the number of stops left has changed."""
        before = self.state, self.stops_left
        for _ in range(50):
            if dt_s <= 0 or not self.is_busy:
                break
            dt_s = self._live(dt_s)
        return before != (self.state, self.stops_left)

    def _live(self, dt_s: float) -> float:
        """Spend up to `dt_s` on what is being done; the seconds that are left over."""
        driving = self.state in (DRIVING, RETURNING)
        needed = self.way.seconds if driving and self.way else self.target.service_s if self.target else 0.0
        spend = min(dt_s, max(0.0, needed - self.spent_s))
        if driving and self.way and needed > 0:
            self.odometer_km += self.way.length_m / 1000 * spend / needed
        self.spent_s += spend
        if self.spent_s >= needed - 1e-9:
            self._finish()
        return dt_s - spend

    def _finish(self) -> None:
        target, self.spent_s = self.target, 0.0
        assert target is not None
        if self.state in (DRIVING, RETURNING):
            self.at, self.way = target.place, None
            if self.state == RETURNING:
                self.state, self.target = AT_DEPOT, None
            else:
                self.state = UNLOADING if target.uid in self.tips else EMPTYING
            return
        if self.state == EMPTYING:
            self.load_kg += self.take(target.uid)
            self.done.append(target.uid)
        else:
            self.tip(target.uid, self.load_kg)
            self.load_kg = 0.0
        self.target = None
        self._next()

    def _next(self) -> None:
        """Where to from a standstill: the next stop, an unload site when there is no room for it, or home."""
        self.spent_s = 0.0
        stop = self.queue.popleft() if self.queue else None
        if stop is not None and not stop.is_unload:
            expected = stop.kg or self.bins[stop.uid].kg_full
            if expected <= self.capacity_kg - self.load_kg or self.load_kg <= 0:
                self._drive(self.bins[stop.uid], DRIVING)
                return
            self.queue.appendleft(stop)
        if stop is not None and stop.is_unload and stop.uid in self.tips:
            self._drive(self.tips[stop.uid], DRIVING)
        elif self.load_kg > 0 or stop is not None:
            self._drive(self._nearest_tip(), DRIVING)
        elif self.state != AT_DEPOT and self.at != self.depot.place:
            self._drive(self.depot, RETURNING)
        else:
            self.state, self.target = AT_DEPOT, None

    def _nearest_tip(self) -> Spot:
        places = [self.at, *(tip.place for tip in self.tips.values())]
        seconds, _ = self.roads.matrix(places)
        return list(self.tips.values())[int(seconds[0, 1:].argmin())]

    def _drive(self, spot: Spot, state: str) -> None:
        self.target, self.state, self.spent_s = spot, state, 0.0
        self.way = self.roads.way(self.at, spot.place)
        if self.way is None:
            raise ValueError(f"no way from {self.at} to {spot.uid}")

    def _turn_to_next(self) -> None:
        """Leave the way where it is: at the nearest place of the network."""
        self.at = self.roads.snap(self.position)
        self.way = None
        self._next()

    def _as_stop(self, spot: Spot) -> Stop:
        return Stop(spot.uid, round(spot.kg_full)) if spot.uid in self.bins else Stop(spot.uid)


def _even(points: tuple[LonLat, ...]) -> tuple[float, ...]:
    return tuple(i / max(1, len(points) - 1) for i in range(len(points)))


def _along(way: Way, clock: float) -> LonLat:
    """The point reached `clock` seconds after departure."""
    for i in range(1, len(way.points)):
        if clock <= way.at_s[i]:
            gap = way.at_s[i] - way.at_s[i - 1]
            t = (clock - way.at_s[i - 1]) / gap if gap > 0 else 1.0
            (x1, y1), (x2, y2) = way.points[i - 1], way.points[i]
            return x1 + (x2 - x1) * t, y1 + (y2 - y1) * t
    return way.points[-1]
