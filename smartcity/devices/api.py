# SPDX-License-Identifier: Apache-2.0
"""REST: assets as GeoJSON, zones, metrics, series."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity import declared, domains
from smartcity.api.access import Scope
from smartcity.api.views import CityView, whole
from smartcity.devices import device_api, engineering_api, places
from smartcity.devices.models import Asset, Series, Zone

OBJECT = OpenApiTypes.OBJECT


def extras_of(model: type[Asset]) -> list[str]:
    """The columns a domain's model adds to an asset."""
    return [f.name for f in model._meta.local_concrete_fields if not f.primary_key and not f.is_relation]


def kinds(domain: str) -> Iterable[type[Asset]]:
    """The asset models of a domain."""
    return (model for model in apps.get_app_config(domain).get_models() if issubclass(model, Asset))


def feature(asset: Asset, series: dict[str, int], extras: Iterable[str], parents: dict[int, str]) -> dict[str, Any]:
    """One GeoJSON feature as the map reads it."""
    own = {
        "uid": asset.uid,
        "kind": asset.kind,
        "name": asset.name,
        "parent": parents.get(asset.parent_id) if asset.parent_id else None,
        "zone": asset.zone.code,
        "estimated": asset.estimated,
        "simulated": asset.simulated,
        "series": series,
    }
    geometry = {"type": asset.geom.geom_type, "coordinates": asset.geom.coords}
    extra = {name: getattr(asset, name) for name in extras}
    return {"type": "Feature", "id": asset.uid, "geometry": geometry, "properties": extra | own}


def features(domain: str, reach: Scope, bbox: places.Box | None = None) -> list[dict[str, Any]]:
    """All assets of a domain within reach: one query per kind, one for series, one for parents."""
    series: dict[int, dict[str, int]] = defaultdict(dict)
    rows = Series.objects.filter(device__asset__domain=domain, device__retired_at=None)
    for asset_id, metric, pk in rows.values_list("device__asset_id", "metric", "pk"):
        series[asset_id][metric] = pk
    parents = dict(Asset.objects.filter(domain=domain, children__isnull=False).values_list("pk", "uid").distinct())
    found = []
    for model in kinds(domain):
        extras = extras_of(model)
        assets = model._default_manager.filter(reach.where(), missing_since=None).select_related("zone").order_by("uid")
        within = places.in_box(assets, bbox) if bbox else assets
        found += [feature(asset, series.get(asset.pk, {}), extras, parents) for asset in within]
    return found


class MapView(CityView):
    """Everything of one domain that can be drawn."""

    @extend_schema(operation_id="map", responses=OBJECT)
    def get(self, request: Request, domain: str) -> HttpResponse:
        if domain not in {config.label for config in domains.installed()}:
            raise Http404(f"No domain {domain!r} is installed.")
        body = json.dumps({"type": "FeatureCollection", "features": features(domain, self.reach(request))}, default=str)
        etag = f'"{hashlib.sha1(body.encode(), usedforsecurity=False).hexdigest()}"'
        if request.headers.get("If-None-Match") == etag:
            return HttpResponse(status=304, headers={"ETag": etag})
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        return HttpResponse(body, content_type="application/geo+json", headers=headers)


class AssetsView(CityView):
    """Assets as GeoJSON, by box, domain, kind, zone or words; paged."""

    @extend_schema(
        operation_id="assets",
        responses=OBJECT,
        parameters=[
            OpenApiParameter("bbox", str, description="west,south,east,north in degrees"),
            OpenApiParameter("domain", str),
            OpenApiParameter("kind", str),
            OpenApiParameter("zone", str),
            OpenApiParameter("q", str, description="Words in uid or name."),
            OpenApiParameter("page", int),
            OpenApiParameter("page_size", int),
        ],
    )
    def get(self, request: Request) -> Response:
        found = _filtered(Asset.objects.filter(self.reach(request).where()), request)
        page, size = whole(request, "page", 1, 10**6), whole(request, "page_size", 100, 1000)
        count = found.count()
        rows = list(found.select_related("zone", "parent").order_by("uid")[(page - 1) * size : page * size])
        series: dict[int, dict[str, int]] = defaultdict(dict)
        measured = Series.objects.filter(device__asset__in=[a.pk for a in rows], device__retired_at=None)
        for asset_id, metric, pk in measured.values_list("device__asset_id", "metric", "pk"):
            series[asset_id][metric] = pk
        parents = {a.parent_id: a.parent.uid for a in rows if a.parent_id and a.parent}
        drawn = [feature(a, series.get(a.pk, {}), (), parents) for a in rows]
        for item, asset in zip(drawn, rows, strict=True):
            item["properties"]["domain"] = asset.domain
        return Response({"type": "FeatureCollection", "count": count, "page": page, "features": drawn})


def _filtered(found: QuerySet[Asset], request: Request) -> QuerySet[Asset]:
    for name, lookup in (("domain", "domain"), ("kind", "kind"), ("zone", "zone__code")):
        if name in request.query_params:
            found = found.filter(**{lookup: request.query_params[name]})
    words = request.query_params.get("q", "").strip()
    if words:
        found = found.filter(uid__icontains=words) | found.filter(name__icontains=words)
    if "bbox" in request.query_params:
        found = places.in_box(found, _box(request.query_params["bbox"]))
    return found


def _box(text: str) -> places.Box:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise ValidationError({"bbox": "Write west,south,east,north in degrees."}) from None
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise ValidationError({"bbox": "West must be less than east and south less than north, in degrees."})
    return west, south, east, north


class ZonesView(CityView):
    """The city's zones."""

    @extend_schema(operation_id="zones", responses=OBJECT)
    def get(self, request: Request) -> Response:
        reach = self.reach(request)
        zones = [z for z in Zone.objects.order_by("name") if any(pair[1] in ("", z.code) for pair in reach.pairs)]
        return Response([{"code": zone.code, "name": zone.name} for zone in zones])


class MetricsView(CityView):
    """What is measured, why, for how long it is kept: the record of processing, generated from the declarations."""

    @extend_schema(operation_id="metrics", responses=OBJECT)
    def get(self, request: Request) -> Response:
        reach = self.reach(request)
        return Response([_metric(m) for m in declared.metrics().values() if reach.touches(m.domain)])


def _metric(metric: Any) -> dict[str, Any]:
    plain = (
        "name",
        "title",
        "unit",
        "low",
        "high",
        "every_s",
        "purpose",
        "keep_raw_days",
        "sealed_days",
        "keep_rollup_days",
        "shared",
    )
    shown = {name: getattr(metric, name) for name in plain}
    return shown | {"data_class": metric.data_class, "states": list(metric.states), "total": metric.total}


urlpatterns = [
    path("map/<slug:domain>", MapView.as_view()),
    path("assets/", AssetsView.as_view()),
    path("zones/", ZonesView.as_view()),
    path("metrics/", MetricsView.as_view()),
    *device_api.urlpatterns,
    *engineering_api.urlpatterns,
]
