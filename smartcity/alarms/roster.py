# SPDX-License-Identifier: Apache-2.0
"""Who is watched for what: rules and assets brought together, read anew every while; three queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db.models import Q, QuerySet

from smartcity import declared
from smartcity.alarms.condition import NEVER, Bools, Delays, Floats, Ints, Seen, State, step
from smartcity.alarms.together import Place
from smartcity.devices.models import Asset, EngineeringRecord, Series
from smartcity.kernel.alarms import AlarmRule
from smartcity.telemetry.read import Value


@dataclass(frozen=True, slots=True)
class Known:
    """What an alarm says about its asset."""

    pk: int
    uid: str
    name: str
    kind: str
    place: Place


@dataclass(slots=True)
class Watch:
    """One rule over all its assets: parallel columns, the state of the delays, and each asset's last answers."""

    rule: AlarmRule
    delays: Delays
    assets: Ints
    series: list[int]
    engineering: list[dict[str, object]]
    state: State
    seen: Seen
    values: list[float]

    def look(self, latest: Mapping[int, Value]) -> None:
        """Ask the rule about every reading that is new; unusable ones are as if they had not come."""
        for row, series in enumerate(self.series):
            found = latest.get(series)
            if found is None or not found.is_usable or found.at_ms <= self.seen.at[row]:
                continue
            self.seen.at[row] = found.at_ms
            self.seen.bad[row] = self.rule.is_bad(found.value, self.engineering[row])
            self.seen.good[row] = self.rule.is_good(found.value, self.engineering[row])
            self.values[row] = found.value

    def advance(self, active: Bools, now_ms: int) -> tuple[Bools, Bools]:
        """Let the delays run until `now_ms`: (who raises, who clears)."""
        self.state, raised, cleared = step(self.state, self.seen, active, self.delays, now_ms)
        return raised, cleared

    def adopt(self, old: Watch) -> None:
        """Go on where the same rule's former watch stood, asset by asset. Limits may have changed: ask again."""
        rows = {series: row for row, series in enumerate(old.series)}
        for row, series in enumerate(self.series):
            was = rows.get(series)
            if was is not None and self.engineering[row] == old.engineering[was]:
                for mine, theirs in zip(self._columns(), old._columns(), strict=True):
                    mine[row] = theirs[was]
                self.values[row] = old.values[was]

    def _columns(self) -> tuple[Ints | Bools, ...]:
        return self.state.bad_since, self.state.good_since, self.seen.at, self.seen.bad, self.seen.good


@dataclass(slots=True)
class Roster:
    """Everything that can have an alarm now."""

    known: dict[int, Known] = field(default_factory=dict)
    watches: list[Watch] = field(default_factory=list)
    devices: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    speaks_for: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    every_s: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def series(self) -> list[int]:
        return [series for watch in self.watches for series in watch.series]


def load(was: Roster, *, is_simulation: bool) -> Roster:
    """The roster as the tables stand; watches that go on keep their delays."""
    known = {asset.pk: asset for asset in _assets(is_simulation)}
    speaking = list(
        Series.objects.filter(device__retired_at=None, device__asset__in=Asset.objects.filter(_counts(is_simulation)))
        .order_by("pk")
        .values_list("pk", "metric", "device_id", "device__asset_id")
    )
    speaking = [row for row in speaking if row[3] in known]
    watches = _watches(known, speaking)
    former = {watch.rule.name: watch for watch in was.watches}
    for watch in watches:
        if watch.rule.name in former:
            watch.adopt(former[watch.rule.name])
    return Roster(known, watches, *_devices(speaking))


def _counts(is_simulation: bool) -> Q:
    """Estimated and simulated assets have alarms in SIMULATION only; what the last import misses has none."""
    present = Q(missing_since=None)
    return present if is_simulation else present & Q(estimated=False, simulated=False)


def _assets(is_simulation: bool) -> list[Known]:
    rows: QuerySet[Asset, Any] = Asset.objects.filter(_counts(is_simulation)).values_list(
        "pk", "uid", "name", "kind", "domain", "zone_id"
    )
    return [Known(pk, uid, name or uid, kind, Place(domain, zone)) for pk, uid, name, kind, domain, zone in rows]


def _watches(known: Mapping[int, Known], speaking: list[tuple[int, str, int, int]]) -> list[Watch]:
    by_metric: dict[str, list[tuple[int, int]]] = {}
    for series, metric, _, asset in speaking:
        by_metric.setdefault(metric, []).append((series, asset))
    records = EngineeringRecord.objects.filter(is_current=True).values_list("asset_id", "data")
    engineering = {asset: data for asset, data in records if isinstance(data, dict)}
    return [_watch(rule, by_metric.get(rule.metric, []), known, engineering) for rule in declared.alarm_rules()]


def _watch(
    rule: AlarmRule,
    found: list[tuple[int, int]],
    known: Mapping[int, Known],
    engineering: Mapping[int, dict[str, object]],
) -> Watch:
    mine = {asset: series for series, asset in found if not rule.kinds or known[asset].kind in rule.kinds}
    metric = declared.metrics().get(rule.metric)
    holds = int(1000 * metric.every_s) if metric else 0
    size = len(mine)
    return Watch(
        rule=rule,
        delays=Delays(int(1000 * rule.on_delay_s), int(1000 * rule.off_delay_s), holds),
        assets=np.array(list(mine), np.int64),
        series=list(mine.values()),
        engineering=[engineering.get(asset, {}) for asset in mine],
        state=State.fresh(size),
        seen=Seen(np.full(size, NEVER, np.int64), np.zeros(size, np.bool_), np.zeros(size, np.bool_)),
        values=[0.0] * size,
    )


def _devices(
    speaking: list[tuple[int, str, int, int]],
) -> tuple[Ints, Ints, Floats]:
    """Device, its asset and its shortest expected interval, for devices with at least one declared metric."""
    every: dict[tuple[int, int], float] = {}
    for _, name, device, asset in speaking:
        metric = declared.metrics().get(name)
        if metric is not None:
            every[device, asset] = min(metric.every_s, every.get((device, asset), metric.every_s))
    pairs = np.array(list(every), np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1], np.array(list(every.values()), np.float64)
