# SPDX-License-Identifier: Apache-2.0
"""REST: engineering data of assets, their versions and signatures."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.access import Scope
from smartcity.api.audit import actor
from smartcity.api.models import ApiToken
from smartcity.api.views import CONFIGURE, VIEW, CityView, instant, moment, ms, whole
from smartcity.devices import engineering
from smartcity.devices.device_api import OBJECT, answered, read
from smartcity.devices.models import Asset, EngineeringRecord
from smartcity.kernel.clock import clock

MOST_VERSIONS = 2_000_000_000


class Drawn(serializers.Serializer[Any]):
    asset = serializers.CharField(max_length=64)
    data = serializers.DictField(allow_empty=False)  # type: ignore[assignment]
    basis = serializers.CharField(max_length=200)


class Chosen(serializers.Serializer[Any]):
    """Assets by name, or all of a kind, in one zone or everywhere."""

    assets = serializers.ListField(child=serializers.CharField(max_length=64), required=False, max_length=10_000)
    domain = serializers.CharField(max_length=40, required=False)
    kind = serializers.CharField(max_length=40, required=False)
    zone = serializers.CharField(max_length=40, required=False)
    reason = serializers.CharField(max_length=500)


class Signature(Chosen):
    """With `version`, only if that is still the newest."""

    valid_until = serializers.CharField(max_length=40)
    version = serializers.IntegerField(min_value=1, required=False)


def chosen(reach: Scope, wish: dict[str, Any]) -> QuerySet[Asset]:
    """The assets meant. Every one named must be within reach; of a kind, those within reach are meant."""
    rows = Asset.objects.filter(reach.where(), missing_since=None)
    if wish.get("assets"):
        found = rows.filter(uid__in=wish["assets"])
        missing = set(wish["assets"]) - set(found.values_list("uid", flat=True))
        if missing:
            raise NotFound(f"There is no asset {sorted(missing)[0]} that you may configure.")
        return found
    if not (wish.get("domain") and wish.get("kind")):
        raise ValidationError({"assets": "Name assets, or a domain and a kind."})
    rows = rows.filter(domain=wish["domain"], kind=wish["kind"])
    return rows.filter(zone__code=wish["zone"]) if wish.get("zone") else rows


def refuse_keys(request: Request) -> None:
    if isinstance(request.auth, ApiToken):
        raise PermissionDenied("A person answers for engineering data: sign in, a key cannot sign.")


def shape(row: EngineeringRecord) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in ("version", "data", "basis", "signed_by", "is_current")}
    return plain | {name: ms(getattr(row, name)) for name in ("signed_at", "valid_from", "valid_until")}


class EngineeringView(CityView):
    """The versions of one asset, newest first; POST draws up another, which waits for a signature."""

    needs = {"GET": VIEW, "POST": CONFIGURE}

    @extend_schema(operation_id="engineering", responses=OBJECT, parameters=[OpenApiParameter("asset", str)])
    def get(self, request: Request) -> Response:
        rows = EngineeringRecord.objects.filter(
            self.reach(request).where("asset__domain", "asset__zone__code"),
            asset__uid=request.query_params.get("asset", ""),
        )
        return Response([shape(row) for row in rows.order_by("-version")])

    @extend_schema(operation_id="draw_up_engineering", request=Drawn, responses={201: OBJECT})
    def post(self, request: Request) -> Response:
        wish = read(Drawn, request)
        asset = Asset.objects.filter(self.reach(request).where(), uid=wish["asset"]).first()
        if asset is None:
            raise NotFound(f"There is no asset {wish['asset']} that you may configure.")
        return Response(shape(engineering.draw_up(asset, wish["data"], wish["basis"], actor(request))), status=201)


class Compare(CityView):
    """What changed from one version of an asset's data to another, a sentence each."""

    @extend_schema(
        operation_id="compare_engineering",
        responses=OBJECT,
        parameters=[OpenApiParameter("asset", str), OpenApiParameter("old", int), OpenApiParameter("new", int)],
    )
    def get(self, request: Request) -> Response:
        uid = request.query_params.get("asset", "")
        numbers = [whole(request, name, 1, MOST_VERSIONS) for name in ("old", "new")]
        rows = EngineeringRecord.objects.filter(
            self.reach(request).where("asset__domain", "asset__zone__code"), asset__uid=uid, version__in=numbers
        )
        found = {row.version: row for row in rows.select_related("asset")}
        if not set(numbers) <= set(found):
            raise NotFound("There are no such versions.")
        old, new = (found[number] for number in numbers)
        said = engineering.changes(new.asset.kind, old.data, new.data)
        return Response({"asset": uid, "old": old.version, "new": new.version, "changes": said})


class Sign(CityView):
    """Answer for the newest version of each asset, until an instant."""

    needs = {"POST": CONFIGURE}

    @extend_schema(operation_id="sign_engineering", request=Signature, responses=OBJECT)
    def post(self, request: Request) -> Response:
        refuse_keys(request)
        wish = read(Signature, request)
        until = moment(instant(wish["valid_until"], "valid_until"))
        assets = chosen(self.reach(request), wish)
        who, version = actor(request), wish.get("version")
        signed = answered(lambda: engineering.sign(assets, until, wish["reason"], who, clock.now(), version=version))
        return Response({"signed": signed, "valid_until": ms(until)})


class Withdraw(CityView):
    """Take signatures away: loops may only advise there from now on."""

    needs = {"POST": CONFIGURE}

    @extend_schema(operation_id="withdraw_engineering", request=Chosen, responses=OBJECT)
    def post(self, request: Request) -> Response:
        wish = read(Chosen, request)
        assets = chosen(self.reach(request), wish)
        gone = answered(lambda: engineering.withdraw(assets, wish["reason"], actor(request)))
        return Response({"withdrawn": gone})


urlpatterns = [
    path("engineering/", EngineeringView.as_view()),
    path("engineering/compare", Compare.as_view()),
    path("engineering/sign", Sign.as_view()),
    path("engineering/withdraw", Withdraw.as_view()),
]
