# SPDX-License-Identifier: Apache-2.0
"""What measured worth is compared with: a baseline drawn from measured days, stored, and withdrawn if wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from smartcity.api.audit import Actor, record
from smartcity.control import ledger
from smartcity.control.instants import instant, ms_of
from smartcity.control.models import Baseline, LedgerEntry
from smartcity.control.refusals import Refused
from smartcity.kernel.clock import clock

SHORTEST_DAY = timedelta(hours=22, minutes=59)  # the shortest city day has 23 h; what is shorter is a day still running


@dataclass(frozen=True, slots=True)
class Drawn:
    """The mean daily figure of the whole days measured in a span, and how many they were."""

    value: float
    days: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that can have a baseline, and the whole days measured of it; None where there are none."""

    domain: str
    kpi: str
    title: str
    unit: str
    beside: str
    days: int
    first_at: datetime | None
    last_at: datetime | None


def drawn(domain: str, kpi: str, from_ms: int, to_ms: int) -> Drawn:
    """What the baseline of that span would be.

    Raises Refused for a figure the domain does not have, a span that is none, or where no whole day was measured in it.
    """
    known = ledger.kpis(domain)
    if kpi not in known:
        raise Refused(f"{domain} has no figure {kpi!r}; it has {', '.join(sorted(known)) or 'none'}.")
    if not from_ms < to_ms:
        raise Refused("The span must end after it begins.")
    rows = _measured().filter(domain=domain, kpi=kpi, from_at__gte=instant(from_ms), to_at__lte=instant(to_ms))
    values = [value for value in rows.values_list("measured_value", flat=True) if value is not None]
    if not values:
        raise Refused(
            "Nothing was measured in that span, not one whole day: what a simulation wrote is no measurement, and a "
            "day that still runs does not count."
        )
    return Drawn(sum(values) / len(values), len(values))


def store(
    domain: str, kpi: str, name: str, from_ms: int, to_ms: int, *, design: str, by: Actor, reason: str = ""
) -> Baseline:
    """Keep the mean daily figure measured in that span as the baseline to compare with from now on.

    `design` says how it was drawn (before/after with controls, on/off days). Raises Refused as `drawn` does, or where
    no design is given.
    """
    if not design.strip():
        raise Refused("Say how the baseline was drawn, or nobody can judge the comparison.")
    found = drawn(domain, kpi, from_ms, to_ms)
    with transaction.atomic():
        row = Baseline.objects.create(
            domain=domain,
            kpi=kpi,
            name=name,
            value=found.value,
            from_at=instant(from_ms),
            to_at=instant(to_ms),
            design=design,
            stored_by=by.name,
            stored_at=clock.now(),
        )
        record(by, "baseline.store", f"{domain} {kpi}", after=_said(row), reason=reason or design)
    return row


def withdraw(pk: int, *, by: Actor, reason: str) -> Baseline:
    """Compare nothing with it from now on: the one stored before it is in force again, or none.

    Days of the past keep what they were compared with. Raises Refused when it was withdrawn already or no reason is
    given.
    """
    if not reason.strip():
        raise Refused("Say why it is withdrawn: the ledger was compared with it until now.")
    with transaction.atomic():
        standing = Baseline.objects.filter(pk=pk, withdrawn_at=None)
        if not standing.update(withdrawn_at=clock.now(), withdrawn_by=by.name):
            raise Refused("This baseline has been withdrawn already.")
        row = Baseline.objects.get(pk=pk)
        record(by, "baseline.withdraw", f"{row.domain} {row.kpi}", before=_said(row), reason=reason)
    return row


def in_force(rows: Iterable[Baseline]) -> frozenset[int]:
    """Ids of those the ledger compares with: of each figure the newest that was not withdrawn."""
    standing = (row for row in sorted(rows, key=lambda row: row.stored_at) if row.withdrawn_at is None)
    return frozenset({(row.domain, row.kpi): row.pk for row in standing}.values())


def figures(domains: Iterable[str]) -> list[Figure]:
    """Every figure of these domains with what was measured of it; one query."""
    measured: dict[tuple[str, str], list[tuple[datetime, datetime]]] = {}
    for domain, kpi, *span in _measured().order_by("from_at").values_list("domain", "kpi", "from_at", "to_at"):
        measured.setdefault((domain, kpi), []).append((span[0], span[1]))
    found = []
    for domain in domains:
        for known in ledger.kpis(domain).values():
            days = measured.get((domain, known.name), [])
            first, last = (days[0][0], days[-1][1]) if days else (None, None)
            found.append(Figure(domain, known.name, known.title, known.unit, known.baseline, len(days), first, last))
    return found


def _measured() -> QuerySet[LedgerEntry]:
    """Whole days with a measured figure."""
    return LedgerEntry.objects.filter(measured_value__isnull=False, to_at__gte=F("from_at") + SHORTEST_DAY)


def _said(row: Baseline) -> dict[str, object]:
    span = {"from": ms_of(row.from_at), "to": ms_of(row.to_at)}
    return {"value": row.value, "name": row.name, "design": row.design} | span
