# SPDX-License-Identifier: Apache-2.0
"""The field controller of any network's signal, and what the limit checks may know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from smartcity.kernel.control import Situation
from traffic.street.lanes import Site
from traffic.street.stages import Programme, Stage

YELLOW_S, ALL_RED_S, MIN_GREEN_S, MAX_RED_S = 3.0, 0.0, 5.0, 120.0


def programme(site: Site) -> Programme:
    """The field controller's data: the network's stages, and its own plan to fall back on."""
    states = site.signal.stages
    share = site.model.share
    stages = tuple(
        Stage(s + 1, f"stage {s + 1}", state, {lane: float(share[s, i]) for i, lane in enumerate(site.model.lanes)})
        for s, state in enumerate(states)
    )
    longest = {state: max(d for name, d in site.signal.phases if name == state) for state in states}
    conflicts = {
        (a + 1, b + 1)
        for a, first in enumerate(states)
        for b, second in enumerate(states)
        if a != b and any(first[i] in "Gg" and second[j] in "Gg" and second[i] not in "Gg" for i, j in site.signal.foes)
    }
    return Programme(
        uid=site.signal.id,
        signal=site.signal.id,
        stages=stages,
        conflicts=frozenset(conflicts | {(b, a) for a, b in conflicts}),
        plan=tuple((s + 1, max(MIN_GREEN_S, longest[state])) for s, state in enumerate(states)),
        downstream={},
        groups={},
        storage={},
        min_green_s=MIN_GREEN_S,
        max_red_s=MAX_RED_S,
        yellow_s=YELLOW_S,
        all_red_s=ALL_RED_S,
        foes=frozenset(pair for pair in site.signal.foes if not _are_opened_together(pair, states)),
    )


def _are_opened_together(pair: tuple[int, int], states: Sequence[str]) -> bool:
    """Some networks open links together that their own geometry lets cross: that is their word, not the cabinet's."""
    return any(state[pair[0]] == "G" == state[pair[1]] for state in states)


def situation(uid: str, announced: Mapping[str, Any], reported: Mapping[str, float], now: int) -> Situation:
    signed = {"min_green_s": MIN_GREEN_S, "max_red_s": MAX_RED_S}
    return Situation(
        asset=uid,
        kind="intersection",
        engineering=signed,
        announced=announced,
        reported=reported,
        ages_s=dict.fromkeys(reported, 0.0),
        now_ms=now * 1000,
        is_signed=True,
    )
