# SPDX-License-Identifier: Apache-2.0
"""REST: devices and gateways, their keys included. A secret is in the answer that made it and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api import errors
from smartcity.api.access import Scope
from smartcity.api.audit import actor
from smartcity.api.views import CONFIGURE, VIEW, CityView, ms, whole
from smartcity.devices import provisioning
from smartcity.devices.models import Asset, Device, GatewayToken
from smartcity.devices.provisioning import Issued, Refused, Taken, Wanted

OBJECT = OpenApiTypes.OBJECT
OF_ASSET = ("asset__domain", "asset__zone__code")
T = TypeVar("T")


class Unprocessable(APIException):
    status_code = 422
    default_code = "refused"


def answered(action: Callable[[], T]) -> T:
    """Run it; a refusal becomes the problem response that fits."""
    try:
        return action()
    except Taken as no:
        raise errors.Conflict(str(no)) from None
    except Refused as no:
        raise Unprocessable(str(no)) from None


class NewDevice(serializers.Serializer[Any]):
    uid = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")
    asset = serializers.CharField(max_length=64)
    codec = serializers.CharField(max_length=40, default="senml")
    metrics = serializers.ListField(child=serializers.CharField(max_length=80), allow_empty=False, max_length=100)


class NewGateway(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    devices = serializers.ListField(child=serializers.CharField(max_length=64), allow_empty=False, max_length=10_000)


class Why(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


def read(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def shape(device: Device) -> dict[str, Any]:
    """A device as other systems read it; select asset and zone, prefetch series."""
    return {
        "uid": device.uid,
        "asset": device.asset.uid,
        "domain": device.asset.domain,
        "zone": device.asset.zone.code,
        "codec": device.codec,
        "simulated": device.simulated,
        "has_secret": device.secret_sha256 is not None,
        "secret_changed_at": ms(device.secret_changed_at),
        "retired_at": ms(device.retired_at),
        "announced_at": ms(device.announced_at),
        "announced_version": device.announced_version,
        "series": {series.metric: series.pk for series in device.series.all()},
    }


def issued(made: Issued) -> dict[str, Any]:
    return {"uid": made.device.uid, "secret": made.secret, "secret_changed_at": ms(made.device.secret_changed_at)}


def within(reach: Scope) -> QuerySet[Device]:
    return Device.objects.filter(reach.where(*OF_ASSET)).select_related("asset__zone").prefetch_related("series")


def one(reach: Scope, uid: str) -> Device:
    """The device, or NotFound where it is out of reach."""
    found = within(reach).filter(uid=uid).first()
    if found is None:
        raise NotFound(f"There is no device {uid} within your reach.")
    return found


class DevicesView(CityView):
    """Devices by asset, domain or words; POST sets one up and answers with its secret, this once."""

    needs = {"GET": VIEW, "POST": CONFIGURE}

    @extend_schema(
        operation_id="devices",
        responses=OBJECT,
        parameters=[
            OpenApiParameter("asset", str),
            OpenApiParameter("domain", str),
            OpenApiParameter("q", str, description="Words in the uid."),
            OpenApiParameter("retired", bool, description="Retired ones too."),
            OpenApiParameter("page", int),
            OpenApiParameter("page_size", int),
        ],
    )
    def get(self, request: Request) -> Response:
        lookups = {"asset": "asset__uid", "domain": "asset__domain", "q": "uid__icontains"}
        named = {path: request.query_params[name] for name, path in lookups.items() if name in request.query_params}
        rows = within(self.reach(request)).filter(**named)
        rows = rows if "retired" in request.query_params else rows.filter(retired_at=None)
        page, size = whole(request, "page", 1, 10**6), whole(request, "page_size", 100, 1000)
        shown = rows.order_by("uid")[(page - 1) * size : page * size]
        return Response({"count": rows.count(), "page": page, "results": [shape(device) for device in shown]})

    @extend_schema(operation_id="create_device", request=NewDevice, responses={201: OBJECT})
    def post(self, request: Request) -> Response:
        wish = read(NewDevice, request)
        if not Asset.objects.filter(self.reach(request).where(), uid=wish["asset"]).exists():
            raise ValidationError({"asset": f"There is no asset {wish['asset']} that you may configure."})
        wanted = Wanted(wish["uid"] or wish["asset"], wish["asset"], wish["codec"], tuple(wish["metrics"]))
        made = answered(lambda: provisioning.create(wanted, actor(request)))
        return Response(issued(made), status=201)


class DeviceView(CityView):
    """One device."""

    @extend_schema(operation_id="device", responses=OBJECT)
    def get(self, request: Request, uid: str) -> Response:
        return Response(shape(one(self.reach(request), uid)))


class RotateSecret(CityView):
    """A new secret, in the answer this once; the old one is worthless at once."""

    needs = {"POST": CONFIGURE}

    @extend_schema(operation_id="rotate_device_secret", request=Why, responses=OBJECT)
    def post(self, request: Request, uid: str) -> Response:
        device, reason = one(self.reach(request), uid), read(Why, request)["reason"]
        return Response(issued(answered(lambda: provisioning.rotate(device, actor(request), reason))))


class RevokeSecret(CityView):
    """The device may not connect until a new secret is issued."""

    needs = {"POST": CONFIGURE}

    @extend_schema(operation_id="revoke_device_secret", request=Why, responses=OBJECT)
    def post(self, request: Request, uid: str) -> Response:
        device, reason = one(self.reach(request), uid), read(Why, request)["reason"]
        answered(lambda: provisioning.revoke(device, actor(request), reason))
        return Response(shape(one(self.reach(request), uid)))


class RetireDevice(CityView):
    """For good; its history stays."""

    needs = {"POST": CONFIGURE}

    @extend_schema(operation_id="retire_device", request=Why, responses=OBJECT)
    def post(self, request: Request, uid: str) -> Response:
        device, reason = one(self.reach(request), uid), read(Why, request)["reason"]
        answered(lambda: provisioning.retire(device, actor(request), reason))
        return Response(shape(one(self.reach(request), uid)))


class GatewaysView(CityView):
    """Gateways that post for many devices; POST makes one and answers with its token, this once."""

    needs = {"GET": CONFIGURE, "POST": CONFIGURE}

    @extend_schema(operation_id="gateways", responses=OBJECT)
    def get(self, request: Request) -> Response:
        return Response([_gateway(row) for row in _gateways(self.reach(request))])

    @extend_schema(operation_id="create_gateway", request=NewGateway, responses={201: OBJECT})
    def post(self, request: Request) -> Response:
        wish = read(NewGateway, request)
        devices = list(within(self.reach(request)).filter(uid__in=wish["devices"], retired_at=None))
        missing = sorted(set(wish["devices"]) - {device.uid for device in devices})
        if missing:
            raise ValidationError({"devices": f"There is no device {missing[0]} that you may configure."})
        row, token = answered(lambda: provisioning.open_gateway(wish["name"], devices, actor(request)))
        return Response(_gateway(row) | {"token": token}, status=201)


class RevokeGateway(CityView):
    """Its token is worthless at once."""

    needs = {"POST": CONFIGURE}

    @extend_schema(operation_id="revoke_gateway", request=Why, responses=OBJECT)
    def post(self, request: Request, pk: int) -> Response:
        row = next((row for row in _gateways(self.reach(request)) if row.pk == pk), None)
        if row is None:
            raise NotFound("There is no such gateway within your reach.")
        reason = read(Why, request)["reason"]
        answered(lambda: provisioning.close_gateway(row, actor(request), reason))
        return Response(_gateway(GatewayToken.objects.get(pk=pk)))


def _gateways(reach: Scope) -> list[GatewayToken]:
    """Those whose every device is within reach: a token is one key, it cannot be half somebody's."""
    rows = GatewayToken.objects.order_by("name").prefetch_related("devices__asset__zone")
    return [row for row in rows if all(reach.allows(d.asset.domain, d.asset.zone.code) for d in row.devices.all())]


def _gateway(row: GatewayToken) -> dict[str, Any]:
    devices = sorted(device.uid for device in row.devices.all())
    return {"id": row.pk, "name": row.name, "devices": devices, "revoked_at": ms(row.revoked_at)}


urlpatterns = [
    path("devices/", DevicesView.as_view()),
    path("devices/<str:uid>", DeviceView.as_view()),
    path("devices/<str:uid>/rotate", RotateSecret.as_view()),
    path("devices/<str:uid>/revoke", RevokeSecret.as_view()),
    path("devices/<str:uid>/retire", RetireDevice.as_view()),
    path("gateways/", GatewaysView.as_view()),
    path("gateways/<int:pk>/revoke", RevokeGateway.as_view()),
]
