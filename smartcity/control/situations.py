# SPDX-License-Identifier: Apache-2.0
"""What the limit checks may know about many assets at once: five queries, whatever their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet

from smartcity.control.instants import instant
from smartcity.devices.models import Asset, Device, EngineeringRecord, Series
from smartcity.kernel.control import Situation
from smartcity.kernel.geo import LonLat
from smartcity.kernel.quality import Quality
from smartcity.telemetry import read

DEMO = "demo"


@dataclass(frozen=True, slots=True)
class Facts:
    """One asset as control sees it. `signed_by` is empty without a signature that is valid now."""

    asset: Asset
    device: Device | None
    situation: Situation
    signed_by: str


@dataclass(frozen=True, slots=True)
class Roster:
    """Assets with what speaks for them and what is signed: the part that changes seldom."""

    assets: Mapping[int, Asset]
    devices: Mapping[int, Device]
    records: Mapping[int, EngineeringRecord]
    series: tuple[tuple[int, str, int], ...]
    where: Mapping[int, LonLat]


def load(uids: Iterable[str], now_ms: int, *, is_simulation: bool, readings: bool = True) -> dict[str, Facts]:
    """By asset uid; unknown uids are absent. With `readings`, call it outside a city transaction."""
    found = roster(Asset.objects.filter(uid__in=set(uids)), readings=readings)
    return facts(found, now_ms, is_simulation=is_simulation)


def roster(assets: QuerySet[Asset], *, readings: bool = True) -> Roster:
    """Four queries, three without `readings`."""
    known = {asset.pk: asset for asset in assets.select_related("zone")}
    devices = _devices(known)
    records = {r.asset_id: r for r in EngineeringRecord.objects.filter(asset__in=known, is_current=True)}
    owners = {device.pk: pk for pk, device in devices.items()}
    series = Series.objects.filter(device__in=owners).values_list("pk", "metric", "device") if readings else ()
    where = {pk: _middle(asset) for pk, asset in known.items()}
    return Roster(known, devices, records, tuple((pk, metric, owners[device]) for pk, metric, device in series), where)


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
            _situation(asset, known, reported.get(pk, {}), ages.get(pk, {}), now_ms),
            signature(known.records.get(pk), now_ms, is_simulation),
        )
        for pk, asset in known.assets.items()
    }


def _situation(
    asset: Asset, known: Roster, reported: Mapping[str, float], ages: Mapping[str, float], now_ms: int
) -> Situation:
    record, device = known.records.get(asset.pk), known.devices.get(asset.pk)
    return Situation(
        asset=asset.uid,
        kind=asset.kind,
        engineering=record.data if record else {},
        announced=device.announced if device else {},
        reported=reported,
        ages_s=ages,
        now_ms=now_ms,
        where=known.where[asset.pk],
        time_zone=settings.CITY_TIME_ZONE,
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
