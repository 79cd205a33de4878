# SPDX-License-Identifier: Apache-2.0
"""Controllers to compare with: SUMO's own actuated control, greedy, max-pressure, on the same detectors and rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

import libsumo
import numpy as np

from traffic.planner.centre import State
from traffic.street.anynet import AnyNet, is_green

if TYPE_CHECKING:
    from traffic.street.trial import Field

EVERY_S = 10  # the published controllers choose once in ten seconds, yellow included
GREEDY_M, PRESSURE_M = 50.0, 200.0


def actuated(net: AnyNet) -> str:
    """SUMO's gap-based control in the networks' own order of phases: green 5 to 50 s, max-gap 3 s."""
    rows = ["<additional>"]
    for signal in net.signals.values():
        rows.append(f'<tlLogic id={quoteattr(signal.id)} type="actuated" programID="measured" offset="0">')
        rows.append('<param key="max-gap" value="3.0"/><param key="detector-gap" value="2.0"/>')
        for state, seconds in signal.phases:
            bounds = ' minDur="5" maxDur="50"' if is_green(state) else ""
            rows.append(f'<phase duration="{seconds:g}" state="{state}"{bounds}/>')
        rows.append("</tlLogic>")
    return "\n".join([*rows, "</additional>"])


def greedy(place: Field, state: State, now: int) -> int:
    """Every ten seconds the stage whose lanes hold most vehicles within 50 m."""
    if not _is_due(place, state, now):
        return 0
    model = place.site.model
    counts = np.array([_within(place, i, GREEDY_M) for i in range(len(model.lanes))])
    return _best(model.share @ counts, state)


def max_pressure(place: Field, state: State, now: int) -> int:
    """Every ten seconds the stage with most pressure (Varaiya 2013): vehicles before the stop lines of what it opens,
    less those in the lanes they would go to. Lanes are traced upstream over nodes without a signal."""
    if not _is_due(place, state, now):
        return 0
    site = place.site
    before = np.array([_within(place, i, PRESSURE_M) for i in range(len(site.model.lanes))])
    beyond = {lane: libsumo.lane.getLastStepVehicleNumber(lane) for lane in site.exits}
    after = np.array([np.mean([beyond[x] for x in site.out_of[i]]) for i in range(len(site.model.lanes))])
    return _best(site.model.share @ (before - after), state)


def _within(place: Field, lane: int, metres: float) -> float:
    """Vehicles before one stop line; those in a piece that feeds several lanes are parted equally."""
    if place.frame is None:
        return 0.0
    zones = place.site.zones
    return sum(
        sum(m <= metres for m, _ in vehicles) / len(zones[index].feeds)
        for index, vehicles in place.frame.zones.items()
        if lane in zones[index].feeds
    )


def _is_due(place: Field, state: State, now: int) -> bool:
    return state.stage > 0 and state.green_s >= EVERY_S - place.cabinet.programme.yellow_s


def _best(values: np.ndarray, state: State) -> int:
    """The running stage stays when nothing is better."""
    best = int(np.argmax(values))
    return state.stage if values[best] <= values[state.stage - 1] else best + 1


DECIDE: Mapping[str, Callable[[Field, State, int], int]] = {"greedy": greedy, "max_pressure": max_pressure}
