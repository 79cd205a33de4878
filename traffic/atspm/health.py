# SPDX-License-Identifier: Apache-2.0
"""Detector health from the events themselves: silent, stuck on, chattering, or said to be faulty by the controller."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from traffic.atspm import codes
from traffic.atspm.log import Detectors, Floats, Ints, Log, following, pairs, preceding, starts

SILENT_S = 7200
STUCK_S = 900
CHATTER_MS = 200
CHATTER_SHARE = 0.10
FEW = 20
WORDS = ("well", "silent", "stuck on", "chatters", "fault reported")


@dataclass(frozen=True, slots=True)
class Health:
    """One row a configured detector: actuations, its longest time on and without an event, s, the share of gaps under
    0.2 s, and a verdict (place in WORDS)."""

    device: Ints
    phase: Ints
    detector: Ints
    actuations: Ints
    longest_on_s: Floats
    longest_silence_s: Floats
    chatter: Floats
    verdict: Ints


def detector_health(log: Log, detectors: Detectors, from_ms: int, to_ms: int) -> Health:
    """Verdicts over a span: no event for 2 h is silent, on for 15 min is stuck, a tenth of gaps under 0.2 s chatters.

    The thresholds are usual ones of detector diagnostics, no standard's.
    A detector in a quiet street at night is silent without being broken: the verdict asks for a look.
    """
    found = log.only(codes.DETECTOR_OFF, codes.DETECTOR_ON)
    found = found.take(np.lexsort((found.code, found.at, found.parameter, found.device)))
    new = starts(found.device, found.parameter)
    last = np.append(new[1:], True)[: len(found)]
    till = np.where(last, to_ms, following(found.at, new))
    since = np.where(new, from_ms, preceding(found.at, new))
    on_ms = np.where(found.code == codes.DETECTOR_ON, till - found.at, 0)
    quiet_ms = np.maximum(till - found.at, found.at - since)
    is_short = (found.code == codes.DETECTOR_ON) & ~new & (found.at - since < CHATTER_MS)
    keys = (detectors.device, detectors.detector)
    faulty = log.only(*codes.DETECTOR_FAULTS)
    many = len(detectors.detector)
    of, rows = pairs(keys, (found.device, found.parameter))
    ons = _by(of, found.code[rows] == codes.DETECTOR_ON, many)
    on_s, quiet_s = _most(of, on_ms[rows], many, 0), _most(of, quiet_ms[rows], many, to_ms - from_ms)
    chatter = _by(of, is_short[rows], many) / np.maximum(1, ons)
    said = np.bincount(pairs(keys, (faulty.device, faulty.parameter))[0], minlength=many) > 0
    verdict = np.select(
        [said, on_s > STUCK_S, quiet_s > SILENT_S, (chatter > CHATTER_SHARE) & (ons >= FEW)], [4, 2, 1, 3], 0
    )
    return Health(detectors.device, detectors.phase, detectors.detector, ons.astype(np.int64), on_s, quiet_s, chatter,
                  verdict)  # fmt: skip


def _by(of: Ints, values: object, many: int) -> Floats:
    return np.bincount(of, np.asarray(values, np.float64), minlength=many).astype(np.float64)


def _most(of: Ints, ms: Ints, many: int, none: int) -> Floats:
    most = np.full(many, -1, np.int64)
    np.maximum.at(most, of, ms)
    seconds: Floats = np.where(most < 0, none, most) / 1000
    return seconds
