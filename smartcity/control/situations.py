# SPDX-License-Identifier: Apache-2.0
"""What the limit checks may know about many assets at once: five queries, whatever their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from smartcity.control.instants import instant
from smartcity.devices.models import Asset, Device, EngineeringRecord, Series
from smartcity.kernel.control import Situation
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


def load(uids: Iterable[str], now_ms: int, *, is_simulation: bool, readings: bool = True) -> dict[str, Facts]:
    """By asset uid; unknown uids are absent. With `readings`, call it outside a city transaction."""
    assets = {a.pk: a for a in Asset.objects.filter(uid__in=set(uids)).select_related("zone")}
    devices = _devices(assets)
    records = {r.asset_id: r for r in EngineeringRecord.objects.filter(asset__in=assets, is_current=True)}
    owners = {d.pk: pk for pk, d in devices.items()} if readings else {}
    reported, ages = _reported(owners, now_ms) if owners else ({}, {})
    found = {}
    for pk, asset in assets.items():
        device, record = devices.get(pk), records.get(pk)
        situation = Situation(
            asset=asset.uid,
            kind=asset.kind,
            engineering=record.data if record else {},
            announced=device.announced if device else {},
            reported=reported.get(pk, {}),
            ages_s=ages.get(pk, {}),
            now_ms=now_ms,
        )
        found[asset.uid] = Facts(asset, device, situation, signature(record, now_ms, is_simulation))
    return found


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


def _reported(owners: Mapping[int, int], now_ms: int) -> tuple[dict[int, dict[str, float]], dict[int, dict[str, Any]]]:
    """Usable latest values by metric, and their ages in city seconds; `owners` maps device to asset."""
    series = list(Series.objects.filter(device__in=owners).values_list("pk", "metric", "device"))
    values = read.latest([pk for pk, _, _ in series])
    reported: dict[int, dict[str, float]] = {}
    ages: dict[int, dict[str, Any]] = {}
    for pk, metric, device in series:
        value = values.get(pk)
        if value is not None and Quality(value.quality).is_usable:
            reported.setdefault(owners[device], {})[metric] = value.value
            ages.setdefault(owners[device], {})[metric] = (now_ms - value.at_ms) / 1000
    return reported, ages
