# SPDX-License-Identifier: Apache-2.0
"""Containers on the street: they fill by their course, are emptied by trucks, and their sensors report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from random import Random
from zlib import crc32

import numpy as np

from smartcity.kernel import senml
from smartcity.kernel.street import StreetDevice, Up, World
from waste import codecs, history, inflow
from waste.inflow import DAY_MS
from waste.level import FULL, to_distance
from waste.metrics import REPORT_S

RESIDUE = 1.0
REPORT_MS = int(REPORT_S * 1000)
SILENT_ONE_IN = 60
BURNS_MS, BURNING_C = 40 * 60_000, 78.0


class Sensors:
    """All containers at once; `fill` is in %, over 100 for what lies beside."""

    def __init__(self, bins: Sequence[StreetDevice], world: World, seed: int) -> None:
        self.bins, self.world, self.seed, self.random = bins, world, seed, Random(f"waste{seed}")
        self.row = {device.uid: i for i, device in enumerate(bins)}
        self.fill = np.zeros(len(bins))
        self.report_at = np.zeros(len(bins), np.int64)
        self.is_begun = False
        self._rate = np.array([float(device.twin["rate"]) for device in bins])
        self._course = np.array([inflow.KINDS.index(str(device.twin["course"])) for device in bins], int)
        self._luck = np.array([inflow.luck(device.uid) for device in bins]).reshape(len(bins), -1)

    def empty(self, uid: str) -> float:
        """The kg that were in it; the sensor notices and reports soon after."""
        row = self.row[uid]
        kg = min(FULL, self.fill[row]) / FULL * float(self.bins[row].fields["kg_full"])
        self.fill[row] = RESIDUE
        self.report_at[row] = 0
        return float(kg)

    def live(self, now_ms: int, dt_s: float) -> None:
        if not self.is_begun:
            self._begin(now_ms)
        hours, weekday = self.world.local_hours(now_ms)
        shares = np.array([inflow.COURSES[kind][int(hours) % 24] * inflow.WEEK[kind][weekday] for kind in inflow.KINDS])
        luck = self._luck[:, inflow.local_day(now_ms, self.world.zone) % inflow.LUCK_DAYS]
        self.fill += self._rate * shares[self._course] * luck * dt_s / 86_400

    def reports(self, now_ms: int) -> Iterator[Up]:
        for row in np.flatnonzero(self.report_at <= now_ms).tolist():
            device = self.bins[row]
            self.report_at[row] = now_ms + REPORT_MS
            yield Up(device.uid, self._payload(device, row, now_ms))

    def _begin(self, now_ms: int) -> None:
        """Where the weeks before left every container."""
        self.is_begun = True
        times = np.array([now_ms - history.STEP_MS, now_ms], np.int64)
        for row, device in enumerate(self.bins):
            self.fill[row] = history.filled(device, times)[-1]
            self.report_at[row] = now_ms + self.random.randrange(REPORT_MS)
            if crc32(f"silent/{device.uid}/{self.seed}".encode()) % SILENT_ONE_IN == 0:
                self.report_at[row] = now_ms + 1000 * DAY_MS

    def _payload(self, device: StreetDevice, row: int, now_ms: int) -> bytes:
        fill = min(FULL, float(self.fill[row]))
        values = {
            "waste.temperature": round(self._temperature(device, now_ms), 1),
            "waste.battery": float(round(history.battery(device, np.array([now_ms]))[0])),
            "waste.tilt": float(self._is_tilted(device, now_ms)),
        }
        if device.codec == "senml":
            noise = self.random.gauss(0.0, 0.5)
            return senml.write({"waste.fill_level": round(min(FULL, max(0.0, fill + noise)), 1), **values}, now_ms)
        values["waste.distance"] = to_distance(fill, float(device.fields["empty_mm"]), float(device.fields["full_mm"]))
        return codecs.write_em400(values, datetime.fromtimestamp(now_ms / 1000, UTC).isoformat())

    def _temperature(self, device: StreetDevice, now_ms: int) -> float:
        """The air's, and some; now and then somebody throws in hot ash."""
        air = self.world.temperature(now_ms) + 2.0 + self.random.gauss(0.0, 0.3)
        is_hot = crc32(f"ash/{device.uid}/{now_ms // BURNS_MS}/{self.seed}".encode()) % 12_000 == 0
        return BURNING_C if is_hot else air

    def _is_tilted(self, device: StreetDevice, now_ms: int) -> bool:
        return crc32(f"tilt/{device.uid}/{now_ms // (DAY_MS // 4)}/{self.seed}".encode()) % 2500 == 0
