# SPDX-License-Identifier: Apache-2.0
"""A crew's round as its phone shows it, and what the crew says about a stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from smartcity.api.access import Scope
from smartcity.api.audit import Actor, record
from smartcity.devices.models import Asset, Device, Series
from smartcity.kernel.clock import clock
from smartcity.telemetry import read
from waste.level import from_distance
from waste.metrics import TRUCK_STATES
from waste.models import Container, StopReport, Truck, UnloadSite

SHIFT = timedelta(hours=12)
LEVELS = ("waste.fill_level", "waste.distance")
ABOARD = ("waste.truck_state", "waste.load", "waste.stops_left")


@dataclass(frozen=True, slots=True)
class Tap:
    """One button pressed on the phone; `ago_s` is how long it waited there for a network, in city seconds."""

    id: UUID
    container: str
    outcome: str
    note: str = ""
    ago_s: float = 0.0


def trucks(reach: Scope) -> list[Truck]:
    """Trucks within reach."""
    return list(Truck.objects.filter(reach.where(), missing_since=None).select_related("zone").order_by("uid"))


def truck(uid: str, reach: Scope) -> Truck | None:
    return Truck.objects.filter(reach.where(), uid=uid, missing_since=None).select_related("zone").first()


def round_of(lorry: Truck) -> dict[str, Any]:
    """What the truck announced it is doing, with places, levels and what was already said; eight queries."""
    said = Device.objects.filter(asset=lorry, retired_at=None).values_list("announced", flat=True).first() or {}
    route: Mapping[str, Any] = said.get("route") or {}
    following = [uid for uid in (route.get("next", ""), *route.get("left", ())) if uid]
    names = list(dict.fromkeys([*following, *route.get("done", ())]))
    places: dict[str, Asset] = {asset.uid: asset for asset in Container.objects.filter(uid__in=names)}
    places |= {asset.uid: asset for asset in UnloadSite.objects.filter(uid__in=names)}
    values = _latest([*places.values(), lorry])
    told = _told(names)
    state = values.get((lorry.uid, "waste.truck_state"))
    return {
        "truck": lorry.uid,
        "name": lorry.name,
        "state": None if state is None else TRUCK_STATES[round(state)],
        "load_kg": values.get((lorry.uid, "waste.load")),
        "capacity_kg": lorry.capacity_kg,
        "led_by": route.get("led_by", ""),
        "at": clock.now_ms(),
        "mode": clock.mode,
        "stops": [_stop(places[uid], values, told) for uid in following if uid in places],
        "done": [_stop(places[uid], values, told) for uid in route.get("done", ()) if uid in places],
    }


def _latest(assets: Sequence[Asset]) -> dict[tuple[str, str], float]:
    rows = Series.objects.filter(
        device__asset__in=[asset.pk for asset in assets], device__retired_at=None, metric__in=(*LEVELS, *ABOARD)
    )
    keys = {pk: (uid, metric) for pk, uid, metric in rows.values_list("pk", "device__asset__uid", "metric")}
    return {keys[pk]: value.value for pk, value in read.latest(keys).items() if value.is_usable}


def _told(uids: Sequence[str]) -> dict[str, str]:
    """The last word of this shift about each container."""
    rows = StopReport.objects.filter(container__uid__in=uids, at__gte=clock.now() - SHIFT).order_by("at")
    return dict(rows.values_list("container__uid", "outcome"))


def _stop(asset: Asset, values: Mapping[tuple[str, str], float], told: Mapping[str, str]) -> dict[str, Any]:
    level = values.get((asset.uid, "waste.fill_level"))
    if level is None and isinstance(asset, Container) and (asset.uid, "waste.distance") in values:
        geometry = {"empty_mm": asset.empty_mm, "full_mm": asset.full_mm}
        level = from_distance(values[asset.uid, "waste.distance"], geometry)
    at = asset.geom.centroid
    return {
        "uid": asset.uid,
        "kind": asset.kind,
        "name": asset.name,
        "lon": round(at.x, 6),
        "lat": round(at.y, 6),
        "level": None if level is None else round(level),
        "stream": asset.stream if isinstance(asset, Container) else "",
        "access": [asset.access_from, asset.access_to] if isinstance(asset, Container) else None,
        "said": told.get(asset.uid, ""),
    }


def report(lorry: Truck, container: Container, tap: Tap, by: Actor) -> tuple[StopReport, bool]:
    """Write what was said, once whatever the network repeats; the row, and whether it is new."""
    at = clock.now() - timedelta(seconds=max(0.0, tap.ago_s))
    with transaction.atomic():
        row, is_new = StopReport.objects.get_or_create(
            id=tap.id,
            defaults={
                "truck": lorry,
                "container": container,
                "outcome": tap.outcome,
                "note": tap.note[:200],
                "at": at,
                "by": by.name[:150],
                "simulated": clock.is_simulation,
            },
        )
        if is_new:
            after = {"truck": lorry.uid, "container": container.uid, "outcome": tap.outcome, "at": at}
            record(by, "waste.stop.report", container.uid, after=after, reason=tap.note)
    return row, is_new
