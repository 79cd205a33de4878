# SPDX-License-Identifier: Apache-2.0
"""Progression: arrivals on green, platoon ratio, Purdue coordination diagram, approach delay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from traffic.atspm.codes import DETECTOR_ON, GREEN, RED, YELLOW
from traffic.atspm.cycles import Cycled, arrivals
from traffic.atspm.log import (
    QUARTER_MS,
    Bools,
    Detectors,
    Events,
    Floats,
    Ints,
    Log,
    bins,
    counted,
    following,
    of_phases,
    pairs,
    places_within,
    preceding,
    starts,
    summed,
)  # fmt: skip

ARRIVAL_TYPE_UP_TO = (0.50, 0.85, 1.15, 1.50, 2.00)


@dataclass(frozen=True, slots=True)
class ArrivalsOnGreen:
    """By bin, device and phase: detector-ons, and those while the phase was green."""

    bin: Ints
    device: Ints
    phase: Ints
    total: Ints
    on_green: Ints

    @property
    def share(self) -> Floats:
        return self.on_green / np.maximum(1, self.total)


def arrivals_on_green(
    log: Log, detectors: Detectors, *, bin_ms: int = QUARTER_MS, latency_s: float = 0.0
) -> ArrivalsOnGreen:
    """Arrivals at advance detectors while the phase shows green (Day et al. 2014, Purdue, ch. 3: percent on green)."""
    seen = arrivals(log, detectors, "Advance", latency_s)
    arrived = seen.events.code == DETECTOR_ON
    events = seen.events.take(arrived)
    keys = (bins(events.at, bin_ms), events.device, events.phase)
    found, total = counted(*keys)
    _, green = summed(seen.state[arrived] == GREEN, *keys)
    return ArrivalsOnGreen(found[0], found[1], found[2], total, green.astype(np.int64))


@dataclass(frozen=True, slots=True)
class Platoons:
    """By bin, device and phase: seconds of green, its share of the bin, platoon ratio and HCM arrival type 1..6."""

    bin: Ints
    device: Ints
    phase: Ints
    total: Ints
    on_green: Ints
    green_s: Floats
    green_share: Floats
    ratio: Floats
    arrival_type: Ints


def platoon_ratio(log: Log, detectors: Detectors, *, bin_ms: int = QUARTER_MS, latency_s: float = 0.0) -> Platoons:
    """Rp = P / (g/C) and its arrival type (Highway Capacity Manual 2000, eq. 15-4 and exhibit 15-4; HCM 7, ch. 19).

    g/C is the share of the bin that was green. Bins without green are left out.
    """
    aog = arrivals_on_green(log, detectors, bin_ms=bin_ms, latency_s=latency_s)
    (bin_, device, phase), green_s = green_seconds(log, detectors, bin_ms)
    mine, theirs = pairs(
        (aog.bin, aog.device * 1000 + aog.phase), (bin_, device * 1000 + phase)
    )  # phases are below 256
    keep = green_s[theirs] > 0
    mine, green = mine[keep], green_s[theirs][keep]
    share = green / (bin_ms / 1000)
    ratio = aog.share[mine] / share
    kind = 1 + np.searchsorted(ARRIVAL_TYPE_UP_TO, ratio.astype(np.float32).astype(np.float64), "left")
    return Platoons(aog.bin[mine], aog.device[mine], aog.phase[mine], aog.total[mine], aog.on_green[mine], green, share,
                    ratio, kind)  # fmt: skip


def green_seconds(
    log: Log, detectors: Detectors, bin_ms: int = QUARTER_MS, within: tuple[int, int] | None = None
) -> tuple[tuple[Ints, Ints, Ints], Floats]:
    """Seconds of green in each bin of the phases with an advance detector: (bin, device, phase), seconds.

    A green open at the log's end lasts to the end of its bin, one open at its begin from the begin of its bin; `within`
    (ms) cuts them where the log was cut.
    """
    events = of_phases(log, detectors.serving("Advance"), (GREEN, YELLOW))
    events = events.take(np.lexsort((events.code, events.at, events.phase, events.device)))
    new = starts(events.device, events.phase)
    after, before = following(events.at, new), preceding(events.code, new)
    end = np.where(after < 0, bins(events.at, bin_ms) + bin_ms, after)
    opening = (events.code == YELLOW) & ((before < 0) | (before == YELLOW))
    closed = events.code == GREEN
    chosen = closed | opening
    from_ = np.where(closed, events.at, bins(events.at, bin_ms))[chosen]
    to = np.where(closed, end, events.at)[chosen]
    if within is not None:
        from_, to = np.maximum(from_, within[0]), np.minimum(to, within[1])
    return _by_bin(events.take(chosen), from_, to, bin_ms)


def _by_bin(of: Events, from_: Ints, to: Ints, bin_ms: int) -> tuple[tuple[Ints, Ints, Ints], Floats]:
    some = to > from_
    of, from_, to = of.take(some), from_[some], to[some]
    first = from_ // bin_ms
    many = (to - 1) // bin_ms - first + 1
    at = (np.repeat(first, many) + places_within(many)) * bin_ms
    long = np.minimum(np.repeat(to, many), at + bin_ms) - np.maximum(np.repeat(from_, many), at)
    (bin_, device, phase), ms = summed(long, at, np.repeat(of.device, many), np.repeat(of.phase, many))
    return (bin_, device, phase), ms / 1000


@dataclass(frozen=True, slots=True)
class Diagram:
    """Purdue coordination diagram of one phase. Cycles run from one end of green to the next: `begin` is its instant,
    `green_s` and `yellow_s` how long after it green begins and ends, `cycle_s` when the next begins. `dot_at` and
    `dot_s` are arrivals: when, and how long after the cycle's begin; `on_green` says which of them meet green."""

    begin: Ints
    green_s: Floats
    yellow_s: Floats
    cycle_s: Floats
    dot_at: Ints
    dot_s: Floats
    on_green: Bools


