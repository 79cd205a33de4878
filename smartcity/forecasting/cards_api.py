# SPDX-License-Identifier: Apache-2.0
"""REST: model cards: read by whoever sees the domain, approved by who administers it, exported for a register."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api import errors
from smartcity.api.access import Action, scope
from smartcity.api.audit import actor
from smartcity.api.views import ADMINISTER, CityView, moment
from smartcity.devices import time_zone
from smartcity.devices.naming import city_name
from smartcity.forecasting import cards, register
from smartcity.forecasting.board_api import visible_to
from smartcity.forecasting.cards import Card
from smartcity.forecasting.models import CardApproval
from smartcity.kernel.clock import clock


class Word(serializers.Serializer[Any]):
    """Who answers for it, how to reach them, the decision that allows it, and why it may be used."""

    owner = serializers.CharField(max_length=150)
    contact = serializers.EmailField(required=False, allow_blank=True, default="")
    basis = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    reason = serializers.CharField(max_length=500)


class CardsView(CityView):
    """Of everything that is foreseen in the domains the caller sees, in short."""

    @extend_schema(operation_id="forecast_cards", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        reach = self.reach(request)
        found = [one for one in cards.gather(visible_to(request), clock.now_ms()) if reach.touches(one.domain)]
        return Response({"results": [_short(one) for one in found]})


class CardView(CityView):
    """One card; `as=register` is its entry for a public register (Algorithmic Transparency Standard 0.3.1)."""

    @extend_schema(
        operation_id="forecast_card",
        responses=OpenApiTypes.OBJECT,
        parameters=[OpenApiParameter("as", str, enum=["card", "register"], description="Default: card")],
    )
    def get(self, request: Request, metric: str, kind: str) -> Response:
        card = _card(request, metric, kind)
        if request.query_params.get("as") == "register":
            name = "-".join([*([clock.mode] if clock.is_simulation else []), metric, kind, "register"])
            return Response(_entry(card), headers={"Content-Disposition": f'attachment; filename="{name}.json"'})
        may = scope(request.user, Action.ADMINISTER).allows(card.domain, "")
        rows = CardApproval.objects.filter(metric=metric, kind=kind).order_by("-approved_at")
        return Response(_whole(card) | {"may_approve": may, "approvals": [_approval(row) for row in rows]})


class ApproveCard(CityView):
    """Put a name under what the card says now."""

    needs = {"POST": ADMINISTER}

    @extend_schema(operation_id="approve_forecast_card", request=Word, responses={201: OpenApiTypes.OBJECT})
    def post(self, request: Request, metric: str, kind: str) -> Response:
        body = Word(data=request.data)
        body.is_valid(raise_exception=True)
        card = _card(request, metric, kind)
        if not self.reach(request).allows(card.domain, ""):
            raise NotFound("There is no such card that you may approve.")
        try:
            row = cards.approve(card, **body.validated_data, by=actor(request), now_ms=clock.now_ms())
        except cards.Refused as no:
            raise errors.Conflict(str(no)) from None
        return Response(_approval(row), status=201)


def _card(request: Request, metric: str, kind: str) -> Card:
    """Raises NotFound where it is not foreseen, or the caller does not see the domain."""
    if not scope(request.user, Action.VIEW).touches(metric.partition(".")[0]):
        raise NotFound(f"{metric} of {kind} is not foreseen.")
    found = cards.gather(visible_to(request), clock.now_ms(), only=(metric, kind))
    if not found:
        raise NotFound(f"{metric} of {kind} is not foreseen.")
    return found[0]


def _short(card: Card) -> dict[str, Any]:
    return {
        "domain": card.domain,
        "metric": card.metric.name,
        "kind": card.kind,
        "title": card.metric.title,
        "purpose": card.target.purpose,
        "approval": _approval(card.approval) if card.approval else None,
        "is_current": card.is_current,
    }


def _whole(card: Card) -> dict[str, Any]:
    target = card.target
    return _short(card) | {
        "unit": card.metric.unit,
        "horizon_h": target.horizon_steps * target.step_s / 3600,
        "step_s": target.step_s,
        "levels": list(target.levels),
        "data": list(card.data),
        "data_class": card.metric.data_class.value,
        "methods": list(card.methods),
        "code": cards.code(),
        "measured": cards.measured(card),
        "figures": asdict(card.line.whole) if card.line else None,
        "limits": list(card.limits),
    }


def _approval(row: CardApproval) -> dict[str, Any]:
    plain = ("owner", "contact", "basis", "reason", "approved_by", "approved_at", "code", "figures")
    return {name: getattr(row, name) for name in plain}


def _entry(card: Card) -> dict[str, str]:
    rows = CardApproval.objects.filter(metric=card.metric.name, kind=card.kind).order_by("approved_at")
    first = rows.values_list("approved_at", flat=True).first()
    newest = card.approval.approved_at if card.approval else None
    on = {"approved_on": _day(newest), "first_on": _day(first)}
    return register.entry(card, city=city_name(), simulated=clock.is_simulation, **on)


def _day(at_ms: int | None) -> date | None:
    return None if at_ms is None else moment(at_ms).astimezone(time_zone.city_zone()).date()
