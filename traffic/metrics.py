# SPDX-License-Identifier: Apache-2.0
"""What detectors and signal controllers measure."""

from __future__ import annotations

from functools import partial
from typing import Any

from smartcity.kernel.metrics import DataClass, Keep, Metric, Total

STATUS = ("ok", "dark", "flashing", "conflict trip", "door open", "mains fail")
SOURCES = ("local", "centre", "manual", "fallback")
DOOR = ("closed", "open")
MAINS = ("present", "failed")
RED_LAMP = ("works", "failed")
UPS = ("on mains", "on battery", "battery low")
RUNGS = ("adaptive", "actuated", "fixed plan", "flash")
REASONS = (
    "none", "a detector is silent", "most detectors have failed", "the centre is silent", "clocks disagree",
    "refusals in a row", "conflict monitor",
)  # fmt: skip
DETECTOR_FAULTS = ("none", "silent", "stuck on", "stuck off", "chatter", "implausible")


def _metric(name: str, title: str, unit: str, high: float, purpose: str, **more: Any) -> Metric:
    return Metric(name=f"traffic.{name}", title=title, unit=unit, low=0, high=high, purpose=purpose, **more)


_detected = partial(_metric, every_s=5.0, data_class=DataClass.PUBLIC, keep=Keep.EVERY, keep_every_s=60)
_reported = partial(_metric, every_s=5.0, data_class=DataClass.INTERNAL, keep=Keep.EVERY, keep_every_s=60)
_latest = partial(_metric, every_s=5.0, data_class=DataClass.INTERNAL, keep=Keep.LATEST, rolled=False)
_told = partial(  # each minute and at once when it changes
    _metric, every_s=60.0, data_class=DataClass.SAFETY, keep=Keep.EVERY, keep_every_s=60, total=Total.MAX
)
_measured = partial(_metric, every_s=60.0, data_class=DataClass.PUBLIC)