def coordination_diagram(log: Log, detectors: Detectors, device: int, phase: int, latency_s: float = 0.0) -> Diagram:
    """Arrivals over the cycle (Day et al. 2010, *Evaluation of Arterial Signal Coordination*, TRR 2192).

    The cycle begins with red (code 10), or with yellow where no red is logged.
    """
    chosen = (detectors.device == device) & (detectors.phase == phase)
    mine = Detectors(detectors.device[chosen], detectors.phase[chosen], detectors.detector[chosen],
                     [one for one, keep in zip(detectors.function, chosen, strict=True) if keep],
                     detectors.lanes[chosen])  # fmt: skip
    seen = arrivals(log, mine, "Advance", latency_s)
    at, code = seen.events.at, seen.events.code
    begin = at[code == (RED if (code == RED).any() else YELLOW)]
    greens, ends, dots = at[code == GREEN], at[code == YELLOW], at[code == DETECTOR_ON]
    if len(begin) < 2:
        none = np.empty(0, np.float64)
        return Diagram(begin[:0], none, none, none, begin[:0], none, np.empty(0, np.bool_))
    cycle_s = np.diff(begin) / 1000
    of = np.searchsorted(begin, dots, "right") - 1
    inside = (of >= 0) & (of < len(begin) - 1)
    return Diagram(
        begin[:-1], _after(begin, greens), _after(begin, ends), cycle_s, dots[inside],
        (dots[inside] - begin[of[inside]]) / 1000, (seen.state[code == DETECTOR_ON] == GREEN)[inside],
    )  # fmt: skip


def _after(begin: Ints, at: Ints) -> Floats:
    """Seconds from each cycle's begin to the first of these instants in it; NaN where there is none."""
    place = np.searchsorted(at, begin[:-1], "left")
    found = np.append(at, 2**62)[place]
    return np.where(found <= begin[1:], (found - begin[:-1]) / 1000, np.nan)


@dataclass(frozen=True, slots=True)
class ApproachDelay:
    """By bin, device and phase: arrivals, and the seconds they wait in all."""

    bin: Ints
    device: Ints
    phase: Ints
    arrivals: Ints
    delay_s: Floats


def approach_delay(
    log: Log, detectors: Detectors, *, bin_ms: int = QUARTER_MS, latency_s: float = 0.0
) -> ApproachDelay:
    """From each arrival on yellow or red to the next begin of green; none for an arrival on green.

    Simplified approach delay of the FHWA's ATSPM (UDOT component details, ch. Approach Delay): deceleration, start-up
    and what a queue adds are not in it. Arrivals after the last green are left out.
    """
    seen = arrivals(log, detectors, "Advance", latency_s)
    wait = _until_green(seen)
    arrived = (seen.events.code == DETECTOR_ON) & (wait >= 0)
    events = seen.events.take(arrived)
    keys = (bins(events.at, bin_ms), events.device, events.phase)
    found, total = counted(*keys)
    _, waited = summed(wait[arrived], *keys)
    return ApproachDelay(found[0], found[1], found[2], total, waited / 1000)


def _until_green(seen: Cycled) -> Ints:
    """ms from each row to the next begin of green of its phase, 0 while it is green, -1 where none follows."""
    at, many = seen.events.at, len(seen.events)
    group = np.cumsum(seen.new)
    green = np.flatnonzero(seen.events.code == GREEN)
    place = np.searchsorted(green, np.arange(many), "left")
    next_one = np.append(green, 0)[place]
    reached = (place < len(green)) & (group[next_one] == group) if many else np.empty(0, np.bool_)
    wait = np.where(reached, at[next_one] - at, -1) if many else at
    return np.where(seen.state == GREEN, 0, wait)
