# SPDX-License-Identifier: Apache-2.0
"""Commands whose effect was not measured, for as long as that is news: what the alarms ask about."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import F, Max, QuerySet, Value
from django.db.models.functions import Concat

from smartcity import declared
from smartcity.control.instants import instant
from smartcity.control.models import Command
from smartcity.control.promises import promised, shortfall
from smartcity.control.requests import REPLACED_BY
from smartcity.control.shapes import point_of
from smartcity.kernel.alarms import Finding
from smartcity.kernel.control import State

NEWS_FOR: Final = timedelta(hours=4)
LONGEST_WAIT: Final = timedelta(hours=1)
LONGEST_VALUE: Final = 40
OFTEN: Final = 3
AGAIN_AND_AGAIN: Final = "replaced time and again before the effect was measured"
_FAILED = (State.FAILED, State.ROLLED_BACK)


class Unproven:
    """`look` is asked about every second: two queries while all is well, else three, and one for what is new."""

    def __init__(self) -> None:
        self._findings: dict[UUID, Finding] = {}

    def look(self, now_ms: int, is_simulation: bool) -> list[Finding]:
        """One finding an asset: its newest command within four hours that failed and that none has proven since.

        So has a command whose issuer replaced it, time and again and for longer than its effect may take, before there
        was a verdict. A later command counts for the point it was given on; on a point nobody commands again the news
        grows old.
        """
        since = instant(now_ms) - NEWS_FOR
        failed, replaced = _failed(since, is_simulation), _replaced(since, is_simulation)
        suspects = [one for found in (failed, replaced) for row in found.values() for one in row]
        proven = _proven(min(one.at for one in suspects)) if suspects else {}
        blamed = {**_stuck(replaced, proven), **{key: rows[-1] for key, rows in failed.items()}}
        still = {key: one for key, one in blamed.items() if key not in proven or one.at > proven[key]}
        newest = {asset: one.pk for (asset, _), one in sorted(still.items(), key=lambda item: item[1].at)}
        known = {pk: self._findings[pk] for pk in newest.values() if pk in self._findings}
        self._findings = known | _findings([pk for pk in newest.values() if pk not in known])
        return list(self._findings.values())


Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class One:
    """A command without a proof: when it was given, when it ended, how long its effect may take."""

    pk: UUID
    at: datetime
    ended_at: datetime
    within: timedelta


def _failed(since: datetime, is_simulation: bool) -> dict[Key, list[One]]:
    """Commands that failed since then by asset and point, oldest first."""
    return _by_key(Command.objects.filter(state__in=_FAILED), since, is_simulation)


def _replaced(since: datetime, is_simulation: bool) -> dict[Key, list[One]]:
    """The same of those carried out and then replaced by their own issuer before there was a verdict."""
    itself = Concat(Value(REPLACED_BY), F("issuer"))
    rows = Command.objects.filter(state=State.SUPERSEDED, applied_at__isnull=False, state_note=itself)
    return _by_key(rows, since, is_simulation)


def _by_key(rows: QuerySet[Command], since: datetime, is_simulation: bool) -> dict[Key, list[One]]:
    owing = rows.filter(ended_at__gt=since, simulated=is_simulation, asset__isnull=False, expect__isnull=False)
    columns = owing.order_by("created_at").values_list("asset", "point", "pk", "created_at", "ended_at", "expect")
    found: dict[Key, list[One]] = {}
    for asset, point, pk, at, ended_at, expect in columns:
        assert asset is not None and ended_at is not None
        within = min(timedelta(seconds=expect["within_s"]), LONGEST_WAIT)
        found.setdefault((asset, point), []).append(One(pk, at, ended_at, within))
    return found


def _stuck(replaced: Mapping[Key, Sequence[One]], proven: Mapping[Key, datetime]) -> dict[Key, One]:
    """The last of each row of commands that were replaced so often and so long that a proof was due."""
    found = {}
    for key, all_of_them in replaced.items():
        rows = [one for one in all_of_them if key not in proven or one.at > proven[key]]
        if len(rows) >= OFTEN and rows[-1].ended_at - rows[0].at >= rows[-1].within:
            found[key] = rows[-1]
    return found


def _proven(oldest: datetime) -> dict[Key, datetime]:
    """When the newest command whose effect was measured was given, by asset and point."""
    rows = Command.objects.filter(state=State.VERIFIED, ended_at__gt=oldest).values_list("asset", "point")
    return {(asset, point): at for asset, point, at in rows.annotate(Max("created_at")) if asset is not None}


def _findings(new: Collection[UUID]) -> dict[UUID, Finding]:
    if not new:
        return {}
    rows = Command.objects.filter(pk__in=new).select_related("asset")
    return {row.pk: _finding(row) for row in rows}


def _finding(row: Command) -> Finding:
    assert row.asset is not None and row.asset_id is not None
    expect = promised(row.expect)
    metric = declared.metrics().get(expect.metric)
    short = AGAIN_AND_AGAIN if row.state == State.SUPERSEDED else shortfall(expect, row.measured)
    text = f"{_asked(row)}: {short}. Why it was asked: {row.reason}"
    return Finding(asset=row.asset_id, text=text, value=row.measured, unit=metric.unit if metric else "")


def _asked(row: Command) -> str:
    assert row.asset is not None
    point = point_of(row.asset.kind, row.point)
    title, unit = (point.title, point.unit) if point else (row.point, "")
    value = f"{row.value:g}" if isinstance(row.value, int | float) else str(row.value)
    return f"{title} {value} {unit}".strip() if len(value) <= LONGEST_VALUE else title
