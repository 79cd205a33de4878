# SPDX-License-Identifier: Apache-2.0
"""What the live view should hear of alarms: whoever changed one, the table says so."""

from __future__ import annotations

from typing import Any, Final

from smartcity.alarms import shapes
from smartcity.alarms.models import Alarm

Items = list[dict[str, Any]]
OVERLAP_S: Final = 60.0


class News:
    """Remembers what it told, so that each change is told once. The first look tells all that stands."""

    def __init__(self) -> None:
        self._told: dict[int, int] | None = None

    def look(self, now_ms: int, speed: float) -> Items:
        """What changed since the last look: by a tick, by a person, by another process. One query."""
        rows = Alarm.objects.select_related("asset", "zone")
        if self._told is None:
            self._told = {}
            rows = rows.filter(cleared_at=None)
        else:
            rows = rows.filter(changed__gt=now_ms - int(1000 * OVERLAP_S * max(1.0, speed)))
        found = [row for row in rows if self._told.get(row.pk) != row.changed]
        self._told |= {row.pk: row.changed for row in found}
        oldest = now_ms - int(2000 * OVERLAP_S * max(1.0, speed))
        self._told = {pk: changed for pk, changed in self._told.items() if changed > oldest}
        return [shapes.live(row) for row in found]
