# SPDX-License-Identifier: Apache-2.0
"""What the limit checks may know about many assets at once: seven queries at most, whatever their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from smartcity.control.instants import instant
from smartcity.devices import time_zone
from smartcity.devices.models import Asset, Device, EngineeringRecord, Series
from smartcity.kernel.control import Situation
from smartcity.kernel.geo import LonLat
from smartcity.kernel.quality import Quality
from smartcity.telemetry import read

DEMO = "demo"
LEVELS_ABOVE = 2


@dataclass(frozen=True, slots=True)
class Facts:
    """One asset as control sees it. `signed_by` is empty without a signature that is valid now."""

    asset: Asset
    device: Device | None
    situation: Situation
    signed_by: str


@dataclass(frozen=True, slots=True)
class Roster:
    """Assets and what they stand behind, with what speaks for them and what is signed: it changes seldom."""

    assets: Mapping[int, Asset]
    above: Mapping[int, Asset]
    devices: Mapping[int, Device]
    records: Mapping[int, EngineeringRecord]
    series: tuple[tuple[int, str, int], ...]
    where: Mapping[int, LonLat]


def load(uids: Iterable[str], now_ms: int, *, is_simulation: bool, readings: bool = True) -> dict[str, Facts]:
    """By asset uid; unknown uids are absent. With `readings`, call it outside a city transaction."""
    found = roster(Asset.objects.filter(uid__in=set(uids)), readings=readings)
    return facts(found, now_ms, is_simulation=is_simulation)


def roster(assets: QuerySet[Asset], *, readings: bool = True) -> Roster:
    """Four queries, three without `readings`; one more for each level of assets above."""
    known = {asset.pk: asset for asset in assets.select_related("zone")}
    above = _above(known)
    everybody = known | above
    devices = _devices(everybody)
    records = {r.asset_id: r for r in EngineeringRecord.objects.filter(asset__in=everybody, is_current=True)}
    owners = {device.pk: pk for pk, device in devices.items()}
    series = Series.objects.filter(device__in=owners).values_list("pk", "metric", "device") if readings else ()
    where = {pk: _middle(asset) for pk, asset in everybody.items()}
    told = tuple((pk, metric, owners[device]) for pk, metric, device in series)
    return Roster(known, above, devices, records, told, where)


def _above(known: Mapping[int, Asset]) -> dict[int, Asset]:
    """Parents and theirs, as far as a limit may lie: a battery, its connection point, its transformer."""
    found: dict[int, Asset] = {}
    level: Mapping[int, Asset] = known
    for _ in range(LEVELS_ABOVE):
        wanted = {asset.parent_id for asset in level.values() if asset.parent_id is not None}
        level = {asset.pk: asset for asset in Asset.objects.filter(pk__in=wanted)} if wanted else {}
        found |= level
    return found


def _middle(asset: Asset) -> LonLat:
    point = asset.geom if asset.geom.geom_type == "Point" else asset.geom.centroid
    return point.x, point.y


def facts(known: Roster, now_ms: int, *, is_simulation: bool) -> dict[str, Facts]:
    """What is true of them now: one query for the latest values of their series."""
    reported, ages = _reported(known.series, now_ms)
    return {
        asset.uid: Facts(
            asset,
            known.devices.get(pk),
            _situation(asset, known, Seen(reported, ages, now_ms, is_simulation)),
            signature(known.records.get(pk), now_ms, is_simulation),
        )
        for pk, asset in known.assets.items()
    }


@dataclass(frozen=True, slots=True)
class Seen:
    """Usable latest values and their ages in city seconds, by asset and metric, at an instant."""

    reported: Mapping[int, Mapping[str, float]]
    ages_s: Mapping[int, Mapping[str, float]]
    now_ms: int
    is_simulation: bool


def _situation(asset: Asset, known: Roster, seen: Seen, levels: int = LEVELS_ABOVE) -> Situation:
    record, device = known.records.get(asset.pk), known.devices.get(asset.pk)
    parent = known.above.get(asset.parent_id or 0)
    over = _situation(parent, known, seen, levels - 1) if parent is not None and levels else None
    return Situation(
        asset=asset.uid,
        kind=asset.kind,
        engineering=record.data if record else {},
        announced=device.announced if device else {},
        reported=seen.reported.get(asset.pk, {}),
        ages_s=seen.ages_s.get(asset.pk, {}),
        now_ms=seen.now_ms,
        where=known.where[asset.pk],
        time_zone=time_zone.city(),
        is_signed=bool(signature(record, seen.now_ms, seen.is_simulation)),
        above={over.kind: over, **over.above} if over is not None else {},
    )


def signature(record: EngineeringRecord | None, now_ms: int, is_simulation: bool) -> str:
    """Who answers for the data now, or nothing. What the demo signed counts in a simulation only."""
    if record is None or not record.signed_by or (record.signed_by == DEMO and not is_simulation):
        return ""
    now = instant(now_ms)
    if (record.valid_from and record.valid_from > now) or (record.valid_until and record.valid_until <= now):
        return ""
    return record.signed_by


def _devices(assets: Mapping[int, Asset]) -> dict[int, Device]:
    """The device that speaks for each asset: the one of the same name first, then the oldest."""
    found: dict[int, Device] = {}
    speaking = Device.objects.filter(asset__in=assets, retired_at__isnull=True).order_by("-pk")
    for device in speaking:
        kept = found.get(device.asset_id)
        if kept is None or kept.uid != assets[device.asset_id].uid:
            found[device.asset_id] = device
    return found


def _reported(
    series: Sequence[tuple[int, str, int]], now_ms: int
) -> tuple[dict[int, dict[str, float]], dict[int, dict[str, float]]]:
    """Usable latest values by asset and metric, and their ages in city seconds."""
    values = read.latest([pk for pk, _, _ in series]) if series else {}
    reported: dict[int, dict[str, float]] = {}
    ages: dict[int, dict[str, float]] = {}
    for pk, metric, asset in series:
        value = values.get(pk)
        if value is not None and Quality(value.quality).is_usable:
            reported.setdefault(asset, {})[metric] = value.value
            ages.setdefault(asset, {})[metric] = (now_ms - value.at_ms) / 1000
    return reported, ages
