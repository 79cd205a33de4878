# SPDX-License-Identifier: Apache-2.0
"""REST: everything about one asset, drawn together from devices, telemetry, control and alarms."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity import declared
from smartcity.alarms.api import shape as alarm_shape
from smartcity.alarms.models import Alarm
from smartcity.api.access import Action, scope
from smartcity.api.views import CityView, ms
from smartcity.control import safety, shapes, situations
from smartcity.control.models import Command, LockOut, LoopMode, Override
from smartcity.devices.models import Asset, Device, EngineeringRecord, Series
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Loop, Point
from smartcity.kernel.metrics import DataClass
from smartcity.telemetry import read


class AssetView(CityView):
    """One asset: latest values, device, engineering data, modes, tags, overrides, alarms and the last reason."""

    @extend_schema(operation_id="asset", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, uid: str) -> Response:
        rows = Asset.objects.filter(self.reach(request).where(), uid=uid).select_related("zone", "parent")
        asset = rows.first()
        if asset is None:
            raise NotFound(f"There is no asset {uid}.")
        device = Device.objects.filter(asset=asset).order_by("retired_at", "pk").first()
        record = EngineeringRecord.objects.filter(asset=asset, is_current=True).first()
        signed_by = situations.signature(record, clock.now_ms(), clock.is_simulation)
        return Response(
            _identity(asset)
            | {"series": _series(request, asset), "device": _device(device), "engineering": _signed(record, signed_by)}
            | _control(request, asset, device, signed_by)
            | {"alarms": _alarms(asset), "may": _may(request, asset)}
        )


def _identity(asset: Asset) -> dict[str, Any]:
    plain = "uid domain kind name estimated simulated source external_id"
    return {name: getattr(asset, name) for name in plain.split()} | {
        "kind_title": asset.kind.replace("_", " ").capitalize(),
        "zone": {"code": asset.zone.code, "name": asset.zone.name},
        "parent": asset.parent.uid if asset.parent else None,
        "missing_since": ms(asset.missing_since),
        "geometry": {"type": asset.geom.geom_type, "coordinates": asset.geom.coords},
    }


def _series(request: Request, asset: Asset) -> list[dict[str, Any]]:
    sees_personal = scope(request.user, Action.PERSONAL).allows(asset.domain, asset.zone.code)
    rows = list(Series.objects.filter(device__asset=asset, device__retired_at=None).order_by("metric"))
    latest = read.latest([row.pk for row in rows])
    targets = {target.metric for target in declared.targets() if not target.kinds or asset.kind in target.kinds}
    found = []
    for row in rows:
        metric, value = declared.metrics().get(row.metric), latest.get(row.pk)
        if metric is None or (metric.data_class is DataClass.PERSONAL and not sees_personal):
            continue
        found.append(
            {
                "id": row.pk,
                "metric": metric.name,
                "title": metric.title,
                "unit": metric.unit,
                "every_s": metric.every_s,
                "states": list(metric.states),
                "latest": {"value": value.value, "at": value.at_ms, "quality": value.quality} if value else None,
                "forecast": metric.name in targets,
            }
        )
    return found


def _device(device: Device | None) -> dict[str, Any] | None:
    if device is None:
        return None
    return {
        "uid": device.uid,
        "codec": device.codec,
        "last_seen": read.last_seen([device.pk]).get(device.pk),
        "retired_at": ms(device.retired_at),
        "announced_version": device.announced_version,
        "announced": device.announced,
    }


def _signed(record: EngineeringRecord | None, signed_by: str) -> dict[str, Any] | None:
    if record is None:
        return None
    return {
        "version": record.version,
        "data": record.data,
        "basis": record.basis,
        "signed_by": record.signed_by,
        "signed_at": ms(record.signed_at),
        "valid_from": ms(record.valid_from),
        "valid_until": ms(record.valid_until),
        "is_valid": bool(signed_by),
    }


def _control(request: Request, asset: Asset, device: Device | None, signed_by: str) -> dict[str, Any]:
    now = clock.now()
    tag = LockOut.objects.filter(asset=asset, lifted_at=None).select_related("owner", "asset").first()
    held = Override.objects.filter(asset=asset, ended_at=None, until__gt=now).select_related("owner", "asset")
    points = [point for point in declared.points() if point.kind == asset.kind]
    why_not = _why_not(asset, device)
    return {
        "lockout": shapes.lockout(tag, request.user) if tag else None,
        "overrides": [shapes.override(row, request.user) for row in held],
        "points": [_point(point) for point in points],
        "modes": [_mode(loop, asset, signed_by) for loop in _loops(asset)],
        "why": _why(asset),
        "commandable": bool(points) and not why_not,
        "why_not_commandable": why_not if points else "nothing on this asset can be commanded",
    }


def _point(point: Point) -> dict[str, Any]:
    plain = {name: getattr(point, name) for name in ("name", "title", "unit", "low", "high", "longest_s")}
    return plain | {"choices": list(point.choices)}


def _loops(asset: Asset) -> list[Loop]:
    """The loops that command assets of this kind."""
    kinds = {point.kind for point in declared.points()}
    mine = [loop for loop in declared.loops().values() if loop.domain == asset.domain]
    return [loop for loop in mine if asset.kind in (loop.extra.get("kinds") or kinds)]


def _mode(loop: Loop, asset: Asset, signed_by: str) -> dict[str, Any]:
    row = LoopMode.objects.filter(loop=loop.name, zone=asset.zone).first()
    shown = shapes.mode(loop, asset.zone, row, clock.now(), clock.is_simulation)
    why_not = "" if signed_by else "the engineering data carry no valid signature, so the loop may only advise"
    return shown | {"auto_allowed": bool(signed_by), "why_not": why_not}


def _why_not(asset: Asset, device: Device | None) -> str:
    if device is None or device.retired_at:
        return "no device speaks for this asset"
    if (device.simulated or asset.simulated) != clock.is_simulation:
        only = "a real device is commanded only in LIVE"
        return only if clock.is_simulation else "a simulated device exists only in SIMULATION"
    return "an estimated asset is surveyed first" if asset.estimated and not clock.is_simulation else ""


def _why(asset: Asset) -> dict[str, Any] | None:
    """The reason of the newest command to the asset, or of the lease its group runs under."""
    row = Command.objects.filter(asset=asset).exclude(point=safety.LEASE).order_by("-created_at").first()
    if row is None:
        return None
    return {
        "reason": row.reason,
        "alternative": row.alternative,
        "at": ms(row.created_at),
        "issuer": shapes.issuer_word(row.issuer),
        "rests_on": row.rests_on,
    }


def _alarms(asset: Asset) -> list[dict[str, Any]]:
    rows = Alarm.objects.filter(asset=asset, cleared_at=None).select_related("asset", "asset__zone")
    return [alarm_shape(row) for row in rows.order_by("severity")]


def _may(request: Request, asset: Asset) -> dict[str, bool]:
    actions = {"operate": Action.OPERATE, "configure": Action.CONFIGURE}
    return {name: scope(request.user, a).allows(asset.domain, asset.zone.code) for name, a in actions.items()}
