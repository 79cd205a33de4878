# SPDX-License-Identifier: Apache-2.0
"""The words of the twin: a simulated device, what it says and hears, and the street it stands on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

LonLat = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetDevice:
    """One simulated device as the importer wrote it down; `parent` is the uid of the parent asset or ''."""

    uid: str
    secret: str
    domain: str
    kind: str
    codec: str
    lon: float
    lat: float
    name: str = ""
    parent: str = ""
    metrics: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    engineering: Mapping[str, Any] = field(default_factory=dict)
    twin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def point(self) -> LonLat:
        return self.lon, self.lat


@dataclass(frozen=True, slots=True)
class Up:
    """Telemetry a device publishes, in its codec's bytes."""

    uid: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Hello:
    """A device announces itself again, because what it is has changed."""

    uid: str
    announced: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ack:
    """A device's answer to the command `id`."""

    uid: str
    id: str
    state: Literal["received", "applied", "refused", "expired"]
    reason: str = ""


class World(Protocol):
    """What simulated devices share. Everything but traffic is a pure function of the city instant and the seed."""

    @property
    def zone(self) -> str:
        """The city's time zone (IANA name)."""
        ...

    @property
    def centre(self) -> LonLat: ...

    @property
    def map_file(self) -> str:
        """Path of the OSM extract the city was imported from; '' where there is none."""
        ...

    @property
    def folder(self) -> str:
        """A folder the street may keep derived files in (a road network made from the map)."""
        ...

    @property
    def speed(self) -> float:
        """City seconds in a second: how late a device may be for no fault of its own."""
        ...

    def traffic_flow(self, point: LonLat, within_m: float = 150.0) -> float | None:
        """Vehicles per hour on the nearest observed road, or None where nothing is observed."""
        ...

    def congestion(self, point: LonLat, within_m: float = 150.0) -> float | None:
        """0 (free) to 1 (standing) on the nearest observed road, or None."""
        ...

    def note_traffic(self, seen: Iterable[tuple[LonLat, float, float]]) -> None:
        """Whoever runs the traffic says (point, flow veh/h, congestion 0..1); replaces what was said before."""
        ...

    def note_power(self, drawn: Mapping[LonLat, float]) -> None:
        """Whoever runs loads that others meter (lamps) says what each draws now, W; replaces what was said before."""
        ...

    def power_drawn(self) -> Mapping[LonLat, float]:
        """W of every such load, by where it stands; empty where nobody runs them."""
        ...

    def past_power(self, times_ms: NDArray[np.int64]) -> Mapping[LonLat, NDArray[np.float64]]:
        """The same at instants of the past, W; empty while the city is lived."""
        ...

    def sun_elevation(self, at_ms: int) -> float:
        """Degrees above the horizon at the city's centre."""
        ...

    def cloud(self, at_ms: int) -> float:
        """Cloud cover 0..1."""
        ...

    def temperature(self, at_ms: int) -> float:
        """Air temperature, degrees Celsius."""
        ...

    def irradiance(self, at_ms: int) -> float:
        """Global horizontal irradiance, W/m2."""
        ...

    def local_hours(self, at_ms: int) -> tuple[float, int]:
        """Hours since local midnight 0..24 and the weekday (0 = Monday)."""
        ...


class TwinModel(Protocol):
    """Room `twin` of a domain, class `Twin`: how its devices behave when nobody is looking.

    `every_s` is how often, in city seconds, `step` is called. A model may have `close()`.
    `step` may yield Up, Hello and (late) Ack; it must not block longer than a few milliseconds.
    """

    every_s: float

    def __init__(self, devices: Sequence[StreetDevice], world: World, seed: int) -> None: ...

    def step(self, now_ms: int, dt_s: float) -> Iterable[Up | Hello | Ack]: ...

    def command(self, uid: str, instruction: Mapping[str, Any], now_ms: int) -> Iterable[Ack]: ...

    def hello(self, uid: str) -> Mapping[str, Any] | None: ...
