# SPDX-License-Identifier: Apache-2.0
"""The rows of alarms: raised and cleared in bulk, each at most once. Call these inside one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Greatest

from smartcity.alarms import rules
from smartcity.alarms.models import Alarm
from smartcity.alarms.roster import Known
from smartcity.alarms.together import Place
from smartcity.api.views import moment
from smartcity.devices.models import Zone
from smartcity.kernel.alarms import AlarmRule, PlaceFinding, Severity

AGAIN_WITHIN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Row:
    """What of a standing alarm the evaluation needs."""

    pk: int
    rule: str
    asset: int | None
    place: Place
    members: tuple[str, ...]
    raised_at_ms: int
    is_acknowledged: bool
    is_shelved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """One condition that becomes an alarm. `text` says more of this case than the rule's sentence can."""

    rule: AlarmRule
    severity: Severity
    asset: Known
    value: float | None
    unit: str
    series: int | None = None
    text: str = ""


def standing() -> list[Row]:
    rows = Alarm.objects.filter(cleared_at=None).values_list(
        "pk", "rule", "asset_id", "domain", "zone_id", "members", "raised_at", "acknowledged_at", "shelved_until"
    )
    return [
        Row(
            pk, rule, asset, Place(domain, zone), tuple(members), int(raised.timestamp() * 1000), bool(ack), bool(shelf)
        )
        for pk, rule, asset, domain, zone, members, raised, ack, shelf in rows
    ]


def touch(rows: QuerySet[Alarm], now_ms: int, **changes: Any) -> int:
    """Change rows so that whoever follows `changed` sees it, even within the same millisecond."""
    later = Greatest(F("changed") + 1, Value(now_ms))
    return rows.update(changed=later, **changes)


def raise_all(wanted: Sequence[Raise], now_ms: int, *, simulated: bool) -> list[Alarm]:
    """Insert what does not stand yet; the rows that were made. Who raised the same at the same time wins once."""
    if not wanted:
        return []
    before = _before({item.rule.name for item in wanted}, [item.asset.pk for item in wanted], now_ms)
    rows = [_row(item, before.get((item.rule.name, item.asset.pk)), now_ms, simulated) for item in wanted]
    return _insert(rows, now_ms)


def raise_group(
    rule: AlarmRule, place: Place, members: Sequence[str], severity: Severity, now_ms: int, *, simulated: bool
) -> list[Alarm]:
    row = Alarm(
        rule=rule.name,
        zone_id=place.zone,
        domain=place.domain,
        severity=severity,
        raised_at=moment(now_ms),
        simulated=simulated,
        changed=now_ms,
        **_group(rule, place, members),
    )
    return _insert([row], now_ms)


def raise_place(rule: AlarmRule, finding: PlaceFinding, now_ms: int, *, simulated: bool) -> list[Alarm]:
    row = Alarm(
        rule=rule.name,
        zone_id=finding.zone,
        domain=finding.domain,
        severity=rule.severity,
        text=finding.text[:300],
        raised_at=moment(now_ms),
        simulated=simulated,
        changed=now_ms,
    )
    return _insert([row], now_ms)


def set_members(pk: int, rule: AlarmRule, place: Place, members: Sequence[str], now_ms: int) -> None:
    touch(Alarm.objects.filter(pk=pk, cleared_at=None), now_ms, **_group(rule, place, members))


def clear_all(pks: Collection[int], now_ms: int) -> None:
    if pks:
        touch(Alarm.objects.filter(pk__in=pks, cleared_at=None), now_ms, cleared_at=moment(now_ms))


def unshelve_due(now_ms: int) -> None:
    """A shelved alarm returns by itself."""
    due = Alarm.objects.filter(cleared_at=None, shelved_until__lte=moment(now_ms))
    touch(due, now_ms, shelved_until=None, shelved_by="", shelved_why="")


def _group(rule: AlarmRule, place: Place, members: Sequence[str]) -> dict[str, Any]:
    zone = Zone.objects.get(pk=place.zone)
    unit = f"devices of {rules.domain_title(place.domain)}"
    text = rules.said(rule, zone.name, len(members), unit)
    return {"members": list(members), "value": len(members), "unit": unit, "text": text}


def _before(names: Collection[str], assets: Collection[int], now_ms: int) -> dict[tuple[str, int | None], Alarm]:
    """The last alarm of the same conditions that ended within the hour: its count and its shelf go on."""
    ended = Alarm.objects.filter(rule__in=names, asset__in=assets, cleared_at__gte=moment(now_ms) - AGAIN_WITHIN)
    return {(row.rule, row.asset_id): row for row in ended.order_by("cleared_at", "pk")}


def _row(item: Raise, before: Alarm | None, now_ms: int, simulated: bool) -> Alarm:
    row = Alarm(
        rule=item.rule.name,
        asset_id=item.asset.pk,
        zone_id=item.asset.place.zone,
        domain=item.asset.place.domain,
        severity=item.severity,
        text=item.text[:300] or rules.said(item.rule, item.asset.name, item.value or 0, item.unit),
        value=item.value,
        unit=item.unit,
        series=item.series,
        raised_at=moment(now_ms),
        simulated=simulated,
        changed=now_ms,
    )
    if before is not None:
        row.occurrences = before.occurrences + 1
        if before.shelved_until and before.shelved_until > row.raised_at:
            row.shelved_until, row.shelved_by = before.shelved_until, before.shelved_by
            row.shelved_why = before.shelved_why
    return row


def _insert(rows: list[Alarm], now_ms: int) -> list[Alarm]:
    Alarm.objects.bulk_create(rows, ignore_conflicts=True)
    mine = Alarm.objects.filter(cleared_at=None, raised_at=moment(now_ms), rule__in={row.rule for row in rows})
    wanted = {(row.rule, row.asset_id, row.domain, row.zone_id) for row in rows}
    made = mine.select_related("asset", "zone")
    return [row for row in made if (row.rule, row.asset_id, row.domain, row.zone_id) in wanted]
