# SPDX-License-Identifier: Apache-2.0
"""What a process pool calls to refresh forecasts: importable without Django, which it sets up where it must."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """What one refresh did. `left` series are due but did not fit into the budget; `failed` targets are in the log."""

    issued: int = 0
    empty: int = 0
    calibrated: int = 0
    scored: int = 0
    summed: int = 0
    left: int = 0
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def words(self) -> str:
        said = [
            f"{self.issued:,} forecasts issued",
            f"{self.empty:,} of them empty for want of data" if self.empty else "",
            f"{self.calibrated:,} series backtested" if self.calibrated else "",
            f"{self.scored:,} earlier forecasts scored" if self.scored else "",
            f"{self.summed:,} places of the city foreseen as sums" if self.summed else "",
            f"{self.left:,} series left for the next time" if self.left else "",
            f"failed: {', '.join(self.failed)}" if self.failed else "",
        ]
        return f"{', '.join(part for part in said if part)} in {self.seconds:.1f} s."


def refresh(now_ms: int, budget_s: float = 60.0, metrics: Sequence[str] = ()) -> Report:
    """runner.refresh in this process."""
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()
    from smartcity.forecasting import runner

    return runner.refresh(now_ms, budget_s=budget_s, metrics=metrics)
