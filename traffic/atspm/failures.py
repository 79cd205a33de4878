# SPDX-License-Identifier: Apache-2.0
"""Split failures: cycles in which the detector at the stop line is full in green and full again as red begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from traffic.atspm.codes import DETECTOR_OFF, DETECTOR_ON, GREEN, RED, YELLOW
from traffic.atspm.cycles import SIGNAL, Cycled, cycled
from traffic.atspm.log import (
    QUARTER_MS,
    Detectors,
    Events,
    Floats,
    Ints,
    Log,
    bins,
    carried,
    counted,
    following,
    grouped,
    of_detectors,
    of_phases,
    pairs,
    preceding,
    starts,
    summed,
)  # fmt: skip

RED_CHECKED = 11  # stands for the end of the first seconds of red; the log's own 11 takes no part here
FULL = 0.8
RED_S = 5
RAPID_MS = 2000


@dataclass(frozen=True, slots=True)
class Cycles:
    """One row a complete cycle (and detector; 0 by approach): when its check ended, green, occupancies 0..1."""

    at: Ints
    device: Ints
    phase: Ints
    detector: Ints
    green_s: Floats
    green_occupancy: Floats
    red_occupancy: Floats


@dataclass(frozen=True, slots=True)
class SplitFailures:
    """By bin, device, phase (and detector): cycles, failures among them, and means over the cycles."""

    bin: Ints
    device: Ints
    phase: Ints
    detector: Ints
    cycles: Ints
    failures: Ints
    green_s: Floats
    green_occupancy: Floats
    red_occupancy: Floats


def split_failures(
    log: Log, detectors: Detectors, *, bin_ms: int = QUARTER_MS, by_approach: bool = True, full: float = FULL
) -> SplitFailures:
    """Occupied at least 80 % of green and 80 % of the first 5 s of red (Freije et al. 2014, TRB 14-2025).

    By approach a phase is occupied while any of its detectors is.
    """
    found = cycle_occupancy(log, detectors, bin_ms=bin_ms, by_approach=by_approach)
    keys = (bins(found.at, bin_ms), found.device, found.phase, found.detector)
    groups, cycles = counted(*keys)
    failed = (found.green_occupancy >= full) & (found.red_occupancy >= full)
    means = [summed(column, *keys)[1] / np.maximum(1, cycles)
             for column in (found.green_s, found.green_occupancy, found.red_occupancy)]  # fmt: skip
    return SplitFailures(
        groups[0], groups[1], groups[2], groups[3], cycles, summed(failed, *keys)[1].astype(np.int64), *means
    )


def cycle_occupancy(log: Log, detectors: Detectors, *, bin_ms: int = QUARTER_MS, by_approach: bool = True) -> Cycles:
    """Occupancy of green and of the first 5 s of red, cycle by cycle; cycles with gaps are left out."""
    serving = detectors.serving("Presence")
    loops = mended(of_detectors(log, serving, (DETECTOR_OFF, DETECTOR_ON)))
    signal = of_phases(log, serving, SIGNAL)
    events = signal.joined(_any_of(loops)) if by_approach else _for_each(signal, loops).joined(loops)
    end = int(bins(log.at[-1:], bin_ms)[0]) + bin_ms if len(log) else 0
    return _summed_up(cycled(events.joined(_checks(events, end)), by_detector=not by_approach))


def mended(loops: Events) -> Events:
    """A lost off or on put back: halfway between two ons or two offs, at the second of two ons within 2 s.

    A detector whose first event is an off was on just before.
    """
    loops = loops.take(np.lexsort((loops.code, loops.at, loops.detector, loops.device)))
    new = starts(loops.device, loops.detector)
    before, gap = preceding(loops.code, new), loops.at - preceding(loops.at, new, 0)
    twice = before == loops.code
    halfway = loops.at - gap // 2
    is_on = loops.code == DETECTOR_ON
    lost = loops.take(twice)
    back = Events(np.where(is_on & (gap <= RAPID_MS), loops.at, halfway)[twice], lost.device, lost.phase,
                  np.where(is_on, DETECTOR_OFF, DETECTOR_ON)[twice], lost.detector)  # fmt: skip
    opening = loops.take(new & (loops.code == DETECTOR_OFF))
    on = Events(opening.at - 1, opening.device, opening.phase, np.full(len(opening), DETECTOR_ON), opening.detector)
    return loops.joined(back, on)


def _any_of(loops: Events) -> Events:
    """The detectors of a phase as one: on while any is."""
    order, first, (device, phase, at) = grouped(loops.device, loops.phase, loops.at)
    step = np.where(loops.code == DETECTOR_ON, 1, -1)[order]
    total = np.cumsum(np.add.reduceat(step, first)) if len(first) else step
    new = np.flatnonzero(starts(device, phase))
    before = np.where(new > 0, total[new - 1], 0) if len(total) else total
    total = total - np.repeat(before, np.diff(np.append(new, len(total))))
    return Events(at, device, phase, np.where(total > 0, DETECTOR_ON, DETECTOR_OFF), np.zeros(len(at), np.int64))


def _for_each(signal: Events, loops: Events) -> Events:
    """The signal's events once for each detector of the phase."""
    (device, phase, detector), _ = counted(loops.device, loops.phase, loops.detector)
    mine, theirs = pairs((signal.device, signal.phase), (device, phase))
    found = signal.take(mine)
    return Events(found.at, found.device, found.phase, found.code, detector[theirs])


def _checks(events: Events, before: int) -> Events:
    """Five seconds after each begin of red, where the log reaches as far."""
    reds = events.take((events.code == RED) & (events.at + 1000 * RED_S < before))
    return Events(reds.at + 1000 * RED_S, reds.device, reds.phase, np.full(len(reds), RED_CHECKED), reds.detector)


def _summed_up(seen: Cycled) -> Cycles:
    events, state = seen.events, seen.state
    is_loop = events.code >= DETECTOR_OFF
    on = carried(events.code, is_loop, seen.new)
    long = following(events.at, seen.new) - events.at
    long = np.where(long > 0, long, 0)
    first = np.flatnonzero(starts(seen.cycle))
    if not len(first):
        none, nothing = np.empty(0, np.int64), np.empty(0, np.float64)
        return Cycles(none, none, none, none, nothing, nothing, nothing)

    def total(which: object) -> Ints:
        found: Ints = np.add.reduceat(np.asarray(which).astype(np.int64), first)
        return found

    valid = (seen.nth[first] > 0) & (total(events.code == YELLOW) == 1) & (total(events.code == RED_CHECKED) == 1)
    valid &= total(on < 0) == 0
    green = total(np.where(state == GREEN, long, 0))
    valid &= green > 0
    green_on = total(np.where((state == GREEN) & (on == DETECTOR_ON), long, 0))
    red_on = total(np.where((state == RED) & (on == DETECTOR_ON), long, 0))
    checked = np.maximum.reduceat(np.where(events.code == RED_CHECKED, events.at, 0), first)
    begun = first[valid]
    return Cycles(
        checked[valid], events.device[begun], events.phase[begun], events.detector[begun], green[valid] / 1000,
        green_on[valid] / green[valid], red_on[valid] / (1000 * RED_S),
    )  # fmt: skip
