# SPDX-License-Identifier: Apache-2.0
"""An hour at 70 % of a core: whether memory and the wait for an acknowledgement stay as they are.

A short ramp finds the rate. Memory and waits are judged after a warm-up, and only where the run is long enough to say
anything about them; that nothing acknowledged is lost is checked row by row however short it is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.chaos import holdings, victims
from benchmarks.chaos.findings import Findings, Options, judged
from benchmarks.chaos.fleet import Fleet, wait_until
from benchmarks.chaos.history import Floats, Heard, Log
from benchmarks.chaos.victims import Victim

DEVICES: Final = 220
BEHIND_GATEWAY: Final = 20
EACH: Final = 2
CORES: Final = 0.7
BUSY_CORES: Final = 0.6
FIRST_RATE_S: Final = 250
KEPT_UP: Final = 0.9
KEEPS: Final = 500
PATIENCE_S: Final = 300.0
WARM_UP: Final = 1 / 6
JUDGED_FROM: Final = 20
MOST_GROWTH: Final = 0.01
MOST_DRIFT: Final = 0.2


@dataclass(frozen=True, slots=True)
class Slice:
    """A minute of the soak; `began` and `ended` are monotonic seconds, `memory_mb` the median of what was resident."""

    began: float
    ended: float
    acknowledged_s: float
    cpu_cores: float
    memory_mb: float


def run(found: Findings, options: Options) -> None:
    slices, slice_s, step_s = (4, 1.0, 1.0) if options.quick else (max(2, round(options.minutes)), 60.0, 5.0)
    with options.room(found.scenario) as var:
        with (
            victims.victim(var, devices=DEVICES, behind_gateway=BEHIND_GATEWAY) as city,
            Fleet(city.ports, DEVICES, behind_gateway=BEHIND_GATEWAY, each=EACH, keeps=KEEPS) as fleet,
        ):
            fleet.rate_s = ramp(city, fleet, step_s)
            fleet.talk()
            series = [_slice(city, fleet, slice_s) for _ in range(slices)]
            fleet.fall_silent()
            fleet.drain(PATIENCE_S)
            city.stop()
            log = fleet.book.read()
        held = holdings.read(city.environment, var / "held.npz")
    judged(found, log, held)
    found.add("rate_messages_s", round(fleet.rate_s))
    found.add("held_back_by_devices", fleet.held_back)
    _told(found, series, waits(log, series), is_judged=not options.quick and slices >= JUDGED_FROM)


def ramp(city: Victim, fleet: Fleet, step_s: float) -> float:
    """Messages a second at which the city takes 70 % of a core: doubled until it takes more, or until not all
    of it is acknowledged in time; then by the straight line between the last two."""
    below, fleet.rate_s = (0.0, 0.0), FIRST_RATE_S
    fleet.talk()
    wait_until(lambda: fleet.book.acknowledged > FIRST_RATE_S, PATIENCE_S)
    while True:
        heard, cpu, began = fleet.book.acknowledged, city.used_cpu_s, time.monotonic()
        time.sleep(step_s)
        took = time.monotonic() - began
        rate_s, cores = (fleet.book.acknowledged - heard) / took, (city.used_cpu_s - cpu) / took
        if cores >= CORES or rate_s < KEPT_UP * fleet.rate_s:
            break
        below = (rate_s, cores)
        fleet.rate_s *= 2
    fleet.fall_silent()
    fleet.drain(PATIENCE_S)
    return along(below, (rate_s, cores), CORES)


def along(below: tuple[float, float], above: tuple[float, float], cores: float) -> float:
    """The rate at so many cores on the line through two (rate, cores). Where the upper does not reach it, because the
    devices could not keep up, the lower rate, at which they could; the upper where there is no lower."""
    if above[1] < cores and below[0]:
        return below[0]
    share = (cores - below[1]) / (above[1] - below[1]) if above[1] > below[1] else 1.0
    return below[0] + min(1.0, share) * (above[0] - below[0])


def _slice(city: Victim, fleet: Fleet, seconds: float) -> Slice:
    heard, cpu, memory, began = fleet.book.acknowledged, city.used_cpu_s, list[float](), time.monotonic()
    while (now := time.monotonic()) < began + seconds:
        memory.append(city.memory_mb)
        time.sleep(min(0.5, began + seconds - now))
    took = now - began
    acknowledged_s, cores = (fleet.book.acknowledged - heard) / took, (city.used_cpu_s - cpu) / took
    return Slice(began, now, acknowledged_s, cores, float(np.median(memory)))


def waits(log: Log, series: Sequence[Slice]) -> Floats:
    """The 99th percentile of the wait for an acknowledgement, in ms, by the minute in which the message was said."""
    heard = log.that_heard(Heard.ACKNOWLEDGED)
    waited = (heard.heard_at - heard.sent) * 1000
    within = [waited[(heard.sent >= one.began) & (heard.sent < one.ended)] for one in series]
    return np.array([np.percentile(some, 99) if len(some) else np.nan for some in within])


def change(values: Floats) -> float:
    """From the median of the first half after the warm-up to that of the second, as a share of the first."""
    after = values[round(len(values) * WARM_UP) :]
    first, second = (float(np.median(half)) for half in np.array_split(after, 2))
    return second / first - 1


def _told(found: Findings, series: Sequence[Slice], p99_ms: Floats, *, is_judged: bool) -> None:
    memory, cores = (np.array([getattr(one, name) for one in series]) for name in ("memory_mb", "cpu_cores"))
    print("  slice  acknowledged/s  cores   memory MB   p99 ms")
    for number, (one, wait) in enumerate(zip(series, p99_ms, strict=True), 1):
        print(f"  {number:>5}  {one.acknowledged_s:14,.0f}  {one.cpu_cores:5.2f}  {one.memory_mb:10.1f}  {wait:7.1f}")
    for name, values in (("memory_mb", memory), ("p99_ms", p99_ms), ("cpu_cores", cores)):
        found.add(f"{name}_by_slice", " ".join(f"{value:.2f}" for value in values))
    found.add("slice_s", round(series[0].ended - series[0].began))
    found.add("slices", len(series))
    grown, drift = change(memory), change(p99_ms)
    found.add("mean_cpu_cores", round(float(cores.mean()), 2), at_least=BUSY_CORES if is_judged else None)
    found.add("memory_growth", round(grown, 4), at_most=MOST_GROWTH if is_judged else None)
    found.add("p99_drift", round(drift, 3))
    found.add("p99_drift_either_way", round(abs(drift), 3), at_most=MOST_DRIFT if is_judged else None)
    found.add("p99_worst_slice_ms", round(float(np.nanmax(p99_ms)), 1))
    found.headline += f"; {cores.mean():.2f} cores, memory {grown:+.1%}, p99 {drift:+.0%}"
    found.headline += "" if is_judged else f" (judged from {JUDGED_FROM} minutes on)"
