# SPDX-License-Identifier: Apache-2.0
"""REST: events people enter for the forecasts, and how the weather is."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity import declared
from smartcity.api import errors
from smartcity.api.access import Action, Scope, scope
from smartcity.api.audit import actor
from smartcity.api.views import OPERATE, VIEW, CityView
from smartcity.devices.models import Zone
from smartcity.forecasting import events, weather
from smartcity.forecasting.models import Event
from smartcity.kernel.clock import clock

PAST_MS = 60 * 86_400_000
MOST = 500
INSTANTS = (-62_135_510_400_000, 253_402_214_400_000)


class Wished(serializers.Serializer[Any]):
    """Instants in ms. It touches what is in `zone` (a code), in the circle, and of `concerns` (domains, metrics)."""

    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=list(events.KINDS))
    start = serializers.IntegerField(min_value=INSTANTS[0], max_value=INSTANTS[1])
    end = serializers.IntegerField(min_value=INSTANTS[0], max_value=INSTANTS[1])
    before_s = serializers.IntegerField(required=False, default=0, min_value=0, max_value=events.RAMP_MOST_S)
    after_s = serializers.IntegerField(required=False, default=0, min_value=0, max_value=events.RAMP_MOST_S)
    zone = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    lon = serializers.FloatField(required=False, allow_null=True, default=None)
    lat = serializers.FloatField(required=False, allow_null=True, default=None)
    radius_m = serializers.FloatField(required=False, allow_null=True, default=None)
    concerns = serializers.ListField(
        child=serializers.CharField(max_length=80), required=False, default=list, max_length=20
    )
    expected_percent = serializers.FloatField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=500)


class Why(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class EventsView(CityView):
    """Those that come and those of the last sixty days; POST enters one.

    `kinds` are those there are, `domains` those of which something is foreseen, and `zones` those the caller may enter
    an event for; an empty code is the whole city.
    """

    needs = {"GET": VIEW, "POST": OPERATE}

    @extend_schema(operation_id="forecast_events", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        now_ms, reach, may = clock.now_ms(), self.reach(request), scope(request.user, Action.OPERATE)
        rows = Event.objects.filter(
            Q(cancelled_at=None) | Q(cancelled_at__gte=now_ms - PAST_MS), end__gt=now_ms - PAST_MS
        )
        rows = rows.filter(replaced_by=None).select_related("zone").order_by("-start")[:MOST]
        words, is_well = weather.words(now_ms)
        return Response(
            {
                "results": [shown(row) | {"may_change": _may(may, row)} for row in rows if _sees(reach, row)],
                "kinds": [{"kind": kind, "title": _title(kind)} for kind in events.KINDS],
                "domains": [domain for domain in _domains() if may.touches(domain)],
                "zones": _zones(may),
                "weather": {"words": words, "is_well": is_well},
            }
        )

    @extend_schema(operation_id="enter_forecast_event", request=Wished, responses={201: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        wish = _wish(request, self.reach(request))
        try:
            made = events.enter(wish, by=actor(request), now_ms=clock.now_ms())
        except events.Refused as no:
            raise ValidationError({"event": str(no)}) from None
        return Response(shown(made), status=201)


class EventView(CityView):
    """One event; PUT puts a new one in its place, which is what forecasts know from then on."""

    needs = {"GET": VIEW, "PUT": OPERATE}

    @extend_schema(operation_id="forecast_event", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: int) -> Response:
        found = _found(pk)
        if found is None or not _sees(self.reach(request), found):
            raise NotFound("There is no such event.")
        return Response(shown(found))

    @extend_schema(operation_id="change_forecast_event", request=Wished, responses=OpenApiTypes.OBJECT)
    def put(self, request: Request, pk: int) -> Response:
        old, reach = _found(pk), self.reach(request)
        if old is None or not _may(reach, old):
            raise NotFound("There is no such event that you may change.")
        wish = _wish(request, reach)
        if old.cancelled_at is not None:
            raise errors.Conflict("It has been changed or cancelled already; load the list again.")
        try:
            made = events.change(old, wish, by=actor(request), now_ms=clock.now_ms())
        except events.Refused as no:
            raise ValidationError({"event": str(no)}) from None
        return Response(shown(made))


class CancelEvent(CityView):
    """It does not take place, or is none of ours; forecasts do without it from then on."""

    needs = {"POST": OPERATE}

    @extend_schema(operation_id="cancel_forecast_event", request=Why, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, pk: int) -> Response:
        body = Why(data=request.data)
        body.is_valid(raise_exception=True)
        event = _found(pk)
        if event is None or not _may(self.reach(request), event):
            raise NotFound("There is no such event that you may cancel.")
        try:
            over = events.cancel(event, by=actor(request), reason=body.validated_data["reason"], now_ms=clock.now_ms())
        except events.Refused as no:
            raise errors.Conflict(str(no)) from None
        return Response(shown(over))


def shown(event: Event) -> dict[str, Any]:
    names = ("id", "name", "kind", "start", "end", "before_s", "after_s", "lon", "lat", "radius_m", "concerns")
    of_people = ("expected_percent", "reason", "owner", "entered_at", "cancelled_at", "cancelled_by")
    place = {"zone": event.zone.code if event.zone else "", "zone_name": event.zone.name if event.zone else ""}
    plain = {name: getattr(event, name) for name in (*names, *of_people)}
    return {**plain, "title": _title(event.kind), **place, "replaces": event.replaces_id}


def _title(kind: str) -> str:
    return kind.replace("_", " ")


def _wish(request: Request, reach: Scope) -> events.Wish:
    """What the caller asks for, where he may. Raises ValidationError, NotFound."""
    body = Wished(data=request.data)
    body.is_valid(raise_exception=True)
    wish = events.Wish(**body.validated_data | {"concerns": tuple(body.validated_data["concerns"])})
    if not _allows(reach, wish.concerns, wish.zone):
        raise NotFound("You may not operate all that this event touches: narrow it to your zone or domain.")
    return wish


def _found(pk: int) -> Event | None:
    return Event.objects.select_related("zone").filter(pk=pk).first() if pk < 2**63 else None


def _allows(reach: Scope, concerns: list[str] | tuple[str, ...], zone: str) -> bool:
    """An event that names no domain touches them all."""
    domains = {one.partition(".")[0] for one in concerns} or {""}
    return all(reach.allows(domain, zone) for domain in domains)


def _may(reach: Scope, event: Event) -> bool:
    return _allows(reach, event.concerns, event.zone.code if event.zone else "")


def _sees(reach: Scope, event: Event) -> bool:
    """Whoever may see something that it may touch."""
    domains = {one.partition(".")[0] for one in event.concerns}
    zone = event.zone.code if event.zone else ""
    return any(
        (not domains or not mine or mine in domains) and (not zone or not own or own == zone)
        for mine, own in reach.pairs
    )


def _domains() -> list[str]:
    return sorted({target.metric.partition(".")[0] for target in declared.targets()})


def _zones(may: Scope) -> list[dict[str, str]]:
    """Where the caller may enter an event of at least one domain."""
    every = [("", "The whole city"), *Zone.objects.order_by("name").values_list("code", "name")]
    mine = [one for one in every if any(may.allows(domain, one[0]) for domain in ("", *_domains()))]
    return [{"code": code, "name": name} for code, name in mine]
