# SPDX-License-Identifier: Apache-2.0
"""What is counted event by event: terminations, actuations, volumes, pedestrians, splits, coordination, presence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from traffic.atspm import codes
from traffic.atspm.cycles import arrivals
from traffic.atspm.log import (
    QUARTER_MS,
    Detectors,
    Floats,
    Ints,
    Log,
    bins,
    carried,
    counted,
    grouped,
    of_detectors,
    pairs,
    preceding,
    starts,
    summed,
)  # fmt: skip

TERMINATIONS = {codes.GAP_OUT: "gap-out", codes.MAX_OUT: "max-out", codes.FORCE_OFF: "force-off"}
UNIQUE_AFTER_S = 15


@dataclass(frozen=True, slots=True)
class Counts:
    """By bin, device and a third key (phase, detector, …): how many."""

    bin: Ints
    device: Ints
    key: Ints
    total: Ints


def complete_bins(log: Log, *, bin_ms: int = QUARTER_MS, part_ms: int = 300_000, least: int = 3) -> tuple[Ints, Ints]:
    """(bin, device) with at least so many standard events in each part of it: then nothing is missing."""
    known = log.take(log.code <= codes.LAST_STANDARD)
    (part, device), many = counted(bins(known.at, part_ms), known.device)
    (bin_, of), parts = counted(bins(part[many >= least], bin_ms), device[many >= least])
    return bin_[parts == bin_ms // part_ms], of[parts == bin_ms // part_ms]


@dataclass(frozen=True, slots=True)
class Terminations:
    """By bin, device, phase and code (4 gap-out, 5 max-out, 6 force-off): how often the phase ended so."""

    bin: Ints
    device: Ints
    phase: Ints
    code: Ints
    total: Ints


def terminations(log: Log, *, bin_ms: int = QUARTER_MS) -> Terminations:
    """Purdue phase termination (Day et al. 2014, ch. 4): codes 4, 5 and 6 as logged."""
    found = log.only(*TERMINATIONS)
    keys, total = counted(bins(found.at, bin_ms), found.device, found.parameter, found.code)
    return Terminations(keys[0], keys[1], keys[2], keys[3], total)


def actuations(log: Log, *, bin_ms: int = QUARTER_MS) -> Counts:
    """Detector-ons (82); 0 for a known detector that was silent in a bin in which its controller logged anything."""
    ons = log.only(codes.DETECTOR_ON)
    alive, _ = counted(bins(log.at, bin_ms), log.device)
    (device, detector), _ = counted(ons.device, ons.parameter)
    mine, theirs = pairs((alive[1], alive[1]), (device, device))
    rows = (
        np.concatenate([alive[0][mine], bins(ons.at, bin_ms)]),
        np.concatenate([device[theirs], ons.device]),
        np.concatenate([detector[theirs], ons.parameter]),
    )
    was = np.concatenate([np.zeros(len(mine), np.int64), np.ones(len(ons), np.int64)])
    keys, total = summed(was, *rows)
    return Counts(keys[0], keys[1], keys[2], total.astype(np.int64))


def approach_volume(log: Log, detectors: Detectors, *, bin_ms: int = QUARTER_MS) -> Counts:
    """Vehicles by phase: detector-ons of its counting detectors, else of its advance detectors.

    FHWA ATSPM, approach volume; times 3,600,000 / bin_ms it is veh/h.
    """
    count, ahead = detectors.serving("Count"), detectors.serving("Advance")
    has_count, _ = pairs((ahead.device, ahead.phase), (count.device, count.phase))
    rest = np.setdiff1d(np.arange(len(ahead.phase)), has_count)
    first, second = of_detectors(log, count, (codes.DETECTOR_ON,)), of_detectors(
        log, Detectors(ahead.device[rest], ahead.phase[rest], ahead.detector[rest], ("Advance",) * len(rest),
                       ahead.lanes[rest]), (codes.DETECTOR_ON,))  # fmt: skip
    both = first.joined(second)
    keys, total = counted(bins(both.at, bin_ms), both.device, both.phase)
    return Counts(keys[0], keys[1], keys[2], total)


@dataclass(frozen=True, slots=True)
class Speeds:
    """By bin, device and phase: vehicles timed, mean and 85th percentile of their speed, km/h."""

    bin: Ints
    device: Ints
    phase: Ints
    vehicles: Ints
    mean_kmh: Floats
    p85_kmh: Floats


def approach_speed(
    log: Log, detectors: Detectors, *, bin_ms: int = QUARTER_MS, effective_m: float = 6.5, most_kmh: float = 160.0
) -> Speeds:
    """Speed from how long a single loop is covered: v = (vehicle + loop) / on-time (May 1990, eq. 7.6).

    `effective_m` is mean vehicle length plus loop length. On-times above 10 s (standing) and speeds that cannot be are
    left out. A radar's own speeds are better where there is one.
    """
    events = of_detectors(log, detectors.serving("Advance"), (codes.DETECTOR_OFF, codes.DETECTOR_ON))
    events = events.take(np.lexsort((events.code, events.at, events.detector, events.phase, events.device)))
    new = starts(events.device, events.phase, events.detector)
    was_on = preceding(events.code, new) == codes.DETECTOR_ON
    on_ms = events.at - preceding(events.at, new, 0)
    timed = (events.code == codes.DETECTOR_OFF) & was_on & (on_ms > 0) & (on_ms <= 10_000)
    speed = 3600 * effective_m / np.where(timed, on_ms, 1)
    timed &= speed <= most_kmh
    events, speed = events.take(timed), speed[timed]
    order, first, keys = grouped(bins(events.at, bin_ms), events.device, events.phase)
    parts = np.split(speed[order], first[1:]) if len(first) else []
    return Speeds(
        keys[0],
        keys[1],
        keys[2],
        np.array([len(part) for part in parts], np.int64),
        np.array([part.mean() for part in parts]),
        np.array([np.quantile(part, 0.85) for part in parts]),
    )


@dataclass(frozen=True, slots=True)
class YellowRed:
    """By quarter of the begin of red, device, phase, signal state (1, 8, 10) and seconds from it (in halves): count."""

    bin: Ints
    device: Ints
    phase: Ints
    state: Ints
    from_red_s: Floats
    total: Ints


def yellow_red(log: Log, detectors: Detectors, *, latency_s: float = 0.0) -> YellowRed:
    """Who crosses the stop line how long before or after red begins (FHWA ATSPM, yellow and red actuations).

    Cycles without exactly one green, yellow and red are left out.
    """
    seen = arrivals(log, detectors, "Yellow_Red", latency_s)
    events, many = seen.events, int(seen.cycle[-1]) + 1 if len(seen.cycle) else 0
    complete = np.ones(many, np.bool_)
    for code in (codes.GREEN, codes.YELLOW, codes.RED):
        complete &= np.bincount(seen.cycle[events.code == code], minlength=many) == 1
    red_at = np.zeros(many, np.int64)
    red_at[seen.cycle[events.code == codes.RED]] = events.at[events.code == codes.RED]
    chosen = (events.code == codes.DETECTOR_ON) & complete[seen.cycle] & (seen.nth > 0)
    red = red_at[seen.cycle[chosen]]
    halves = (events.at[chosen] - red) * 2 / 1000
    half = (np.sign(halves) * np.floor(np.abs(halves) + 0.5)).astype(np.int64)
    keys, total = counted(bins(red, QUARTER_MS), events.device[chosen], events.phase[chosen], seen.state[chosen], half)
    return YellowRed(keys[0], keys[1], keys[2], keys[3], keys[4] / 2, total)


@dataclass(frozen=True, slots=True)
class Pedestrians:
    """By bin, device and phase: walks served, buttons pressed, and presses that were somebody new.

    `volume` is people estimated per bin, NaN where it was not asked for.
    """

    bin: Ints
    device: Ints
    phase: Ints
    services: Ints
    presses: Ints
    unique: Ints
    volume: Floats


def pedestrians(log: Log, *, bin_ms: int = QUARTER_MS, unique_after_s: float = UNIQUE_AFTER_S) -> Pedestrians:
    """Walks (21, 67), presses (90), and presses more than 15 s after the one before (Singleton et al. 2020,
    doi 10.1177/0361198121994126); the very first press of a log has none before it and is not counted as new.

    `volume` estimates people from presses of an hour n: (0.7167 n + 0.0599 n²) · share of the bin + 1.1063 / 4, the
    package atspm's curve, over all bins of the log; an hour is this bin and the three after it.
    """
    found = log.only(codes.WALK, codes.OVERLAP_WALK, codes.PED_DETECTOR_ON)
    if not len(found):
        none = np.empty(0, np.int64)
        return Pedestrians(none, none, none, none, none, none, np.empty(0, np.float64))
    (device, phase), _ = counted(found.device, found.parameter)
    first, last = int(bins(log.at[:1], bin_ms)[0]), int(bins(log.at[-1:], bin_ms)[0])
    grid = np.arange(first, last + 1, bin_ms)
    of = _places(found.device, found.parameter, device, phase)
    row = (found.at - first) // bin_ms
    shape = (len(device), len(grid))
    tables = [np.zeros(shape, np.int64) for _ in range(3)]
    for table, which in zip(tables, _kinds(found, unique_after_s), strict=True):
        np.add.at(table, (of[which], row[which]), 1)
    services, presses, unique = tables
    ahead = np.pad(unique, ((0, 0), (0, 3)))
    hour = sum((ahead[:, n : n + len(grid)] for n in range(4)), np.zeros(shape, np.int64))
    volume = (0.7167 * hour + 0.0599 * hour**2) * unique / np.maximum(1, hour) + 1.1063 / 4
    return Pedestrians(np.tile(grid, len(device)), np.repeat(device, len(grid)), np.repeat(phase, len(grid)),
                       services.ravel(), presses.ravel(), unique.ravel(), volume.ravel())  # fmt: skip


def _places(device: Ints, phase: Ints, known_device: Ints, known_phase: Ints) -> Ints:
    return pairs((device, phase), (known_device, known_phase))[1]


def _kinds(found: Log, unique_after_s: float) -> tuple[Ints, Ints, Ints]:
    """Places of walks, presses, and presses of somebody new."""
    pressed = np.flatnonzero(found.code == codes.PED_DETECTOR_ON)
    pressed = pressed[np.lexsort((found.at[pressed], found.parameter[pressed], found.device[pressed]))]
    new = starts(found.device[pressed], found.parameter[pressed])
    gap = found.at[pressed] - preceding(found.at[pressed], new, 2**62)
    return np.flatnonzero(found.code != codes.PED_DETECTOR_ON), pressed, pressed[gap > 1000 * unique_after_s]


@dataclass(frozen=True, slots=True)
class Splits:
    """By bin, device and phase (316 - 300 for the cycle, 17 for other values of that range): services, mean split."""

    bin: Ints
    device: Ints
    code: Ints
    services: Ints
    mean_s: Floats


def logged_splits(log: Log, *, bin_ms: int = QUARTER_MS) -> Splits:
    """Splits a controller logs itself: codes 300 to 317 of one maker, the parameter in seconds."""
    found = log.take((log.code >= codes.SPLIT_OF_PHASE.start) & (log.code < codes.SPLIT_OF_PHASE.stop))
    keys, many = counted(bins(found.at, bin_ms), found.device, found.code)
    _, seconds = summed(found.parameter, bins(found.at, bin_ms), found.device, found.code)
    return Splits(keys[0], keys[1], keys[2], many, seconds / np.maximum(1, many))


def mean_parameters(log: Log, which: tuple[int, ...], *, bin_ms: int = QUARTER_MS) -> Splits:
    """Mean parameter of codes a maker uses for his own figures (communication: 400, 502, 503)."""
    found = log.only(*which)
    keys, many = counted(bins(found.at, bin_ms), found.device, found.code)
    _, total = summed(found.parameter, bins(found.at, bin_ms), found.device, found.code)
    return Splits(keys[0], keys[1], keys[2], many, total / np.maximum(1, many))


@dataclass(frozen=True, slots=True)
class Coordination:
    """By complete bin and device: the last pattern, cycle length, actual cycle and offset up to its end; 0 unknown."""

    bin: Ints
    device: Ints
    pattern: Ints
    cycle_s: Ints
    actual_cycle_s: Ints
    actual_offset_s: Ints


COORDINATION = (codes.PATTERN, codes.CYCLE_LENGTH, codes.ACTUAL_CYCLE, codes.ACTUAL_OFFSET)


def coordination(log: Log, *, bin_ms: int = QUARTER_MS) -> Coordination:
    """The last value of codes 131, 132, 316 and 318 in each bin, carried forward over complete bins."""
    bin_, device = complete_bins(log, bin_ms=bin_ms)
    order = np.lexsort((bin_, device))
    bin_, device = bin_[order], device[order]
    pattern, cycle, actual, offset = (_last(log.only(code), bin_, device, bin_ms) for code in COORDINATION)
    return Coordination(bin_, device, pattern, cycle, actual, offset)


def _last(found: Log, bin_: Ints, device: Ints, bin_ms: int) -> Ints:
    (at, of), last = _newest(bins(found.at, bin_ms), found)
    mine, theirs = pairs((bin_, device), (at, of))
    values, known = np.zeros(len(bin_), np.int64), np.zeros(len(bin_), np.bool_)
    values[mine], known[mine] = last[theirs], True
    return carried(values, known, starts(device), 0)


def _newest(bin_: Ints, found: Log) -> tuple[tuple[Ints, Ints], Ints]:
    """The last parameter of each (bin, device); of two at one instant the greater."""
    order = np.lexsort((found.parameter, found.at, found.device, bin_))
    end = np.append(starts(bin_[order], found.device[order])[1:], True)[: len(order)]
    at = order[end]
    return (bin_[at], found.device[at]), found.parameter[at]


def coordination_events(log: Log) -> Log:
    """Changes of pattern and cycle, and cycles and offsets as they were, one by one."""
    return log.only(*COORDINATION)
