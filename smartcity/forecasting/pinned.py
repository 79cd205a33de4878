# SPDX-License-Identifier: Apache-2.0
"""A standing that a person has decided."""

from __future__ import annotations

from dataclasses import dataclass

from smartcity.forecasting.ranking import Standing


@dataclass(frozen=True, slots=True)
class Pinned(Standing):
    """All of the forecast by the first of the ladder, whatever the backtest says; seasonal naive stands in."""

    owner: str = ""
    reason: str = ""
