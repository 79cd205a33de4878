# SPDX-License-Identifier: Apache-2.0
"""Event codes of the Indiana enumerations, by what they say; the parameter is a phase unless another is named."""

from __future__ import annotations

from typing import Final

PHASE_ON: Final = 0
GREEN: Final = 1
MIN_GREEN_DONE: Final = 3
GAP_OUT: Final = 4
MAX_OUT: Final = 5
FORCE_OFF: Final = 6
GREEN_END: Final = 7
YELLOW: Final = 8
YELLOW_END: Final = 9
RED: Final = 10
RED_END: Final = 11
PHASE_OFF: Final = 12
WALK: Final = 21
PED_CLEARANCE: Final = 22
DONT_WALK: Final = 23
CALL: Final = 43
CALL_DROPPED: Final = 44
PED_CALL: Final = 45
OVERLAP_WALK: Final = 67
DETECTOR_OFF: Final = 81  # parameter: detector
DETECTOR_ON: Final = 82
DETECTOR_RESTORED: Final = 83
DETECTOR_FAULTS: Final = (84, 85, 86, 87, 88)  # other, watchdog, no activity, maximum presence, erratic
PED_DETECTOR_ON: Final = 90
PREEMPT_CALL: Final = 102  # parameter: pre-emption input
PREEMPT_CALL_END: Final = 104
PREEMPT_ENTRY: Final = 105
PREEMPT_EXIT: Final = 111
PRIORITY_CHECK_IN: Final = 112
EARLY_GREEN: Final = 113
EXTENSION: Final = 114
PRIORITY_CHECK_OUT: Final = 115
PATTERN: Final = 131  # parameter: pattern
CYCLE_LENGTH: Final = 132  # parameter: seconds
COORDINATION_STATE: Final = 150
MANUAL: Final = 178  # parameter: 1 on, 0 off
STATUS: Final = 173  # unit flash status
ALARM: Final = 174
CLOCK_SET: Final = 181
POWER_FAILED: Final = 182
POWER_RESTORED: Final = 184
LAST_STANDARD: Final = 218
SPLIT_OF_PHASE: Final = range(300, 318)  # a maker's own: 301 to 316 carry a split, in seconds
ACTUAL_CYCLE: Final = 316
ACTUAL_OFFSET: Final = 318

WORDS: Final = {
    PHASE_ON: "phase on", GREEN: "green begins", MIN_GREEN_DONE: "minimum green over", GAP_OUT: "gap-out",
    MAX_OUT: "max-out", FORCE_OFF: "force-off", GREEN_END: "green ends", YELLOW: "yellow begins",
    YELLOW_END: "yellow ends", RED: "red clearance begins", RED_END: "red clearance ends", PHASE_OFF: "phase off",
    WALK: "walk begins", PED_CLEARANCE: "pedestrian clearance begins", DONT_WALK: "don't walk begins",
    CALL: "phase called", CALL_DROPPED: "phase call dropped", PED_CALL: "pedestrian call registered",
    DETECTOR_OFF: "detector off", DETECTOR_ON: "detector on", PED_DETECTOR_ON: "push button",
    PREEMPT_CALL: "pre-emption called", PREEMPT_CALL_END: "pre-emption call ends", PREEMPT_ENTRY: "pre-emption begins",
    PREEMPT_EXIT: "pre-emption ends", PRIORITY_CHECK_IN: "priority requested", EARLY_GREEN: "early green",
    EXTENSION: "green extended", PRIORITY_CHECK_OUT: "priority request ends", PATTERN: "plan changes",
    CYCLE_LENGTH: "cycle length changes", MANUAL: "operated by hand", STATUS: "flash status", ALARM: "alarm",
    CLOCK_SET: "clock set", POWER_FAILED: "mains failed", POWER_RESTORED: "mains restored",
}  # fmt: skip
