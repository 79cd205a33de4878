# SPDX-License-Identifier: Apache-2.0
"""What the traffic desk must know about its signals, and what to do."""

from __future__ import annotations

from dataclasses import replace

from smartcity.kernel.alarms import AlarmRule, Severity
from traffic.cabinet_alarms import DESK, OF_THE_CABINET, is_code, limit, stuck
from traffic.metrics import DOOR, MAINS, SOURCES, STATUS


def _status(
    word: str,
    severity: Severity,
    *,
    after_s: float,
    text: str,
    cause: str,
    consequence: str,
    response: str,
    within_s: int,
) -> AlarmRule:
    is_bad, is_good = is_code(STATUS.index(word))
    return AlarmRule(
        name=f"traffic.{word.replace(' ', '_')}",
        metric="traffic.status",
        kinds=("intersection",),
        severity=severity,
        is_bad=is_bad,
        is_good=is_good,
        on_delay_s=after_s,
        off_delay_s=60,
        text="{name}: " + text,
        cause=cause,
        consequence=consequence,
        response=response,
        respond_within_s=within_s,
        call=DESK,
    )


def _reported_apart(rule: AlarmRule, metric: str, code: int) -> AlarmRule:
    """The same condition at a controller that reports it beside its status, not instead of it."""
    is_bad, is_good = is_code(code)
    return replace(rule, name=metric, metric=metric, is_bad=is_bad, is_good=is_good)


_is_fallback, _is_not_fallback = is_code(SOURCES.index("fallback"))
_is_manual, _is_not_manual = is_code(SOURCES.index("manual"))


def _is_known(plan: float, signed: dict[str, object]) -> bool:
    """0: stages by request. Plans are those of the engineering data (`plans`), number 1 where they name none."""
    plans = signed.get("plans")
    return round(plan) in (0, *(plans if isinstance(plans, list | tuple) else (1,)))


_MAINS = _status(
    "mains fail",
    Severity.HIGH,
    after_s=10,
    text="mains have failed",
    cause="The supply to the cabinet is out.",
    consequence="The signal is dark, or runs on its battery for a while.",
    response="Ask the grid desk for the time of return; send a technician if other supplies nearby stand.",
    within_s=1800,
)
_DOOR = _status(
    "door open",
    Severity.LOW,
    after_s=120,
    text="cabinet door is open",
    cause="Somebody works at the cabinet, or has broken it open.",
    consequence="The centre cannot ask for stages; the fixed plan runs.",
    response="Check whether work is announced; otherwise send the patrol.",
    within_s=3600,
)
ALARMS: tuple[AlarmRule, ...] = (
    *OF_THE_CABINET,
    _status(
        "conflict trip",
        Severity.CRITICAL,
        after_s=0,
        text="conflict monitor has tripped, signal flashes",
        cause="The monitor saw conflicting greens, a red lamp out, or an intergreen cut short, and cut the signal off.",
        consequence="Traffic passes by the signs; the fault that tripped the monitor may be dangerous when reset.",
        response="Send a technician; never reset from afar. Ask the police to direct traffic at a main junction.",
        within_s=900,
    ),
    _status(
        "dark",
        Severity.HIGH,
        after_s=10,
        text="signal is dark",
        cause="The controller is off, or its lamp supply or its mains are cut.",
        consequence="Drivers meet a dark junction; people with poor sight lose the crossing's sound.",
        response="Send a technician; have the crossing guarded if it is on a school or main route.",
        within_s=1800,
    ),
    _status(
        "flashing",
        Severity.MEDIUM,
        after_s=30,
        text="signal flashes yellow",
        cause="The controller has switched to flashing by itself or by hand.",
        consequence="Traffic passes by the signs; no crossing is protected.",
        response="Ask the cabinet for the cause; restart from the desk if it allows, else send a technician.",
        within_s=3600,
    ),
    _MAINS,
    _reported_apart(_MAINS, "traffic.mains", MAINS.index("failed")),
    _DOOR,
    _reported_apart(_DOOR, "traffic.door", DOOR.index("open")),
    AlarmRule(
        name="traffic.fallback",
        metric="traffic.control_source",
        kinds=("intersection",),
        severity=Severity.MEDIUM,
        is_bad=_is_fallback,
        is_good=_is_not_fallback,
        on_delay_s=120,
        off_delay_s=60,
        text="{name}: does not follow the centre",
        cause="It says why (reason of the fallback): detectors, a silent centre, clocks, refusals, its monitor.",
        consequence="The junction is safe but waits are longer.",
        response="See whether its detectors report; restart the loop if many junctions fell back at once.",
        respond_within_s=3600,
        call=DESK,
    ),
    AlarmRule(
        name="traffic.manual",
        metric="traffic.control_source",
        kinds=("intersection",),
        severity=Severity.LOW,
        is_bad=_is_manual,
        is_good=_is_not_manual,
        on_delay_s=600,
        off_delay_s=60,
        text="{name}: a person chooses the stages",
        cause="Somebody holds a stage, at the cabinet or by an override, and has done so for ten minutes.",
        consequence="Neither the centre nor the fixed plan serves who waits; only the maximum red does.",
        response="Ask who holds it and why; end the override when it is no longer needed.",
        respond_within_s=3600,
        call=DESK,
    ),
    AlarmRule(
        name="traffic.plan",
        metric="traffic.plan",
        kinds=("intersection",),
        severity=Severity.LOW,
        is_bad=lambda value, signed: not _is_known(value, signed),
        is_good=_is_known,
        on_delay_s=600,
        off_delay_s=60,
        text="{name}: runs plan {value:.0f}, which its engineering data do not name",
        cause="The plan was chosen at the cabinet, its timetable is another's, or the data are out of date.",
        consequence="Greens and offsets are not those that were signed; neighbours are not in step.",
        response="Ask the signal engineer; choose the signed plan, or bring the engineering data (plans) up to date.",
        respond_within_s=8 * 3600,
        call=DESK,
    ),
    AlarmRule(
        name="traffic.long_red",
        metric="traffic.longest_red_s",
        kinds=("intersection",),
        severity=Severity.MEDIUM,
        is_bad=lambda value, signed: limit(signed) + 15 < value <= stuck(signed),
        is_good=lambda value, signed: not limit(signed) <= value <= stuck(signed),
        on_delay_s=10,
        off_delay_s=30,
        text="{name}: somebody has waited {value:.0f} s at red",
        cause="A stage with a call was not served within its maximum red.",
        consequence="People walk and drive at red when they have waited this long.",
        response="Set the junction to its fixed plan and report the case to the signal engineer.",
        respond_within_s=1800,
        call=DESK,
    ),
)
