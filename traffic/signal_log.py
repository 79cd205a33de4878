# SPDX-License-Identifier: Apache-2.0
"""A controller's stored event batches as a log the measures are made of, by what the controller announced of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from smartcity.kernel.codecs import BadPayload
from traffic import event_codec
from traffic.atspm.codes import DETECTOR_OFF, DETECTOR_ON
from traffic.atspm.log import Detectors, Ints, Log

DEVICE = 1  # a log read here is of one controller


@dataclass(frozen=True, slots=True)
class Configuration:
    """Phase → uid of its approach, phases of crossings, detectors, and detector → ms from it to the stop line."""

    phases: Mapping[int, str]
    crossings: frozenset[int]
    detectors: Detectors
    to_line_ms: Mapping[int, int]


def configuration(announced: Mapping[str, Any]) -> Configuration | None:
    """What a controller says of its log; None where it says nothing, or nothing that can be read."""
    try:
        said = announced["events"]
        rows = [(int(d["phase"]), int(d["detector"]), str(d["function"]), int(d.get("lanes", 1)),
                 round(1000 * float(d.get("to_line_s", 0)))) for d in said["detectors"]]  # fmt: skip
        phases = {int(phase): str(uid) for phase, uid in said["phases"].items()}
        crossings = frozenset(int(phase) for phase in said.get("crossings", ()))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    phase, detector, function, lanes, to_line = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return Configuration(
        phases,
        crossings,
        Detectors.of([DEVICE] * len(rows), phase, detector, list(function), list(lanes)),
        {number: ms for number, ms in zip(detector, to_line, strict=True) if ms},
    )


def log_of(batches: Iterable[bytes], from_ms: int, to_ms: int, to_line_ms: Mapping[int, int] | None = None) -> Log:
    """Events in [from_ms, to_ms) by the controller's clock, each once; what cannot be read is left out.

    `to_line_ms` moves a detector's events to when an unhindered vehicle is at the stop line, so that an arrival meets
    the light it meets there.
    """
    parts = [found for batch in batches if (found := _read(batch)) is not None]
    if not parts:
        none = np.empty(0, np.int64)
        return Log(none, none, none, none)
    at, code, parameter = (np.concatenate(column) for column in zip(*parts, strict=True))
    is_loop = (code == DETECTOR_ON) | (code == DETECTOR_OFF)
    for detector, ms in (to_line_ms or {}).items():
        at = np.where(is_loop & (parameter == detector), at + ms, at)
    inside = (at >= from_ms) & (at < to_ms)
    return Log.of(at[inside], np.full(int(inside.sum()), DEVICE), code[inside], parameter[inside])


def _read(batch: bytes) -> tuple[Ints, Ints, Ints] | None:
    try:
        return event_codec.read(batch)
    except BadPayload:
        return None
