# SPDX-License-Identifier: Apache-2.0
"""The weeks before the loop: what the same street measured on its fixed plans, by the demand profile, not by SUMO.

How a device's figures grow with traffic is measured once in the simulated street (`History`), so that the history meets
the live day without a step. Without that, flows are estimated from the class of the road.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartcity.kernel.street import StreetDevice, World
from traffic import codecs
from traffic.codecs import Measured
from traffic.event_codec import SIGNAL
from traffic.metrics import METRICS
from traffic.profile import local_times, share_of_peak

HOUSE_FORMAT = (SIGNAL.name,)  # written as SenML

Array = NDArray[np.float64]
ROOT = Path(__file__).resolve().parents[1]
LONGEST_S = 300
LENGTHS = {"settle_s": 180, "measure_s": 900}  # of each level of demand in the simulated street
STEADY = {"traffic.plan": 1.0, "traffic.control_source": 0.0, "traffic.status": 0.0}
NOISE = 0.12  # of queues, occupancies, speeds and delays, quarter hour to quarter hour
BOUNDS = {metric.name: (metric.low, metric.high) for metric in METRICS}


class History:
    """Measures the street, or reads what was measured before; without SUMO or a map only flows have a past."""

    def __init__(self, devices: Sequence[StreetDevice], world: World, seed: int) -> None:
        del seed
        self.curves: Mapping[str, Any] = {}
        told = {"map": world.map_file, "devices": [asdict(device) | {"secret": ""} for device in devices]}
        digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]
        kept = Path(world.folder) / f"traffic-{digest}.json"
        if world.map_file and not kept.exists():
            _measure({**told, **LENGTHS, "folder": world.folder}, kept)
        if world.map_file and kept.exists():
            self.curves = json.loads(kept.read_text())

    def profile(
        self, asset: StreetDevice, metric: str, times_ms: NDArray[np.int64], rng: np.random.Generator
    ) -> Array | None:
        """Values of one metric at `times_ms`; None for what is not kept over weeks."""
        if metric in STEADY:
            return np.full(len(times_ms), STEADY[metric])
        share = share_of_peak(*local_times(times_ms, str(asset.twin.get("zone", "UTC"))))
        if metric == "traffic.flow":
            peak = self.peak_flow(asset)
            return None if peak is None else _counted(peak * share, rng)
        known = self.curves.get(asset.uid)
        if known is None or metric not in known["means"]:
            return None
        mean = np.interp(share, known["levels"], known["means"][metric])
        return np.asarray(np.clip(mean * rng.normal(1.0, NOISE, len(mean)), *BOUNDS[metric]))

    def peak_flow(self, asset: StreetDevice) -> float | None:
        """Vehicles per hour at the weekday peak, by the demand or by the road's class; None where nobody counts."""
        known = self.curves.get(asset.uid)
        if known is not None:
            return float(known["means"]["traffic.flow"][-1]) / float(known["levels"][-1])
        estimate = asset.twin.get("peak_flow")
        return None if estimate is None else float(estimate)


def write(device: StreetDevice, at_ms: int, seen: Mapping[str, float]) -> bytes:
    """A detector's payload of these values."""
    del device
    figures = {name: seen.get(f"traffic.{name}", 0.0) for name in Measured.__dataclass_fields__}
    return codecs.write(Measured(**figures), at_ms)


def _counted(flow: Array, rng: np.random.Generator) -> Array:
    """Vehicles come one by one: a quarter hour's count is a Poisson number."""
    return np.asarray(rng.poisson(np.maximum(flow, 0.0) / 4) * 4.0)


def _measure(told: Mapping[str, Any], kept: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "traffic.street", "calibrate"],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=LONGEST_S,
        check=False,
    )
    if done.returncode == 0:
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        part.write_text(done.stdout.splitlines()[-1])
        os.replace(part, kept)
