# SPDX-License-Identifier: Apache-2.0
"""Cycles of a phase, from one begin of green to the next, and what it showed at each event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from traffic.atspm.codes import DETECTOR_ON, GREEN, RED, YELLOW
from traffic.atspm.log import Bools, Detectors, Events, Ints, Log, of_detectors, of_phases, starts

SIGNAL = (GREEN, YELLOW, RED)


@dataclass(frozen=True, slots=True)
class Cycled:
    """Events sorted by device, phase, (detector,) instant and code. `cycle` is a number of the whole log, `nth` counts
    from 0 within its phase (0: before the first green); `state` is the last signal code of the cycle, 0 for none."""

    events: Events
    cycle: Ints
    nth: Ints
    state: Ints
    new: Bools


def cycled(events: Events, *, by_detector: bool = False) -> Cycled:
    """An event at the instant a state begins belongs to it."""
    lane = events.detector if by_detector else np.zeros(len(events), np.int64)
    order = np.lexsort((events.code, events.at, lane, events.phase, events.device))
    found, lane = events.take(order), lane[order]
    new = starts(found.device, found.phase, lane)
    begins = found.code == GREEN
    cycle = np.cumsum(new | begins)
    signal = np.where(found.code < 81, found.code, 0)
    state = np.maximum.accumulate(cycle * 256 + signal) % 256 if len(cycle) else cycle
    greens = np.cumsum(begins)
    before = (greens - begins)[np.maximum.accumulate(np.where(new, np.arange(len(new)), 0))] if len(new) else greens
    return Cycled(found, cycle, greens - before, state, new)


def arrivals(log: Log, detectors: Detectors, function: str, latency_s: float = 0.0) -> Cycled:
    """Detector-on events of one function among the greens, yellows and reds of their phases.

    `latency_s` is how long a detector's event is late against the signal's.
    """
    serving = detectors.serving(function)
    arriving = of_detectors(log, serving, (DETECTOR_ON,))
    shifted = Events(arriving.at - round(latency_s * 1000), arriving.device, arriving.phase, arriving.code,
                     np.zeros(len(arriving), np.int64))  # fmt: skip
    return cycled(of_phases(log, serving, SIGNAL).joined(shifted))