FLOW = _detected(
    "flow", "Traffic flow", "veh/h", 8000,
    "Counts vehicles so that signals and street lighting follow the traffic.", shared=True,
)  # fmt: skip
DETECTOR = (
    FLOW,
    _detected(
        "occupancy", "Detector occupancy", "%", 100,
        "Shows how full an approach is, to find split failures and spillback.",
        stuck_s=1800, rests_at=0,  # a loop that hangs says "full" for ever
    ),
    _detected("queue", "Queue", "veh", 200, "Counts standing vehicles so that the signal serves who waits."),
    _detected("speed", "Mean speed", "km/h", 130, "Tells free traffic from standing traffic on an approach."),
    _detected(
        "congestion", "Congestion", "1", 1,
        "Share of the free speed that is lost, for drivers, lighting and collection rounds.", shared=True,
    ),
)  # fmt: skip
STATE = (
    _reported(
        "stage", "Running stage", "1", 16,
        "Which stage is green (0 in the intergreen): what the controller confirms and measures rest on.",
        data_class=DataClass.SAFETY, keep_every_s=1, total=Total.LAST, rolled=False,
    ),
    _latest(
        "green_s", "Green so far", "s", 86_400,
        "Age of the running stage, from which the minimum green is checked.", total=Total.LAST,
    ),
    _reported(
        "longest_red_s", "Longest red with a call", "s", 86_400,
        "How long somebody has waited at red, from which the maximum red is checked.", total=Total.MAX,
    ),
    _latest(
        "waiting_stage", "Stage waiting longest", "1", 16,
        "The stage that would serve who has waited longest (0: nobody).", total=Total.LAST,
    ),
    _latest(
        "next_stage", "Stage that follows", "1", 16,
        "Which stage the controller changes to next by what it follows (0: nothing is planned), for signal timing.",
        total=Total.LAST,
    ),
    _latest(
        "ends_in_s", "Green left", "s", 86_400,
        "Seconds until the next stage is due, by what the controller follows: what people are told of the signal.",
        total=Total.LAST,
    ),
    _reported(
        "plan", "Running plan", "1", 99,
        "Number of the fixed plan that runs; 0 while stages come by request.", total=Total.LAST,
    ),
    _reported(
        "control_source", "Source of control", "1", len(SOURCES) - 1,
        "Who chooses the stages: the local plan, the centre, a person at the cabinet, or the fallback.",
        data_class=DataClass.SAFETY, states=SOURCES, total=Total.LAST,
    ),
    _reported(
        "status", "Controller status", "1", len(STATUS) - 1,
        "Whether the signal works, is dark or flashes, so that somebody is sent at once.",
        data_class=DataClass.SAFETY, states=STATUS, total=Total.MAX,
    ),
    _told(
        "door", "Cabinet door", "1", len(DOOR) - 1,
        "Whether somebody is at the cabinet, whatever the signal shows: then nothing is asked of it from afar.",
        states=DOOR,
    ),
    _told(
        "mains", "Mains", "1", len(MAINS) - 1,
        "Whether the supply stands, whatever the signal shows: on its battery it may go on for a while.",
        states=MAINS,
    ),
    _told(
        "red_lamp", "Red lamp", "1", len(RED_LAMP) - 1,
        "Whether every red lamp burns: without it a driver sees nothing that stops them.", states=RED_LAMP,
    ),
    _told(
        "ups", "Battery", "1", len(UPS) - 1,
        "What the cabinet lives on, so that somebody comes before the signal goes dark.", states=UPS,
    ),
    _told(
        "rung", "Way of control", "1", len(RUNGS) - 1,
        "Where the cabinet stands on its fallback ladder: stages by request, its own loops, its plan, or flashing.",
        states=RUNGS,
    ),
    _told(
        "fallback_reason", "Reason of the fallback", "1", len(REASONS) - 1,
        "Why the cabinet does not follow the centre, so that the cause is mended and not looked for.", states=REASONS,
    ),
    _told(
        "detector_fault", "Detector health", "1", len(DETECTOR_FAULTS) - 1,
        "What is wrong with a loop at the stop lines, by the cabinet: its lane is on recall meanwhile.",
        states=DETECTOR_FAULTS,
    ),
    _told(
        "detectors_failed", "Failed detectors", "1", 64,
        "How many devices at the stop lines the cabinet does not believe: with most of them gone it runs its plan.",
    ),
    _told(
        "clock_error_s", "Clock error", "s", 86_400 * 366,
        "How far the cabinet's clock and the centre's are apart: plans are in absolute seconds.",
    ),
    _told(
        "refused", "Refused requests", "1", 1e9,
        "Requests that broke a rule since the cabinet started: in normal running there is none.",
    ),
)  # fmt: skip
MEASURES = (
    _measured(
        "control_delay", "Control delay", "s/veh", 3600, "Mean time a vehicle loses at the signal, to compare plans."
    ),
    _measured(
        "pedestrian_wait", "Wait on foot", "s", 3600,
        "Expected wait of a person who comes to a crossing at a random moment: nobody may gain at their cost.",
    ),
    _measured(
        "fixed_plan_delay", "Control delay on the fixed plan", "s/veh", 3600,
        "What vehicles would lose on the fixed plan, run beside in the twin: the baseline of the adaptive plan.",
    ),
    _measured(
        "fixed_plan_pedestrian_wait", "Wait on foot on the fixed plan", "s", 3600,
        "What people on foot would wait on the fixed plan, run beside in the twin.",
    ),
)  # fmt: skip
TRAM = (
    _measured(
        "tram_flow", "Trams", "trams/h", 400,
        "Counts trams over the stop lines, so that their delay is weighed by their number.",
    ),
    _measured(
        "tram_delay", "Control delay of trams", "s/tram", 3600,
        "Mean time a tram loses at the signal, apart from cars: many people ride in one.",
    ),
    _measured(
        "fixed_plan_tram_delay", "Control delay of trams on the fixed plan", "s/tram", 3600,
        "What trams would lose on the fixed plan, run beside in the twin.",
    ),
)  # fmt: skip
SIGNAL = (*STATE, *MEASURES)
METRICS = (*DETECTOR, *SIGNAL, *TRAM)
