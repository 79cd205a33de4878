# SPDX-License-Identifier: Apache-2.0
"""REST: commands, modes, tags, overrides, events and the ledger, to read."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity import declared
from smartcity.api.access import Scope
from smartcity.api.views import CityView, instant, moment, ms, whole
from smartcity.control import actions, baseline_api, loops, overriding_api, returning_api, shapes, signing
from smartcity.control.bodies import OF_ASSET
from smartcity.control.models import Command, FastEvent, LedgerEntry, LockOut, Override
from smartcity.devices.models import Zone
from smartcity.kernel.clock import clock

OBJECT = OpenApiTypes.OBJECT
SPAN = [OpenApiParameter("from", str), OpenApiParameter("to", str), OpenApiParameter("limit", int)]


def newest(rows: QuerySet[Any], request: Request, column: str, most: int = 1000) -> QuerySet[Any]:
    """Narrowed to `from`/`to` of the query, newest first, at most `limit` rows."""
    for name, lookup in (("from", "gte"), ("to", "lt")):
        if name in request.query_params:
            rows = rows.filter(**{f"{column}__{lookup}": moment(instant(request.query_params[name], name))})
    return rows.order_by(f"-{column}")[: whole(request, "limit", 100, most)]


class CommandsView(actions.RequestCommand):
    """Newest first; POST requests a setpoint (reason and expiry required, Idempotency-Key honoured)."""

    @extend_schema(
        operation_id="commands",
        responses=OBJECT,
        parameters=[*SPAN, *(OpenApiParameter(name, str) for name in ("asset", "domain", "zone", "state", "issuer"))],
    )
    def get(self, request: Request) -> Response:
        lookups = {
            "asset": "asset__uid",
            "domain": "domain",
            "zone": "zone__code",
            "state": "state",
            "issuer": "issuer",
        }
        named = {path: request.query_params[name] for name, path in lookups.items() if name in request.query_params}
        rows = Command.objects.filter(self.reach(request).where(), **named)
        rows = rows.select_related("asset", "zone").prefetch_related("transitions")
        return Response({"results": [shapes.command(row) for row in newest(rows, request, "created_at")]})


class CommandView(CityView):
    """One command with its steps."""

    @extend_schema(operation_id="command", responses=OBJECT)
    def get(self, request: Request, pk: Any) -> Response:
        rows = Command.objects.filter(self.reach(request).where(), pk=pk).select_related("asset", "zone")
        row = rows.prefetch_related("transitions").first()
        if row is None:
            raise NotFound("There is no such command.")
        return Response(shapes.command(row))


def zones_within(reach: Scope) -> list[Zone]:
    return [z for z in Zone.objects.order_by("name") if any(pair[1] in ("", z.code) for pair in reach.pairs)]


class ModesView(actions.SetMode):
    """Every loop in every zone, with the mode in force; POST grants one or takes it back."""

    @extend_schema(operation_id="modes", responses=OBJECT)
    def get(self, request: Request) -> Response:
        reach = self.reach(request)
        zones, now = zones_within(reach), clock.now()
        signed = signing.counts(declared.loops().values(), now, is_simulation=clock.is_simulation)
        ids = {zone.code: zone.pk for zone in zones}
        found = shapes.modes(zones, now, clock.is_simulation)
        return Response(
            [
                row | _possible(signed.get((row["loop"], ids[row["zone"]]), signing.NOTHING)) | _course(row["loop"])
                for row in found
                if reach.allows(row["domain"], row["zone"])
            ]
        )


def _possible(signed: signing.Signed) -> dict[str, Any]:
    """Whether `auto` would act here, and on how many."""
    numbers = {"assets": signed.assets, "auto_allowed": signed.signed}
    return {"auto_allowed": not signed.why_not, "why_not": signed.why_not, "counts": numbers}


def _course(loop: str) -> dict[str, Any]:
    """How the loop has been running in this process; empty where another process runs it."""
    state = loops.running.get(loop)
    if state is None:
        return {"last_run_at": None, "last_error": "", "last_duration_s": None}
    duration = round(state.duration_s, 3)
    return {"last_run_at": state.last_run_ms, "last_error": state.error, "last_duration_s": duration}


class OverridesView(overriding_api.PlaceOverride):
    """What operators hold by hand."""

    @extend_schema(operation_id="overrides", responses=OBJECT, parameters=[OpenApiParameter("standing", bool), *SPAN])
    def get(self, request: Request) -> Response:
        rows = Override.objects.filter(self.reach(request).where(*OF_ASSET)).select_related("asset", "owner")
        if "standing" in request.query_params:
            rows = rows.filter(ended_at=None, until__gt=clock.now())
        return Response([shapes.override(row, request.user) for row in newest(rows, request, "since")])


class LockOutsView(actions.HangTag):
    """Tags under which every command is refused."""

    @extend_schema(operation_id="lockouts", responses=OBJECT, parameters=[OpenApiParameter("standing", bool), *SPAN])
    def get(self, request: Request) -> Response:
        rows = LockOut.objects.filter(self.reach(request).where(*OF_ASSET)).select_related("asset", "owner")
        rows = rows.filter(lifted_at=None) if "standing" in request.query_params else rows
        return Response([shapes.lockout(row, request.user) for row in newest(rows, request, "placed_at")])


class EventsView(CityView):
    """The second-by-second requests under a mode lease, newest first."""

    @extend_schema(operation_id="events", responses=OBJECT, parameters=[OpenApiParameter("asset", str), *SPAN])
    def get(self, request: Request) -> Response:
        rows = FastEvent.objects.filter(self.reach(request).where(*OF_ASSET)).select_related("asset__zone")
        if "asset" in request.query_params:
            rows = rows.filter(asset__uid=request.query_params["asset"])
        return Response({"results": [shapes.event(row) for row in newest(rows, request, "at")]})


class LedgerView(CityView):
    """What each loop is worth beside its baseline; simulated and measured never share a column."""

    @extend_schema(operation_id="ledger", responses=OBJECT, parameters=[OpenApiParameter("domain", str), *SPAN])
    def get(self, request: Request) -> Response:
        reach = self.reach(request)
        rows = LedgerEntry.objects.all()
        if not reach.allows("", ""):
            rows = rows.filter(Q(domain__in=[d for d, _ in reach.pairs if d]) | Q(domain__in=_whole_domains(reach)))
        if "domain" in request.query_params:
            rows = rows.filter(domain=request.query_params["domain"])
        return Response({"results": [_entry(row) for row in newest(rows, request, "from_at", 5000)]})


def _whole_domains(reach: Scope) -> list[str]:
    found = LedgerEntry.objects.values_list("domain", flat=True).distinct()
    return [domain for domain in found if reach.touches(domain)]


def _entry(row: LedgerEntry) -> dict[str, Any]:
    names = "domain kpi title unit baseline_name lower_is_better note"
    values = "simulated_value simulated_baseline measured_value measured_baseline"
    plain = {name: getattr(row, name) for name in f"{names} {values}".split()}
    return plain | {"from_at": ms(row.from_at), "to_at": ms(row.to_at)}


urlpatterns = [
    path("commands/", CommandsView.as_view()),
    path("commands/<uuid:pk>", CommandView.as_view()),
    path("commands/<uuid:pk>/approve", actions.Approve.as_view()),
    path("commands/<uuid:pk>/reject", actions.Reject.as_view()),
    path("modes/", ModesView.as_view()),
    path("overrides/", OverridesView.as_view()),
    path("overrides/preview", overriding_api.PreviewOverride.as_view()),
    path("overrides/<int:pk>/lift", overriding_api.LiftOverride.as_view()),
    path("lockouts/", LockOutsView.as_view()),
    path("lockouts/<int:pk>/lift", actions.TakeTagOff.as_view()),
    path("events/", EventsView.as_view()),
    path("ledger/", LedgerView.as_view()),
    *baseline_api.urlpatterns,
    path("return-to-local/", returning_api.ReturnToLocal.as_view()),
    path("return-to-local/<str:batch>", returning_api.ReturnReport.as_view()),
]
