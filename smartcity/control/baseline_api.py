# SPDX-License-Identifier: Apache-2.0
"""REST: what measured worth is compared with: those stored, another from measured days, one withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity import domains
from smartcity.api.access import Scope, scope
from smartcity.api.audit import actor
from smartcity.api.views import CONFIGURE, VIEW, CityView, instant, ms
from smartcity.control import baselines, ledger
from smartcity.control.bodies import OBJECT, Instant, Reason, answered, read
from smartcity.control.models import Baseline
from smartcity.control.refusals import Refused

SPAN = [OpenApiParameter(name, str, required=True) for name in ("domain", "kpi", "from", "to")]


class BaselineWish(serializers.Serializer[Any]):
    """`from` and `to` are the span whose measured days become the baseline."""

    domain = serializers.CharField(max_length=40)
    kpi = serializers.CharField(max_length=60)
    name = serializers.CharField(max_length=120)
    design = serializers.CharField(max_length=500)
    reason = serializers.CharField(max_length=500)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"from": Instant(), "to": Instant()}


class BaselinesView(CityView):
    """Newest first; POST stores another, for who may configure the whole domain.

    `in_force` is what the ledger compares with; `figures` are those the caller may store a baseline of.
    """

    needs = {"GET": VIEW, "POST": CONFIGURE}

    @extend_schema(operation_id="baselines", responses=OBJECT, parameters=[OpenApiParameter("domain", str)])
    def get(self, request: Request) -> Response:
        reach, may = self.reach(request), scope(request.user, CONFIGURE)
        rows, labels = Baseline.objects.order_by("-stored_at"), [config.label for config in domains.installed()]
        if "domain" in request.query_params:
            rows = rows.filter(domain=request.query_params["domain"])
            labels = [label for label in labels if label == request.query_params["domain"]]
        force = baselines.in_force(rows)
        seen = [row for row in rows if reach.touches(row.domain)]
        figures = baselines.figures(label for label in labels if may.allows(label, ""))
        return Response(
            {
                "results": [_shape(row, is_in_force=row.pk in force, may=may) for row in seen],
                "figures": [_figure(figure) for figure in figures],
            }
        )

    @extend_schema(operation_id="store_baseline", request=BaselineWish, responses={201: OBJECT})
    def post(self, request: Request) -> Response:
        wish, may = read(BaselineWish, request), self.reach(request)
        _whole(may, wish["domain"])
        row = answered(
            lambda: baselines.store(
                wish["domain"],
                wish["kpi"],
                wish["name"],
                wish["from"],
                wish["to"],
                design=wish["design"],
                reason=wish["reason"],
                by=actor(request),
            )
        )
        return Response(_shape(row, is_in_force=True, may=may), status=201)


class PreviewBaseline(CityView):
    """What the mean of that span would be, or why there is none (`why_not`); nothing is stored."""

    needs = {"GET": CONFIGURE}

    @extend_schema(operation_id="preview_baseline", responses=OBJECT, parameters=SPAN)
    def get(self, request: Request) -> Response:
        asked = _asked(request)
        _whole(self.reach(request), asked["domain"])
        from_ms, to_ms = instant(asked["from"], "from"), instant(asked["to"], "to")
        try:
            found = baselines.drawn(asked["domain"], asked["kpi"], from_ms, to_ms)
        except Refused as no:
            return Response({"value": None, "days": 0, "replaces": None, "why_not": no.message})
        rows = Baseline.objects.filter(domain=asked["domain"], kpi=asked["kpi"])
        force = baselines.in_force(rows)
        before = next((row.name for row in rows if row.pk in force), None)
        return Response({"value": found.value, "days": found.days, "replaces": before, "why_not": ""})


class WithdrawBaseline(CityView):
    """Nothing is compared with it from now on; days of the past keep what they were compared with."""

    needs = {"POST": CONFIGURE}

    @extend_schema(operation_id="withdraw_baseline", request=Reason, responses=OBJECT)
    def post(self, request: Request, pk: int) -> Response:
        may, row = self.reach(request), Baseline.objects.filter(pk=pk).first()
        if row is None or not may.touches(row.domain):
            raise NotFound("There is no such baseline that you may withdraw.")
        _whole(may, row.domain)
        reason = read(Reason, request)["reason"]
        gone = answered(lambda: baselines.withdraw(pk, by=actor(request), reason=reason))
        return Response(_shape(gone, is_in_force=False, may=may))


def _asked(request: Request) -> Mapping[str, str]:
    missing = {
        name: "Say it in the query." for name in ("domain", "kpi", "from", "to") if name not in request.query_params
    }
    if missing:
        raise ValidationError(missing)
    return {name: str(value) for name, value in request.query_params.items()}


def _whole(may: Scope, domain: str) -> None:
    if not may.allows(domain, ""):
        raise PermissionDenied(f"A baseline is of all zones: you may not configure the whole of {domain}.")


def _shape(row: Baseline, *, is_in_force: bool, may: Scope) -> dict[str, Any]:
    names = "id domain kpi name value design stored_by withdrawn_by"
    plain = {name: getattr(row, name) for name in names.split()}
    known = ledger.kpis(row.domain).get(row.kpi)
    plain |= {"title": known.title, "unit": known.unit, "beside": known.baseline} if known else {"title": row.kpi}
    times = {"from": ms(row.from_at), "to": ms(row.to_at), "stored_at": ms(row.stored_at)}
    rights = {"in_force": is_in_force, "may_withdraw": row.withdrawn_at is None and may.allows(row.domain, "")}
    return plain | times | {"withdrawn_at": ms(row.withdrawn_at)} | rights


def _figure(figure: baselines.Figure) -> dict[str, Any]:
    plain = {name: getattr(figure, name) for name in ("domain", "kpi", "title", "unit", "beside", "days")}
    return plain | {"first": ms(figure.first_at), "last": ms(figure.last_at)}


urlpatterns = [
    path("baselines/", BaselinesView.as_view()),
    path("baselines/preview", PreviewBaseline.as_view()),
    path("baselines/<int:pk>/withdraw", WithdrawBaseline.as_view()),
]
