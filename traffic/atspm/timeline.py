# SPDX-License-Identifier: Apache-2.0
"""The log as intervals: greens, walks, calls, pre-emptions, faults, each with begin, end and whether it can be trusted.

What pairs with what follows the enumerations; how an interval becomes invalid follows the package atspm 2.6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from traffic.atspm import codes
from traffic.atspm.log import NEVER, Bools, Floats, Ints, Log, carried, following, preceding, runs, starts

INSTANT_S = 1.0
CLOCK_WINDOW_MS = 5_000
LONGEST_CLEARANCE_S = 10.0
SILENCE_FROM = ((5 * 60, 300), (6 * 60, 120), (21 * 60, 300), (23 * 60, 900))  # minute of day, s without any event
DAY_MIN = 1440


@dataclass(frozen=True, slots=True)
class Pair:
    """An interval from `start` to `end` of one parameter. Longer than `most_s` it is not to be trusted."""

    name: str
    start: int
    end: int
    most_s: float = 0.0


PAIRS = (
    Pair("Advance Warning Overlap", 71, 72), Pair("Advance Warning Phase", 55, 56), Pair("FYA", 32, 33),
    Pair("Green", codes.GREEN, codes.GREEN_END), Pair("Yellow", codes.YELLOW, codes.YELLOW_END, LONGEST_CLEARANCE_S),
    Pair("Red", codes.RED, codes.RED_END, LONGEST_CLEARANCE_S), Pair("Overlap Ped", 67, 65),
    Pair("Ped Service", codes.WALK, codes.DONT_WALK), Pair("Phase Call", codes.CALL, codes.CALL_DROPPED),
    Pair("Phase Hold", 41, 42), Pair("Phase Omit", 46, 47), Pair("Ped Omit", 48, 49),
    Pair("Ped Detector Failed", 91, 92),
    Pair("Preempt", codes.PREEMPT_CALL, codes.PREEMPT_CALL_END), Pair("Special Function", 176, 177),
    Pair("TSP Call", codes.PRIORITY_CHECK_IN, codes.PRIORITY_CHECK_OUT), Pair("TSP Detector", 94, 93),
    Pair("TSP Service", 118, 119), Pair("Split", codes.PHASE_ON, codes.PHASE_OFF),
)  # fmt: skip
SWITCHES = {202: "Aux Switch", 180: "Stop Time Input", 178: "Manual Control"}
INSTANTS = {
    131: "Pattern Change", 179: "Interval Advance", 182: "Power Failure", 184: "Power Restored",
    132: "Cycle Length Change", 133: "Offset Change", 181: "Clock Update",
}  # fmt: skip
FAULTS = {84: "Other", 85: "Watchdog", 86: "Stuck Off", 87: "Stuck On", 88: "Erratic"}
TRANSITIONS = {2: "Transition Longway", 3: "Transition Shortway", 4: "Transition Dwell"}
FLASH = {1: "Other", 2: "Not Flash", 3: "Automatic", 4: "Local Manual", 5: "Fault Monitor", 6: "MMU", 7: "Startup",
         8: "Preempt"}  # fmt: skip
ALARM_BITS = ("Cycle Fault", "Coord Fault", "Coord Fail", "Cycle Fail", "MMU Flash", "Local Flash")
OVERLAPS = {61: "Overlap Green", 62: "Overlap Trail Green", 63: "Overlap Yellow", 64: "Overlap Red"}


@dataclass(frozen=True, slots=True)
class Intervals:
    """Columns of equal length; instants in ms. `value` is the parameter (phase, detector, input, pattern, …)."""

    name: str
    begin: Ints
    end: Ints
    device: Ints
    value: Ints
    valid: Bools

    def __len__(self) -> int:
        return len(self.begin)

    @property
    def seconds(self) -> Floats:
        return (self.end - self.begin) / 1000

    def take(self, which: Bools) -> Intervals:
        return Intervals(self.name, self.begin[which], self.end[which], self.device[which], self.value[which],
                         self.valid[which])  # fmt: skip


def timeline(log: Log, *, least_s: float = 0.0, instant_s: float = INSTANT_S) -> dict[str, Intervals]:
    """Every kind of interval the log has, by name; those without an end, or shorter than `least_s`, are left out."""
    silent = _untrusted(log)
    found = {}
    for one in _all(log, round(instant_s * 1000)):
        closed = one.take((one.end > NEVER) & (one.end - one.begin >= 1000 * least_s))
        if len(closed):
            is_instant = closed.name in INSTANTS.values()
            found[closed.name] = closed if is_instant else _checked(closed, silent)
    return found


def _all(log: Log, instant_ms: int) -> Iterator[Intervals]:
    for pair in PAIRS:
        yield paired(log, pair)
    for code, name in SWITCHES.items():
        yield _switched(log.only(code), name)
    for code, name in INSTANTS.items():
        found = log.only(code)
        yield Intervals(name, found.at, found.at + instant_ms, found.device, found.parameter, found.code == code)
    yield from _transitions(log)
    yield from _adjusted(log)
    yield from _faults(log)
    yield from _overlaps(log)
    yield from _alarms(log, instant_ms)
    yield pedestrian_delays(log)
    yield phase_waits(log)


def paired(log: Log, pair: Pair, *, strays: bool = False) -> Intervals:
    """From each begin to the next event of its pair; with `strays` from an end to the next end too, as invalid ones."""
    found, new, then = _sorted(log.only(pair.start, pair.end))
    end = following(found.at, new)
    begins = found.code == pair.start
    valid = begins & (then == pair.end)
    if pair.most_s:
        valid &= end - found.at <= 1000 * pair.most_s
    rows = begins | (then == pair.end) if strays else begins
    return Intervals(pair.name, found.at, end, found.device, found.parameter, valid).take(rows)


def _sorted(found: Log) -> tuple[Log, Bools, Ints]:
    """By device, parameter, instant and code; where groups start; the code that follows in the group."""
    found = found.take(np.lexsort((found.code, found.at, found.parameter, found.device)))
    new = starts(found.device, found.parameter)
    return found, new, following(found.code, new)


def _switched(found: Log, name: str) -> Intervals:
    """An input whose parameter says on (1) or off (0)."""
    found = found.take(np.lexsort((found.at, found.device)))
    new = starts(found.device)
    then = following(found.parameter, new)
    rows = (found.parameter == 1) | ((found.parameter == 0) & (then == 0))
    valid = (found.parameter == 1) & (then == 0)
    return Intervals(name, found.at, following(found.at, new), found.device, found.parameter, valid).take(rows)


def _transitions(log: Log) -> Iterator[Intervals]:
    found = log.only(codes.COORDINATION_STATE)
    found = found.take(found.parameter <= 4)
    found = found.take(np.lexsort((-found.parameter, found.at, found.device)))
    end = following(found.at, starts(found.device))
    for state, name in TRANSITIONS.items():
        rows = found.parameter == state
        yield Intervals(name, found.at, end, found.device, found.parameter, rows).take(rows)


def _adjusted(log: Log) -> Iterator[Intervals]:
    """Early green and green extension of a priority request, to the next of its events."""
    found, new, _ = _sorted(log.only(codes.EARLY_GREEN, codes.EXTENSION, codes.PRIORITY_CHECK_OUT))
    rows = found.code != codes.PRIORITY_CHECK_OUT
    yield Intervals("TSP Adjustment", found.at, following(found.at, new), found.device, found.parameter, rows).take(
        rows
    )


def _faults(log: Log) -> Iterator[Intervals]:
    found, new, then = _sorted(log.only(codes.DETECTOR_RESTORED, *FAULTS))
    end = following(found.at, new)
    for code, name in FAULTS.items():
        rows = found.code == code
        valid = then == codes.DETECTOR_RESTORED
        yield Intervals(name, found.at, end, found.device, found.parameter, valid).take(rows)


def _overlaps(log: Log) -> Iterator[Intervals]:
    found, new, then = _sorted(log.only(*range(61, 67)))
    end = following(found.at, new)
    group = np.cumsum(new) - 1
    goes_off = np.bincount(group[found.code == 65], minlength=int(new.sum()))[group] > 0 if len(found) else new
    for code, name in OVERLAPS.items():
        rows = found.code == code
        valid = {63: rows, 64: (then == 65) | ((then == 61) & ~goes_off)}.get(code, then != code)
        yield Intervals(name, found.at, end, found.device, found.parameter, valid).take(rows)


def _alarms(log: Log, instant_ms: int) -> Iterator[Intervals]:
    for code in (codes.STATUS, codes.ALARM):
        found = log.only(code)
        found = found.take(np.lexsort((-found.parameter, found.at, found.device)))
        end = following(found.at, starts(found.device))
        end = np.where(end == NEVER, found.at + instant_ms, end)
        names = {f"Flash - {word}": found.parameter == n for n, word in FLASH.items()}
        if code == codes.ALARM:
            names = {word: found.parameter >> bit & 1 == 1 for bit, word in enumerate(ALARM_BITS)}
        for name, rows in names.items():
            yield Intervals(name, found.at, end, found.device, found.parameter, rows).take(rows)


def pedestrian_delays(log: Log) -> Intervals:
    """From the first press (90) after a pedestrian clearance (22) to the next walk (21); the phase's first press too.

    FHWA ATSPM, pedestrian delay.
    """
    found, new, _ = _sorted(log.only(codes.PED_DETECTOR_ON, codes.WALK, codes.PED_CLEARANCE))
    before = preceding(found.code, new)
    walk = _next_of(found, new, (codes.WALK, codes.PED_CLEARANCE))
    pressed = found.code == codes.PED_DETECTOR_ON
    first = pressed & ((before == codes.PED_CLEARANCE) | (before == NEVER) | (walk == NEVER))
    return Intervals("Ped Delay", found.at, walk, found.device, found.parameter, pressed).take(first)


def _next_of(found: Log, new: Bools, which: Sequence[int]) -> Ints:
    """The instant of the next event of these codes in the group, after this row."""
    if not len(found):
        return found.at
    backwards = slice(None, None, -1)
    last = np.append(new[1:], True)
    at = carried(found.at[backwards], np.isin(found.code, which)[backwards], last[backwards])[backwards]
    return following(at, new)


def phase_waits(log: Log) -> Intervals:
    """From a call (43) to green (1), and from the end of a green (7) to the next green while the call stands.

    A call dropped (44) before green is no wait. A wait is invalid where its call never drops, or where a green, yellow
    or red clearance of the controller that overlaps it is.
    """
    found, new, then = _sorted(log.only(codes.CALL, codes.CALL_DROPPED, codes.GREEN, codes.GREEN_END))
    end = following(found.at, new)
    is_call = np.isin(found.code, (codes.CALL, codes.CALL_DROPPED))
    stands = carried(found.code, is_call, new) == codes.CALL
    rows = (then == codes.GREEN) & ((found.code == codes.CALL) | ((found.code == codes.GREEN_END) & stands))
    waits = Intervals("Phase Wait", found.at, end, found.device, found.parameter, rows).take(rows)
    valid = _call_holds(log, waits)
    broken = [paired(log, pair, strays=True) for pair in PAIRS if pair.name in ("Green", "Yellow", "Red")]
    bad = [one.take(~one.valid & (one.end > NEVER)) for one in broken]
    device, begin, end = (np.concatenate([getattr(one, name) for one in bad]) for name in ("device", "begin", "end"))
    valid &= ~overlapping(waits, (device, begin, end))
    return Intervals("Phase Wait", waits.begin, waits.end, waits.device, waits.value, valid)


def _call_holds(log: Log, waits: Intervals) -> Bools:
    """Whether the call each wait begins in is valid; where it begins in none, it is taken as valid."""
    calls = paired(log, next(pair for pair in PAIRS if pair.name == "Phase Call"), strays=True)
    rows = np.concatenate([np.zeros(len(calls), np.int64), np.ones(len(waits), np.int64)])
    keys = [np.concatenate([getattr(calls, name), getattr(waits, name)]) for name in ("device", "value", "begin")]
    order = np.lexsort((rows, keys[2], keys[1], keys[0]))
    new = starts(keys[0][order], keys[1][order])
    place = carried(order, rows[order] == 0, new, -1)
    of = np.full(len(rows), -1, np.int64)
    of[order] = place
    mine = of[len(calls) :]
    if not len(calls):
        return np.ones(len(waits), np.bool_)
    inside = (mine >= 0) & (waits.begin < calls.end[np.maximum(mine, 0)])
    return ~inside | calls.valid[np.maximum(mine, 0)]


def overlapping(of: Intervals, windows: tuple[Ints, Ints, Ints]) -> Bools:
    """Which intervals share time with a window (device, begin, end) of their device.

    The latest end of all windows that begin before an interval ends must lie after its begin.
    """
    device, begin, end = windows
    order = np.lexsort((begin, device))
    device, begin, end = device[order], begin[order], end[order]
    if not len(device):
        return np.zeros(len(of), np.bool_)
    latest = end.copy()
    for first, stop in runs(starts(device)):
        latest[first:stop] = np.maximum.accumulate(end[first:stop])
    hit = np.zeros(len(of), np.bool_)
    for first, stop in runs(starts(device)):
        mine = np.flatnonzero(of.device == device[first])
        place = np.searchsorted(begin[first:stop], of.end[mine], "left") - 1
        hit[mine] = (place >= 0) & (latest[first:stop][np.maximum(place, 0)] > of.begin[mine])
    return hit


def _untrusted(log: Log) -> tuple[Ints, Ints, Ints]:
    """Windows (device, begin, end) whose instants are not to be trusted: a clock set, a silence too long."""
    clock = log.only(codes.CLOCK_SET)
    every = log.take(np.lexsort((log.at, log.device)))
    new = starts(every.device)
    before = preceding(every.at, new)
    minute = before // 60_000 % DAY_MIN
    limit = np.array([SILENCE_FROM[-1][1], *(s for _, s in SILENCE_FROM)])
    allowed = limit[np.searchsorted([m for m, _ in SILENCE_FROM], minute, "right")]
    gap = (before != NEVER) & (every.at - before > 1000 * allowed)
    return (
        np.concatenate([clock.device, every.device[gap]]),
        np.concatenate([clock.at - CLOCK_WINDOW_MS, before[gap]]),
        np.concatenate([clock.at + CLOCK_WINDOW_MS, every.at[gap]]),
    )


def _checked(of: Intervals, windows: tuple[Ints, Ints, Ints]) -> Intervals:
    valid = of.valid & ~overlapping(of, windows)
    return Intervals(of.name, of.begin, of.end, of.device, of.value, valid)
