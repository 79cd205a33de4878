# SPDX-License-Identifier: Apache-2.0
"""Eight weeks of the portfolio without control, by the same profiles and under the same weather as the lived day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from zlib import crc32
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from energy.cabinets import OWN_W, nearest
from energy.profile import CAR_KWH, DEFAULT_CHARGER_KW, arrivals_per_hour, cold_share, load_share, pv_kw, wear
from smartcity.kernel.street import StreetDevice, World

Array = NDArray[np.float64]
SUBSTEPS = 3


class History:
    """What stands behind each connection point, summed up the tree. Batteries idle, since nobody steers them."""

    def __init__(self, devices: Sequence[StreetDevice], world: World, seed: int) -> None:
        self.world, self.seed = world, seed
        self.of = {device.uid: device for device in devices}
        self.below: dict[str, list[StreetDevice]] = defaultdict(list)
        for device in devices:
            self.below[device.parent].append(device)
        self._weather = lru_cache(maxsize=1)(self._over)
        self._net: dict[str, Array] = {}
        self._charging: dict[str, Array] = {}
        self._lamps: dict[str, Array] = {}
        self._times: NDArray[np.int64] = np.empty(0, np.int64)

    def profile(
        self, asset: StreetDevice, metric: str, times_ms: NDArray[np.int64], rng: np.random.Generator
    ) -> Array | None:
        """Values of one metric at `times_ms`; None for what has no past (batteries begin with the demo)."""
        if not np.array_equal(times_ms, self._times):
            self._times = times_ms
            self._net.clear()
            self._charging = self._sessions()
            self._lamps = self._lit()
        match metric:
            case "energy.load_kw":
                return np.round(self._load(asset), 2)
            case "energy.import_kw" | "energy.feeder_kw":
                return np.round(self._flow(asset), 2)
            case "energy.loading":
                return np.round(100 * np.abs(self._flow(asset)) / float(asset.fields["rated_kva"]), 1)
            case "energy.generation_kw":
                return np.round(self._generation(asset), 2)
            case "energy.charging_kw":
                return np.round(self._charging[asset.uid], 2)
        return None

    def _flow(self, asset: StreetDevice) -> Array:
        """kW through a connection point, transformer or feeder."""
        if asset.uid not in self._net:
            parts = [self._load(asset)] if asset.kind == "connection_point" else [self._others(asset)]
            for below in self.below[asset.uid]:
                match below.kind:
                    case "pv_plant":
                        parts.append(-self._generation(below))
                    case "charger":
                        parts.append(self._charging[below.uid])
                    case "connection_point" | "transformer":
                        parts.append(self._flow(below))
            self._net[asset.uid] = np.sum(parts, axis=0) if parts else np.zeros(len(self._times))
        return self._net[asset.uid]

    def _lit(self) -> dict[str, Array]:
        """kW of each cabinet: its lamps, on their programme, and itself."""
        stand = {uid: device.point for uid, device in self.of.items() if device.fields.get("use") == "lighting"}
        drawn = self.world.past_power(self._times) if stand else {}
        found = {uid: np.full(len(self._times), OWN_W / 1000) for uid in stand}
        for point, uid in nearest(drawn, stand).items():
            found[uid] += drawn[point] / 1000
        return found

    def _others(self, transformer: StreetDevice) -> Array:
        """What buildings that are not the city's draw below a transformer, kW."""
        peaks = transformer.twin.get("others", {})
        if not peaks:
            return np.zeros(len(self._times))
        hours, weekdays = local(self._times, self.world.zone)
        warm, _ = self._weather(int(self._times[0]), int(self._times[-1]))
        kw = np.sum([peak * load_share(use, hours, weekdays) for use, peak in peaks.items()], axis=0)
        noise = np.random.default_rng([self.seed, crc32(transformer.uid.encode())]).normal(1.0, 0.01, len(hours))
        return np.asarray(kw * wear(transformer.uid, self.seed) * warm * noise)

    def _load(self, site: StreetDevice) -> Array:
        if site.uid in self._lamps:
            return self._lamps[site.uid]
        hours, weekdays = local(self._times, self.world.zone)
        warm, _ = self._weather(int(self._times[0]), int(self._times[-1]))
        share = load_share(str(site.fields.get("use", "office")), hours, weekdays)
        noise = np.random.default_rng([self.seed, crc32(site.uid.encode())]).normal(1.0, 0.02, len(hours))
        kw = float(site.fields.get("peak_kw", 50)) * share * wear(site.uid, self.seed) * warm * noise
        return np.asarray(np.maximum(0.0, kw))

    def _generation(self, plant: StreetDevice) -> Array:
        _, sun = self._weather(int(self._times[0]), int(self._times[-1]))
        return np.asarray(pv_kw(float(plant.fields.get("peak_kw", 20)), sun))

    def _over(self, first_ms: int, last_ms: int) -> tuple[Array, Array]:
        """Heating's share of the load and W/m² at every instant."""
        at = self._times.tolist()
        warm = np.array([float(cold_share(self.world.temperature(one))) for one in at])
        return warm, np.array([self.world.irradiance(one) for one in at])

    def _sessions(self) -> dict[str, Array]:
        """Mean kW of every charger per step: cars arrive by the clock and charge at the default until full."""
        chargers = [device for device in self.of.values() if device.kind == "charger"]
        step_h = float(self._times[1] - self._times[0]) / 3_600_000 if len(self._times) > 1 else 0.25
        hours, weekdays = local(self._times, self.world.zone)
        rng = np.random.default_rng([self.seed, len(chargers)])
        allowed = np.array([min(float(d.fields["power_kw"]), DEFAULT_CHARGER_KW) for d in chargers])
        wanted, kw, dt_h = np.zeros(len(chargers)), np.zeros((len(self._times), len(chargers))), step_h / SUBSTEPS
        for step, (hour, weekday) in enumerate(zip(hours.tolist(), weekdays.tolist(), strict=True)):
            chance = arrivals_per_hour(hour, weekday) * dt_h
            for _ in range(SUBSTEPS):
                arrive = (wanted <= 0) & (rng.random(len(chargers)) < chance)
                wanted[arrive] = rng.uniform(*CAR_KWH, int(arrive.sum()))
                drawn = np.minimum(allowed * dt_h, wanted)
                wanted -= drawn
                kw[step] += drawn / step_h
        return {device.uid: kw[:, number] for number, device in enumerate(chargers)}


def local(times_ms: NDArray[np.int64], zone: str) -> tuple[Array, NDArray[np.int64]]:
    """Local hours 0..24 and weekdays (0 = Monday); the offset is looked up once per UTC hour."""
    by_hour, index = np.unique(times_ms // 3_600_000, return_inverse=True)
    tz = ZoneInfo(zone)
    offsets = [datetime.fromtimestamp(h * 3600, UTC).astimezone(tz).utcoffset() for h in by_hour.tolist()]
    shift = np.array([offset.total_seconds() * 1000 if offset else 0.0 for offset in offsets])
    there = times_ms + shift[index]
    weekdays = ((there // 86_400_000) + 3) % 7  # 1 January 1970 was a Thursday
    return np.asarray((there % 86_400_000) / 3_600_000), weekdays.astype(np.int64)
