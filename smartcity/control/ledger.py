# SPDX-License-Identifier: Apache-2.0
"""The ledger of worth: what each domain's loop brought per city day, beside its baseline.

Simulated and measured worth never share a column, and measured worth is compared with a stored baseline only.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet

from smartcity import domains
from smartcity.control.instants import instant, ms_of
from smartcity.control.leader import Leader
from smartcity.control.models import Baseline, LedgerEntry
from smartcity.control.pool import Pool
from smartcity.devices import time_zone
from smartcity.kernel.clock import CityClock, clock
from smartcity.kernel.worth import Evidence, Kpi, Worth

log = logging.getLogger(__name__)

HOUR_MS = 3_600_000
LOOK_EVERY_S = 2.0
NO_BASELINE = "no stored baseline: a figure without a comparison"
COLUMNS = (
    "title",
    "unit",
    "to_at",
    "simulated_value",
    "simulated_baseline",
    "measured_value",
    "measured_baseline",
    "lower_is_better",
    "note",
)


@dataclass(frozen=True, slots=True)
class Span:
    from_ms: int
    to_ms: int


class Bookkeeper:
    """Every city hour, and once more when a day is over. One domain that fails keeps no other from its entry."""

    def __init__(self, leader: Leader, pool: Pool, *, city: CityClock = clock) -> None:
        self.failures = 0
        self._leader = leader
        self._pool = pool
        self._city = city
        self._hour = 0

    async def run(self) -> None:
        while True:
            hour = self._city.now_ms() // HOUR_MS
            if self._leader.epoch is not None and hour != self._hour:
                await self._write(hour * HOUR_MS)
                self._hour = hour
            await asyncio.sleep(LOOK_EVERY_S)

    async def _write(self, now_ms: int) -> None:
        for domain, worth in rooms().items():
            try:
                await self._pool.run(write_domain, domain, worth, now_ms)
            except Exception:  # one domain's figures are missing for an hour
                self.failures += 1
                log.exception("the worth of %s could not be written", domain)


def rooms() -> Mapping[str, Callable[[int, int], Sequence[Worth]]]:
    """Domain label → its `loop.worth(from_ms, to_ms)`."""
    return {config.label: worth for config, worth in domains.collect("loop", "worth")}


def write_domain(domain: str, worth: Callable[[int, int], Sequence[Worth]], now_ms: int) -> int:
    """Entries for the city day that runs and, in its first hours, for the one before; how many."""
    figures = [found for span in spans(now_ms) for found in worth(span.from_ms, span.to_ms)]
    return write(domain, figures)


def spans(now_ms: int, zone: ZoneInfo | None = None) -> list[Span]:
    """Today so far and, until six in the morning, yesterday whole: late readings still count. Days of 23 to 25 h."""
    here = zone or time_zone.city_zone()
    local = instant(now_ms).astimezone(here)
    today = datetime(local.year, local.month, local.day, tzinfo=here)
    before = today.date() - timedelta(days=1)
    yesterday = datetime(before.year, before.month, before.day, tzinfo=here)
    found = [Span(ms_of(yesterday), ms_of(today))] if local.hour < 6 else []
    return found + ([Span(ms_of(today), now_ms)] if now_ms > ms_of(today) else [])


def write(domain: str, figures: Iterable[Worth]) -> int:
    """Write or bring up to date one entry per KPI, day and baseline. Four queries."""
    titles = kpis(domain)
    in_force = Baseline.objects.filter(domain=domain, withdrawn_at=None).order_by("stored_at")
    stored = {row.kpi: row for row in in_force}
    rows = [_entry(domain, titles.get(f.kpi), stored.get(f.kpi), f) for f in figures if math.isfinite(f.value)]
    unique = {(row.kpi, row.from_at, row.baseline_name): row for row in rows}
    with transaction.atomic():
        LedgerEntry.objects.bulk_create(
            unique.values(),
            update_conflicts=True,
            unique_fields=["domain", "kpi", "from_at", "baseline_name"],
            update_fields=COLUMNS,
        )
        _others(domain, unique.values()).delete()
    return len(unique)


def _others(domain: str, rows: Iterable[LedgerEntry]) -> QuerySet[LedgerEntry]:
    """The same days beside a baseline that is no longer in force: what was measured once stands in the ledger once."""
    others = Q(pk__in=[])
    for row in rows:
        if row.measured_value is not None:
            others |= Q(kpi=row.kpi, from_at=row.from_at) & ~Q(baseline_name=row.baseline_name)
    return LedgerEntry.objects.filter(others, domain=domain, measured_value__isnull=False)


def kpis(domain: str) -> Mapping[str, Kpi]:
    """Short name → figure of the domain; empty for a domain that is not installed."""
    return {kpi.name: kpi for config, kpis in domains.collect("kpis", "KPIS") if config.label == domain for kpi in kpis}


def _entry(domain: str, kpi: Kpi | None, stored: Baseline | None, worth: Worth) -> LedgerEntry:
    entry = LedgerEntry(
        domain=domain,
        kpi=worth.kpi,
        title=kpi.title if kpi else worth.kpi.replace("_", " "),
        unit=kpi.unit if kpi else "",
        from_at=instant(worth.from_ms),
        to_at=instant(worth.to_ms),
        baseline_name=worth.baseline_name,
        lower_is_better=kpi.lower_is_better if kpi else True,
        note=worth.note[:300],
    )
    if worth.evidence is Evidence.SIMULATED:
        entry.simulated_value = worth.value
        entry.simulated_baseline = worth.baseline if math.isfinite(worth.baseline) else None
        return entry
    entry.measured_value = worth.value
    entry.measured_baseline = stored.value if stored else None
    entry.baseline_name = stored.name if stored else "none"
    entry.note = worth.note[:300] if stored else NO_BASELINE
    return entry
