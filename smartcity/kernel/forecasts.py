# SPDX-License-Identifier: Apache-2.0
"""What a domain wants foreseen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)


class Tier(StrEnum):
    """Light series get closed-form methods every hour; heavy ones Prophet and statsmodels once a city day."""

    LIGHT = "light"
    HEAVY = "heavy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One metric to foresee: steps of `step_s`, `horizon_steps` of them, seasons in steps, physical bounds.

    `weather`: which of it moves the metric, of "temperature" and "irradiance".
    `limit` names what in an asset's engineering data it must stay below, in the metric's unit.
    `adds_up`, where the sum of several assets means something, names the levels between the city and a series, from the
    city down: `district`, `street`, or a kind of asset it hangs from. `singly`: the purpose is one that needs single
    series of personal data; without it those are foreseen in sums only.
    """

    metric: str
    step_s: int = 900
    horizon_steps: int = 96
    seasons_steps: tuple[int, ...] = (96, 672)
    low: float = float("-inf")
    high: float = float("inf")
    levels: tuple[float, ...] = LEVELS
    tier: Tier = Tier.LIGHT
    kinds: tuple[str, ...] = ()
    weather: tuple[str, ...] = ()
    purpose: str = ""
    limit: str = ""
    adds_up: tuple[str, ...] = ()
    singly: bool = False
