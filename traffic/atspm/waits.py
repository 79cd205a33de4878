# SPDX-License-Identifier: Apache-2.0
"""Waits for green and for walk, skipped phases, pre-emption and priority, by bin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from traffic.atspm import codes
from traffic.atspm.log import NEVER, QUARTER_MS, Floats, Ints, Log, bins, counted, grouped, runs, starts, summed
from traffic.atspm.timeline import PAIRS, Intervals, overlapping, paired, timeline

RECOVERY_S = 120
FREE_CYCLE_S = 140
SKIP_AFTER = 1.5
SKIP_AFTER_PRIORITY = 2.0


@dataclass(frozen=True, slots=True)
class PhaseWaits:
    """By bin of the green's begin, device and phase: waits, their mean and longest, and how many were skips."""

    bin: Ints
    device: Ints
    phase: Ints
    waits: Ints
    mean_s: Floats
    longest_s: Floats
    skips: Ints


def phase_wait(log: Log, *, bin_ms: int = QUARTER_MS, cycle_code: int = codes.CYCLE_LENGTH) -> PhaseWaits:
    """Waits from call to green; those during a pre-emption and 120 s after it are left out.

    A wait longer than 1.5 cycles (2 where priority was given meanwhile) is a skipped phase. The cycle is the longer of
    those in force at its begin and end (code 132, or 316 where a maker logs it), 140 s where none is.
    """
    found = timeline(log)
    waits = found.get("Phase Wait", _none("Phase Wait"))
    waits = waits.take(waits.valid)
    forced = paired(log, next(pair for pair in PAIRS if pair.name == "Preempt"))
    forced = forced.take(forced.valid)
    waits = waits.take(~overlapping(waits, (forced.device, forced.begin, forced.end + 1000 * RECOVERY_S)))
    cycle = np.maximum(_in_force(log, cycle_code, waits, waits.begin), _in_force(log, cycle_code, waits, waits.end))
    adjusted = found.get("TSP Adjustment", _none("TSP Adjustment"))
    late = _last_before(adjusted.device, adjusted.begin, adjusted.begin, waits.device, waits.end) >= waits.begin
    factor = np.where(late, SKIP_AFTER_PRIORITY, SKIP_AFTER)
    skipped = waits.seconds > cycle * factor
    keys = (bins(waits.end, bin_ms), waits.device, waits.value)
    groups, many = counted(*keys)
    order, first, _ = grouped(*keys)
    longest = np.maximum.reduceat(waits.seconds[order], first) if len(first) else waits.seconds
    mean = summed(waits.seconds, *keys)[1] / np.maximum(1, many)
    return PhaseWaits(groups[0], groups[1], groups[2], many, mean, longest, summed(skipped, *keys)[1].astype(np.int64))


def _none(name: str) -> Intervals:
    empty = np.empty(0, np.int64)
    return Intervals(name, empty, empty, empty, empty, np.empty(0, np.bool_))


def _in_force(log: Log, code: int, waits: Intervals, at: Ints) -> Ints:
    found = log.only(code)
    cycle = _last_before(found.device, found.at, found.parameter, waits.device, at)
    return np.where(cycle <= 0, FREE_CYCLE_S, cycle)


def _last_before(device: Ints, at: Ints, value: Ints, of: Ints, when: Ints) -> Ints:
    """The value of each device's last row at or before an instant; NEVER where there is none."""
    answer = np.full(len(of), NEVER, np.int64)
    order = np.lexsort((at, device))
    device, at, value = device[order], at[order], value[order]
    for begin, stop in runs(starts(device)):
        mine = np.flatnonzero(of == device[begin])
        place = np.searchsorted(at[begin:stop], when[mine], "right") - 1
        answer[mine] = np.where(place >= 0, value[begin:stop][np.maximum(place, 0)], NEVER)
    return answer


@dataclass(frozen=True, slots=True)
class Delays:
    """By bin, device and phase (or input): how many, mean and longest seconds."""

    bin: Ints
    device: Ints
    key: Ints
    total: Ints
    mean_s: Floats
    longest_s: Floats


def pedestrian_delay(log: Log, *, bin_ms: int = QUARTER_MS) -> Delays:
    """Press to walk, by the bin in which the walk begins."""
    return _delays(timeline(log).get("Ped Delay", _none("Ped Delay")), bin_ms)


def preemption(log: Log, *, bin_ms: int = QUARTER_MS) -> Delays:
    """Pre-emption calls (102 to 104) by the bin in which the call ends."""
    return _delays(timeline(log).get("Preempt", _none("Preempt")), bin_ms)


def priority(log: Log, *, bin_ms: int = QUARTER_MS) -> Delays:
    """Priority requests (112 to 115) by the bin in which the request ends."""
    return _delays(timeline(log).get("TSP Call", _none("TSP Call")), bin_ms)


def split_monitor(log: Log, *, bin_ms: int = QUARTER_MS) -> Delays:
    """How long each phase was on (0 to 12: green, yellow and red clearance), by the bin in which it ended."""
    return _delays(timeline(log).get("Split", _none("Split")), bin_ms)


def _delays(found: Intervals, bin_ms: int) -> Delays:
    found = found.take(found.valid)
    keys = (bins(found.end, bin_ms), found.device, found.value)
    groups, many = counted(*keys)
    order, first, _ = grouped(*keys)
    longest = np.maximum.reduceat(found.seconds[order], first) if len(first) else found.seconds
    return Delays(groups[0], groups[1], groups[2], many, summed(found.seconds, *keys)[1] / np.maximum(1, many), longest)
