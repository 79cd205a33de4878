# SPDX-License-Identifier: Apache-2.0
"""The measures of one intersection over a span, as the page and the interface show them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from traffic.atspm import arrivals, codes, counts, failures, health, waits
from traffic.atspm.log import QUARTER_MS, Ints, Log
from traffic.signal_log import DEVICE, Configuration

MOST_DOTS = 4000
WHOLE_MS = 2**60  # a bin that holds everything
Named = Mapping[str, str]
Json = dict[str, Any]


def measures(log: Log, of: Configuration, names: Named, from_ms: int, to_ms: int) -> Json:
    """Phases, crossings, detectors and quarters; figures nobody could make of the log are null."""
    return {
        "events": len(log),
        "phases": _phases(log, of, names, from_ms, to_ms),
        "crossings": _crossings(log, of, names),
        "quarters": _quarters(log, of),
        "detectors": _detectors(log, of, names, from_ms, to_ms),
        "preemption": _delays(waits.preemption(log, bin_ms=WHOLE_MS)),
        "priority": _delays(waits.priority(log, bin_ms=WHOLE_MS)),
    }


def diagram(log: Log, of: Configuration, phase: int) -> Json:
    """The Purdue coordination diagram of one phase; of too many arrivals every nth is drawn, and `of_arrivals` says."""
    found = arrivals.coordination_diagram(log, of.detectors, DEVICE, phase)
    every = max(1, -(-len(found.dot_at) // MOST_DOTS))
    dots = zip(found.dot_at[::every].tolist(), found.dot_s[::every].round(1).tolist(), found.on_green[::every].tolist(),
               strict=True)  # fmt: skip
    return {
        "phase": phase,
        "begin": found.begin.tolist(),
        "green_s": [_said(value, 1) for value in found.green_s],
        "yellow_s": [_said(value, 1) for value in found.yellow_s],
        "cycle_s": [_said(value, 1) for value in found.cycle_s],
        "dots": [list(dot) for dot in dots],
        "of_arrivals": len(found.dot_at),
    }


def events(log: Log, limit: int) -> tuple[list[list[int]], int | None]:
    """Rows [at, code, parameter] and where to go on; all events of one instant stay on one page."""
    if len(log) <= limit:
        return np.stack([log.at, log.code, log.parameter], axis=1).tolist(), None
    end = int(np.searchsorted(log.at, log.at[limit - 1], "right"))
    page = log.take(np.arange(end))
    rows = np.stack([page.at, page.code, page.parameter], axis=1).tolist()
    return rows, int(log.at[end]) if end < len(log) else None


def _phases(log: Log, of: Configuration, names: Named, from_ms: int, to_ms: int) -> list[Json]:
    hours = (to_ms - from_ms) / 3_600_000
    split = waits.split_monitor(log, bin_ms=WHOLE_MS)
    ended = counts.terminations(log, bin_ms=WHOLE_MS)
    failed = failures.split_failures(log, of.detectors, bin_ms=QUARTER_MS)
    aog = arrivals.arrivals_on_green(log, of.detectors, bin_ms=WHOLE_MS)
    (_, _, green_phase), green_s = arrivals.green_seconds(log, of.detectors, within=(from_ms, to_ms))
    delay = arrivals.approach_delay(log, of.detectors, bin_ms=WHOLE_MS)
    volume = counts.approach_volume(log, of.detectors, bin_ms=WHOLE_MS)
    lights = counts.yellow_red(log, of.detectors)
    wait = waits.phase_wait(log, bin_ms=WHOLE_MS)
    found = []
    for phase in sorted(of.phases):
        s, a, d, w = (_row(keys, phase) for keys in (split.key, aog.phase, delay.phase, wait.phase))
        mine = failed.phase == phase
        crossed, total = lights.phase == phase, int(aog.total[a]) if a is not None else 0
        share = aog.on_green[a] / total if a is not None and total else None
        green = float(green_s[green_phase == phase].sum()) / (3600 * hours)
        ratio = float(share / green) if share is not None and green > 0 else None
        found.append(
            {
                "phase": phase,
                "approach": of.phases[phase],
                "name": names.get(of.phases[phase], of.phases[phase]),
                "splits": int(split.total[s]) if s is not None else 0,
                "mean_split_s": _said(split.mean_s[s], 1) if s is not None else None,
                "longest_split_s": _said(split.longest_s[s], 1) if s is not None else None,
                "ended": {word: _times(ended, phase, code) for code, word in counts.TERMINATIONS.items()},
                "skips": int(wait.skips[w]) if w is not None else 0,
                "mean_wait_s": _said(wait.mean_s[w], 1) if w is not None else None,
                "longest_wait_s": _said(wait.longest_s[w], 1) if w is not None else None,
                "cycles": int(failed.cycles[mine].sum()),
                "failures": int(failed.failures[mine].sum()),
                "arrivals": total,
                "on_green": _said(share, 3),
                "green_share": _said(green, 3),
                "platoon_ratio": _said(ratio, 2),
                "arrival_type": None if ratio is None else 1 + int(np.searchsorted(arrivals.ARRIVAL_TYPE_UP_TO, ratio)),
                "approach_delay_s": _said(delay.delay_s[d] / delay.arrivals[d], 1) if d is not None else None,
                "volume_veh_h": _said(_total(volume, phase) / hours, 0),
                "on_yellow": int(lights.total[crossed & (lights.state == codes.YELLOW)].sum()),
                "on_red": int(lights.total[crossed & (lights.state == codes.RED) & (lights.from_red_s > 0)].sum()),
            }
        )
    return found


def _crossings(log: Log, of: Configuration, names: Named) -> list[Json]:
    people = counts.pedestrians(log)
    delay = waits.pedestrian_delay(log, bin_ms=WHOLE_MS)
    found = []
    for phase in sorted(of.crossings):
        mine, row = people.phase == phase, _row(delay.key, phase)
        found.append(
            {
                "phase": phase,
                "name": names.get(of.phases.get(phase, ""), f"phase {phase}"),
                "walks": int(people.services[mine].sum()),
                "presses": int(people.presses[mine].sum()),
                "mean_delay_s": _said(delay.mean_s[row], 1) if row is not None else None,
                "longest_delay_s": _said(delay.longest_s[row], 1) if row is not None else None,
            }
        )
    return found


def _quarters(log: Log, of: Configuration) -> list[Json]:
    """By phase and quarter hour: arrivals, arrivals on green, vehicles, split failures."""
    aog = arrivals.arrivals_on_green(log, of.detectors)
    volume = counts.approach_volume(log, of.detectors)
    failed = failures.split_failures(log, of.detectors)
    grid = np.unique(np.concatenate([aog.bin, volume.bin, failed.bin]))
    found = []
    for phase in sorted(of.phases):
        columns = {
            "arrivals": _spread(grid, aog.bin, aog.phase == phase, aog.total),
            "on_green": _spread(grid, aog.bin, aog.phase == phase, aog.on_green),
            "vehicles": _spread(grid, volume.bin, volume.key == phase, volume.total),
            "failures": _spread(grid, failed.bin, failed.phase == phase, failed.failures),
        }
        found.append({"phase": phase, "at": grid.tolist(), **columns})
    return found


def _spread(grid: Ints, at: Ints, mine: Any, values: Ints) -> list[int]:
    found = np.zeros(len(grid), np.int64)
    found[np.searchsorted(grid, at[mine])] = values[mine]
    return [int(value) for value in found]


def _detectors(log: Log, of: Configuration, names: Named, from_ms: int, to_ms: int) -> list[Json]:
    found = health.detector_health(log, of.detectors, from_ms, to_ms)
    rows: dict[int, Json] = {}
    for n, function in enumerate(of.detectors.function):
        detector, phase = int(found.detector[n]), int(found.phase[n])
        row = rows.setdefault(
            detector,
            {
                "detector": detector,
                "phase": phase,
                "name": names.get(of.phases.get(phase, ""), f"phase {phase}"),
                "functions": [],
                "actuations": int(found.actuations[n]),
                "longest_on_s": _said(found.longest_on_s[n], 1),
                "longest_silence_s": _said(found.longest_silence_s[n], 1),
                "verdict": health.WORDS[found.verdict[n]],
            },
        )
        row["functions"].append(function)
    return [rows[detector] for detector in sorted(rows)]


def _delays(found: waits.Delays) -> Json:
    many = int(found.total.sum())
    mean = float((found.mean_s * found.total).sum() / many) if many else None
    return {"calls": many, "mean_s": _said(mean, 1), "longest_s": _said(found.longest_s.max(), 1) if many else None}


def _row(keys: Ints, phase: int) -> int | None:
    places = np.flatnonzero(keys == phase)
    return int(places[0]) if len(places) else None


def _times(ended: counts.Terminations, phase: int, code: int) -> int:
    return int(ended.total[(ended.phase == phase) & (ended.code == code)].sum())


def _total(volume: counts.Counts, phase: int) -> float:
    return float(volume.total[volume.key == phase].sum())


def _said(value: Any, digits: int) -> float | None:
    """For JSON: rounded, null for what is not known."""
    return None if value is None or not np.isfinite(value) else round(float(value), digits)
