# SPDX-License-Identifier: Apache-2.0
"""What no stage request may break. The cabinet checks the same again and has the last word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from smartcity.kernel.control import Interlock, Setpoint, Situation
from traffic import plans
from traffic.metrics import STATUS

STALE_S = 20.0
AHEAD_S = 1.0  # a report from further in the future was dated by a clock that is wrong
KINDS = ("intersection",)


def _segments(setpoint: Setpoint, situation: Situation) -> tuple[plans.Segment, ...]:
    """The stages asked for; a hold is a plan of one segment. Raises BadPlan."""
    if setpoint.point == "stage":
        try:
            return (plans.Segment(int(float(setpoint.value)), situation.now_ms // 1000),)
        except (ValueError, OverflowError):
            raise plans.BadPlan(f"{setpoint.value!r} is not the number of a stage") from None
    return plans.read(setpoint.value)


def _checked(
    rule: Callable[[tuple[plans.Segment, ...], Situation], str | None],
) -> Callable[[Setpoint, Situation], str | None]:
    """A rule over segments; what cannot be read is refused."""

    def check(setpoint: Setpoint, situation: Situation) -> str | None:
        try:
            return rule(_segments(setpoint, situation), situation)
        except plans.BadPlan as error:
            return str(error)
        except (KeyError, TypeError, ValueError, AttributeError):
            return "the announced stage table cannot be read"

    return check


def _is_announced(segments: tuple[plans.Segment, ...], situation: Situation) -> str | None:
    stages = situation.announced.get("stages")
    if not stages:
        return "the controller has not announced its stages"
    known = {int(stage["number"]) for stage in stages}
    unknown = [s.stage for s in segments if s.stage not in known]
    return f"the controller has no stage {unknown[0]}" if unknown else None


def _works(segments: tuple[plans.Segment, ...], situation: Situation) -> str | None:
    del segments
    status = _fresh(situation, "traffic.status")
    if status is None:
        return "the controller's status is not known"
    if round(status) != 0:
        return f"the signal is {STATUS[round(status)]}"
    if round(situation.reported.get("traffic.door", 0.0)):
        return "the cabinet door is open"
    return "the mains have failed" if round(situation.reported.get("traffic.mains", 0.0)) else None


def _minimum_green(segments: tuple[plans.Segment, ...], situation: Situation) -> str | None:
    """Every stage of the plan, and the one that runs, gets its minimum green and the announced intergreen.

    The longer of what the controller announced and what is signed.
    """
    least = max(float(situation.announced["min_green_s"]), float(situation.signed.get("min_green_s", 0.0)))
    for a, b in pairwise(segments):
        between = intergreen_s(situation.announced, a.stage, b.stage)
        if between is None:
            return f"no intergreen is announced from stage {a.stage} to stage {b.stage}"
        if b.start_s - a.start_s < least + between:
            return f"stage {a.stage} would get less than its minimum green of {least:.0f} s"
    running, green = _fresh(situation, "traffic.stage"), _fresh(situation, "traffic.green_s")
    if running is None or green is None:
        return "the running stage is not known"
    if round(running) in (0, segments[0].stage):
        return None
    if intergreen_s(situation.announced, round(running), segments[0].stage) is None:
        return f"no intergreen is announced from stage {running:.0f} to stage {segments[0].stage}"
    age = green + situation.ages_s["traffic.green_s"] + max(0.0, segments[0].start_s - situation.now_ms / 1000)
    return None if age >= least else f"stage {running:.0f} has {least - age:.0f} s of its minimum green to go"


def intergreen_s(announced: Mapping[str, Any], before: int, after: int) -> float | None:
    """Seconds from the end of one stage to the start of another, from the announced table; None when it is silent."""
    seconds = announced["intergreen_s"].get(str(before), {}).get(str(after))
    return None if seconds is None else float(seconds)


def _maximum_red(segments: tuple[plans.Segment, ...], situation: Situation) -> str | None:
    """Whoever has waited longest is served before the maximum red; a plan that ignores them is refused.

    The shorter of what the controller announced and what is signed; nothing passes without a signed timing sheet.
    """
    if "max_red_s" not in situation.signed:
        return "no timing sheet is signed for this junction, or not any more: its local plan stands"
    most = min(float(situation.announced["max_red_s"]), float(situation.signed["max_red_s"]))
    red, waiting = _fresh(situation, "traffic.longest_red_s"), _fresh(situation, "traffic.waiting_stage")
    if not red or not waiting:
        return None
    waited = red + situation.ages_s["traffic.longest_red_s"]
    begins = next((s.start_s - situation.now_ms / 1000 for s in segments if s.stage == round(waiting)), None)
    if begins is None:
        is_too_long = waited >= most - 10
    else:
        is_too_long = waited + max(0.0, begins) > most + 5 and begins > 5
    return f"stage {waiting:.0f} has waited {waited:.0f} s of at most {most:.0f}" if is_too_long else None


def _conflicts(segments: tuple[plans.Segment, ...], situation: Situation) -> str | None:
    """Between conflicting stages the announced intergreen is never shorter than yellow plus all-red."""
    least = float(situation.announced["yellow_s"])
    pairs = {frozenset(map(int, pair)) for pair in situation.announced["conflicts"]}
    for a, b in pairwise(segments):
        between = intergreen_s(situation.announced, a.stage, b.stage)
        if frozenset((a.stage, b.stage)) in pairs and (between is None or between < least):
            return f"stages {a.stage} and {b.stage} conflict and no intergreen parts them"
    return None


def _clock(segments: tuple[plans.Segment, ...], situation: Situation) -> str | None:
    """Plans are in absolute seconds: a cabinet whose clock is ahead would follow them too early.

    One that is behind cannot be told from a line that is slow; the cabinet sees that itself (street/ladder.py).
    """
    del segments
    ahead = -min(situation.ages_s.get(metric, 0.0) for metric in ("traffic.stage", "traffic.green_s"))
    return f"the cabinet's clock is {ahead:.0f} s ahead" if ahead > AHEAD_S else None


def _fresh(situation: Situation, metric: str) -> float | None:
    if situation.ages_s.get(metric, STALE_S + 1) > STALE_S:
        return None
    return situation.reported.get(metric)


INTERLOCKS = (
    Interlock("announced stages", KINDS, ("stage", "stage_plan"), _checked(_is_announced), "announced stage table"),
    Interlock("normal operation", KINDS, ("stage", "stage_plan"), _checked(_works), "EN 12675"),
    Interlock("clock skew", KINDS, ("stage", "stage_plan"), _checked(_clock), "plans in absolute seconds"),
    Interlock("minimum green", KINDS, ("stage", "stage_plan"), _checked(_minimum_green), "RiLSA 2015, 2.7"),
    Interlock("maximum red", KINDS, ("stage_plan",), _checked(_maximum_red), "signed timing sheet"),
    Interlock("conflicting stages", KINDS, ("stage", "stage_plan"), _checked(_conflicts), "announced intergreens"),
)
