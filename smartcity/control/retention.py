# SPDX-License-Identifier: Apache-2.0
"""How long the second-by-second event log is kept. Commands, transitions and audit rows stay."""

from __future__ import annotations

from smartcity.control.instants import instant
from smartcity.control.models import FastEvent

DAY_MS = 86_400_000
KEEP_DAYS = 90
CHUNK = 2_000


def forget_events(now_ms: int, *, keep_days: int = KEEP_DAYS, most: int = 50_000) -> int:
    """Delete fast events older than `keep_days`, oldest first, in short transactions; how many went this time."""
    too_old = FastEvent.objects.filter(at__lt=instant(now_ms - keep_days * DAY_MS)).order_by("at")
    gone = 0
    while gone < most:
        chunk = list(too_old.values_list("pk", flat=True)[:CHUNK])
        if not chunk:
            break
        gone += FastEvent.objects.filter(pk__in=chunk).delete()[0]
    return gone
