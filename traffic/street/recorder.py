# SPDX-License-Identifier: Apache-2.0
"""The high-resolution event log of a cabinet, seen from outside each second: what it shows, what its loops feel.

A phase is an approach, numbered in the order of their names; the crossing over it has the same number. Detectors of
phase n: n at the stop line (presence), 20 + n where the stop-line lane begins (advance), 40 + n counts who crosses the
line. Away from its fixed plan a cabinet that ends a green when nobody was at the line for GAP_S logs a gap-out; all
other greens are forced off. It has no maximum green, so there is no max-out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from traffic import event_codec
from traffic.atspm import codes
from traffic.event_codec import Event
from traffic.metrics import SOURCES, STATUS
from traffic.street.stages import Programme

ADVANCE, COUNT = 20, 40  # added to the phase
GAP_S = 3
LOOP_MS = 300  # how long a passing vehicle covers a loop
BATCH_S = 30
MOST_KEPT = 20_000  # events of a cabinet that cannot send, the oldest go first
MANUAL = SOURCES.index("manual")
FLASH = {"flashing": 3, "conflict trip": 5}  # parameter of code 173
NOT_FLASHING = 2
GREEN, YELLOW, RED = "gyr"


class Shown(Protocol):
    """The part of a cabinet that can be seen from outside."""

    programme: Programme
    running: int
    changing_to: int
    status: int

    @property
    def plan(self) -> int: ...

    @property
    def source(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Second:
    """One approach in one second: somebody at the stop line, vehicles that came and that left, a button pressed."""

    at_line: bool
    came: int
    left: int
    pressed: bool = False


class Recorder:
    """Hears each second once, in order; `batch` hands out what has gathered."""

    def __init__(self, approaches: Sequence[str], crossings: Sequence[str] = ()) -> None:
        self.phases = {uid: number for number, uid in enumerate(sorted(approaches), start=1)}
        self.crossings = frozenset(crossings)
        self.events: list[Event] = []
        self.number = 0
        self._light = dict.fromkeys(self.phases, "")
        self._changing_since = 0
        self._was_changing = False
        self._occupied = dict.fromkeys(self.phases, False)
        self._last_at_line = dict.fromkeys(self.phases, 0)
        self._called = dict.fromkeys(self.phases, False)
        self._pressed = dict.fromkeys(self.phases, False)
        self._open = dict.fromkeys(self.phases, False)
        self._told: dict[int, int] = {}

    def second(self, now: int, cabinet: Shown, state: str, seen: Mapping[str, Second]) -> None:
        """`now` in whole seconds; `state` is what the cabinet has just answered, shown from now on."""
        self._unit(now * 1000, cabinet)
        if cabinet.changing_to and not self._was_changing:
            self._changing_since = now
        self._was_changing = bool(cabinet.changing_to)
        for uid, phase in self.phases.items():
            one = seen.get(uid, Second(at_line=False, came=0, left=0))
            self._detectors(now, uid, phase, one)
            self._signal(now, uid, phase, self._shows(now, uid, cabinet, state), cabinet)
            self._call(now, uid, phase, one)
            if uid in self.crossings:
                self._crossing(now, uid, phase, one, is_open=_is_open(uid, cabinet, state))
        del self.events[:-MOST_KEPT]

    def batch(self, now_ms: int) -> bytes | None:
        """The next batch of what has gathered, or None."""
        if not self.events:
            return None
        self.events.sort(key=lambda event: event.at_ms)
        taken = list(islice(self.events, event_codec.MOST_EVENTS))
        del self.events[: len(taken)]
        self.number += 1
        return event_codec.write(taken, self.number, now_ms)

    def configuration(self, to_line_s: Mapping[str, float], lanes: Mapping[str, int]) -> dict[str, object]:
        """What the cabinet announces so that its log can be read."""
        return {
            "phases": {str(number): uid for uid, number in self.phases.items()},
            "crossings": sorted(self.phases[uid] for uid in self.crossings if uid in self.phases),
            "detectors": [
                {"detector": number + shift, "phase": number, "function": function, "lanes": lanes.get(uid, 1)}
                | ({"to_line_s": round(to_line_s.get(uid, 0.0), 1)} if function == "Advance" else {})
                for uid, number in self.phases.items()
                for function, shift in (("Presence", 0), ("Advance", ADVANCE), ("Count", COUNT), ("Yellow_Red", COUNT))
            ],
        }

    def _log(self, at_ms: int, parameter: int, *found: int) -> None:
        self.events += [Event(at_ms, code, parameter) for code in found]

    def _unit(self, at_ms: int, cabinet: Shown) -> None:
        """What concerns the whole cabinet: plan, cycle, somebody at the switch, flashing, dark."""
        programme, status = cabinet.programme, STATUS[cabinet.status]
        cycle = round(sum(green + programme.intergreen_s for _, green in programme.plan)) if cabinet.plan else 0
        self._tell(at_ms, codes.PATTERN, cabinet.plan)
        self._tell(at_ms, codes.CYCLE_LENGTH, cycle)
        self._tell(at_ms, codes.MANUAL, int(cabinet.source == MANUAL), first=0)
        self._tell(at_ms, codes.STATUS, FLASH.get(status, NOT_FLASHING), first=NOT_FLASHING)
        was_dark = self._told.get(codes.POWER_FAILED, 0)
        if (status == "dark") != bool(was_dark):
            self._log(at_ms, 0, codes.POWER_RESTORED if was_dark else codes.POWER_FAILED)
            self._told[codes.POWER_FAILED] = int(not was_dark)

    def _tell(self, at_ms: int, code: int, value: int, first: int | None = None) -> None:
        if self._told.get(code, first) != value:
            self._log(at_ms, value, code)
        self._told[code] = value

    def _shows(self, now: int, uid: str, cabinet: Shown, state: str) -> str:
        """Green, yellow or red of an approach; nothing while the signal shows no stages."""
        if STATUS[cabinet.status] != "ok":
            return ""
        if not set(state) & set("Ggy"):
            return RED
        may = _serves(cabinet, cabinet.running).get(uid, 0.0) > 0
        if cabinet.changing_to:
            stays = may and _serves(cabinet, cabinet.changing_to).get(uid, 0.0) > 0
            if may and not stays:
                return YELLOW if now - self._changing_since < cabinet.programme.yellow_s else RED
            may = stays
        return GREEN if may else RED

    def _signal(self, now: int, uid: str, phase: int, light: str, cabinet: Shown) -> None:
        before, at = self._light[uid], now * 1000
        if light == before:
            return
        if before == GREEN:
            has_gap = not cabinet.plan and now - self._last_at_line[uid] > GAP_S
            reason = codes.GAP_OUT if has_gap else codes.FORCE_OFF
            self._log(at, phase, *((reason,) if light else ()), codes.GREEN_END)
        if before == YELLOW:
            self._log(at, phase, codes.YELLOW_END)
        if light == GREEN:
            self._log(at, phase, codes.PHASE_ON, codes.GREEN)
        elif light == YELLOW:
            self._log(at, phase, codes.YELLOW)
        elif before == YELLOW and light == RED:
            self._log(at, phase, codes.RED)
            ends = at + round(1000 * cabinet.programme.all_red_s)
            self._log(ends, phase, codes.RED_END, codes.PHASE_OFF)
        self._light[uid] = light

    def _detectors(self, now: int, uid: str, phase: int, seen: Second) -> None:
        for detector, many in ((phase + ADVANCE, seen.came), (phase + COUNT, seen.left)):
            for n in range(many):
                on = (now - 1) * 1000 + (n + 1) * 1000 // (many + 1)
                self._log(on, detector, codes.DETECTOR_ON)
                self._log(min(on + LOOP_MS, now * 1000 + 999), detector, codes.DETECTOR_OFF)
        if seen.at_line != self._occupied[uid]:
            self._log(now * 1000, phase, codes.DETECTOR_ON if seen.at_line else codes.DETECTOR_OFF)
            self._occupied[uid] = seen.at_line
        if seen.at_line or seen.left:
            self._last_at_line[uid] = now

    def _call(self, now: int, uid: str, phase: int, seen: Second) -> None:
        """A phase is called while somebody waits for it, and until nobody is at the line in green."""
        wants = seen.at_line
        if wants != self._called[uid] and (not wants or self._light[uid] != GREEN):
            self._log(now * 1000, phase, codes.CALL if wants else codes.CALL_DROPPED)
            self._called[uid] = wants

    def _crossing(self, now: int, uid: str, phase: int, seen: Second, *, is_open: bool) -> None:
        if seen.pressed and not self._pressed[uid] and not is_open:
            self._log(now * 1000, phase, codes.PED_DETECTOR_ON, codes.PED_CALL)
        self._pressed[uid] = seen.pressed
        if is_open != self._open[uid]:
            self._log(now * 1000, phase, *((codes.WALK,) if is_open else (codes.PED_CLEARANCE, codes.DONT_WALK)))
            self._open[uid] = is_open


def _serves(cabinet: Shown, stage: int) -> Mapping[str, float]:
    return next((one.serves for one in cabinet.programme.stages if one.number == stage), {})


def _is_open(uid: str, cabinet: Shown, state: str) -> bool:
    """A crossing is open while no vehicle of its approach may go, between changes."""
    may_go = _serves(cabinet, cabinet.running).get(uid, 0.0) > 0
    return STATUS[cabinet.status] == "ok" and not cabinet.changing_to and not may_go and bool(set(state) & set("Gg"))
