# SPDX-License-Identifier: Apache-2.0
"""REST: an intersection's event log, the measures made of it, and a before/after comparison."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.http import HttpResponse, HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from smartcity.api.views import VIEW, CityView, instant, moment, span, whole
from smartcity.devices import time_zone
from smartcity.devices.models import Series
from smartcity.kernel.clock import clock
from smartcity.telemetry import event_log, read
from traffic import before_after, measures, signal_log
from traffic.atspm import arrivals, codes
from traffic.atspm.log import QUARTER_MS, Log
from traffic.before_after import Difference, Floats, Ints
from traffic.models import Approach, Intersection
from traffic.profile import local_times
from traffic.signal_log import Configuration

HOUR_S, DAY_S = 3600.0, 86_400.0
LONGEST_LOG_S = 7 * DAY_S
LONGEST_COMPARED_S = 100 * DAY_S
COMPARED = (
    ("traffic.control_delay", "traffic.fixed_plan_delay", "Control delay, vehicles", "s/veh"),
    ("traffic.tram_delay", "traffic.fixed_plan_tram_delay", "Control delay, trams", "s/tram"),
    ("traffic.pedestrian_wait", "traffic.fixed_plan_pedestrian_wait", "Wait on foot", "s"),
)
SPAN = [
    OpenApiParameter("from", str, description="Milliseconds or ISO 8601; default: 2 h before to"),
    OpenApiParameter("to", str, description="Default: now, city time"),
]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is stored of an intersection's log over a span; `clock_errors_ms` one a batch."""

    log: Log
    batches: int
    clock_errors_ms: list[int]
    of: Configuration | None


class _OfIntersection(CityView):
    """Answers 404 for an intersection out of the caller's reach."""

    needs: Mapping[str, str] = {"GET": VIEW}

    def intersection(self, request: Request, uid: str) -> Intersection:
        found = Intersection.objects.filter(self.reach(request).where(), uid=uid).first()
        if found is None:
            raise NotFound("There is no such intersection, or it is outside your reach.")
        return found


class EventsView(_OfIntersection):
    """Oldest first: [instant in ms by the controller's clock, code, parameter], and the error of that clock."""

    @extend_schema(
        operation_id="signal_events",
        responses=OpenApiTypes.OBJECT,
        parameters=[
            *SPAN,
            OpenApiParameter("limit", int, description="At most 20,000; events of one instant are not parted"),
            OpenApiParameter("as", str, enum=["json", "csv"]),
        ],
    )
    def get(self, request: Request, uid: str) -> HttpResponseBase:
        place = self.intersection(request, uid)
        from_ms, to_ms = span(request, clock.now_ms(), 2 * HOUR_S, LONGEST_LOG_S)
        kept = _kept(place, from_ms, to_ms, as_logged=True)
        if request.query_params.get("as") == "csv":
            return _csv(uid, kept.log)
        rows, then = measures.events(kept.log, whole(request, "limit", 5000, 20_000))
        words = {str(code): codes.WORDS[code] for code in sorted({row[1] for row in rows} & codes.WORDS.keys())}
        return Response(
            {"uid": uid, "from": from_ms, "to": to_ms, "clock": _clock(kept), "words": words, "results": rows,
             "next": then, "mode": clock.mode}
        )  # fmt: skip


class MeasuresView(_OfIntersection):
    """Every measure of a span; with `phase` also that phase's coordination diagram."""

    @extend_schema(
        operation_id="signal_measures",
        responses=OpenApiTypes.OBJECT,
        parameters=[*SPAN, OpenApiParameter("phase", int, description="Default: the one with most arrivals")],
    )
    def get(self, request: Request, uid: str) -> Response:
        place = self.intersection(request, uid)
        from_ms, to_ms = span(request, clock.now_ms(), 2 * HOUR_S, LONGEST_LOG_S)
        kept = _kept(place, from_ms, to_ms)
        head = {"uid": uid, "name": place.name, "from": from_ms, "to": to_ms, "clock": _clock(kept), "mode": clock.mode}
        if kept.of is None:
            return Response(head | {"events": len(kept.log), "why": "Its controller has announced no event log."})
        names = dict(Approach.objects.filter(parent_id=place.pk).values_list("uid", "name"))
        found = measures.measures(kept.log, kept.of, names, from_ms, to_ms)
        phase = whole(request, "phase", _busiest(found), 10_000)
        if phase not in kept.of.phases:
            raise ValidationError({"phase": f"There is no phase {phase} here."})
        return Response(head | found | {"diagram": measures.diagram(kept.log, kept.of, phase)})


class ComparisonView(_OfIntersection):
    """Before and after, or (without `before_from`) what ran beside the fixed plan; with a 95 % interval."""

    @extend_schema(
        operation_id="signal_comparison",
        responses=OpenApiTypes.OBJECT,
        parameters=[
            *SPAN,
            OpenApiParameter("before_from", str, description="Begin of the span before; empty: beside the fixed plan"),
            OpenApiParameter("before_to", str),
        ],
    )
    def get(self, request: Request, uid: str) -> Response:
        place = self.intersection(request, uid)
        after = span(request, clock.now_ms(), 7 * DAY_S, LONGEST_COMPARED_S)
        before = _before(request)
        rows = _delays(place, before, after)
        if before is not None:
            rows += _by_approach(place, before, after)
        return Response(
            {"uid": uid, "name": place.name, "before": before, "after": after, "method": before_after.METHOD,
             "beside": None if before else "fixed plan", "rows": rows, "mode": clock.mode}
        )  # fmt: skip


def _before(request: Request) -> tuple[int, int] | None:
    given = request.query_params
    if not given.get("before_from"):
        return None
    from_ms, to_ms = instant(given["before_from"], "before_from"), instant(given.get("before_to", ""), "before_to")
    if not from_ms < to_ms <= from_ms + LONGEST_COMPARED_S * 1000:
        raise ValidationError({"before_from": "The span before must be positive and at most 100 days."})
    return from_ms, to_ms


def _kept(place: Intersection, from_ms: int, to_ms: int, *, as_logged: bool = False) -> Kept:
    """Two queries, and one a device the intersection has or had."""
    devices = list(place.devices.order_by("retired_at", "pk"))
    batches = [batch for device in devices for batch in event_log.batches(device.pk, from_ms, to_ms)]
    current = next((device for device in devices if device.retired_at is None), None)
    of = signal_log.configuration(current.announced or {}) if current else None
    shift = None if as_logged or of is None else of.to_line_ms
    log = signal_log.log_of([batch.packed for batch in batches], from_ms, to_ms, shift)
    return Kept(log, len(batches), [batch.clock_error_ms for batch in batches], of)


def _clock(kept: Kept) -> dict[str, Any]:
    """How far the controller's clock was ahead of the city's when its batches were sent, the way here against it."""
    errors = np.array(kept.clock_errors_ms or [0])
    return {
        "batches": kept.batches,
        "median_error_ms": int(np.median(errors)) if kept.batches else None,
        "most_error_ms": int(errors[np.abs(errors).argmax()]) if kept.batches else None,
    }


def _busiest(found: measures.Json) -> int:
    phases = found["phases"]
    return int(max(phases, key=lambda phase: phase["arrivals"])["phase"]) if phases else 1


def _csv(uid: str, log: Log) -> HttpResponse:
    text = io.StringIO()
    writer = csv.writer(text)
    mark = [clock.mode] if clock.is_simulation else []  # the saved file, too, must say that nothing of it is real
    writer.writerow(["at", "device", "code", "parameter", "event", *("city mode" for _ in mark)])
    for at, code, parameter in zip(log.at.tolist(), log.code.tolist(), log.parameter.tolist(), strict=True):
        stamp = moment(at).isoformat(timespec="milliseconds")
        writer.writerow([stamp, uid, code, parameter, codes.WORDS.get(code, ""), *mark])
    name = "-".join([*mark, uid, "signal-events"])
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


Span = tuple[int, int]


def _delays(place: Intersection, before: Span | None, after: Span) -> list[dict[str, Any]]:
    """Delays of vehicles and trams and waits on foot, from the quarter-hour rollups."""
    wanted = [name for pair in COMPARED for name in pair[:2]]
    found = Series.objects.filter(device__asset=place, metric__in=wanted).order_by("device__retired_at", "pk")
    series: dict[str, int] = {}
    for metric, pk in found.values_list("metric", "pk"):
        series.setdefault(metric, pk)
    rows = []
    for metric, fixed, title, unit in COMPARED:
        if metric not in series or (before is None and fixed not in series):
            continue
        at, value = _quarters(series[metric], after)
        if before is None:
            was_at, was = _quarters(series[fixed], after)
            pairs = before_after.side_by_side(was, value)
        else:
            was_at, was = _quarters(series[metric], before)
            pairs = before_after.by_week(was, _of_week(was_at), value, _of_week(at))
        rows.append(_told(title, unit, before_after.compare(*pairs)))
    return rows


def _quarters(series: int, over: Span) -> tuple[Ints, Floats]:
    at, values = read.grid([series], "15m", *over)
    return at, values[0]


def _by_approach(place: Intersection, before: Span, after: Span) -> list[dict[str, Any]]:
    """Approach delay of each phase, from the event logs of both spans; nothing for spans too long to read."""
    if max(before[1] - before[0], after[1] - after[0]) > LONGEST_LOG_S * 1000:
        return []
    was, now = _kept(place, *before), _kept(place, *after)
    if now.of is None:
        return []
    names = dict(Approach.objects.filter(parent_id=place.pk).values_list("uid", "name"))
    first, second = (arrivals.approach_delay(kept.log, now.of.detectors, bin_ms=QUARTER_MS) for kept in (was, now))
    rows = []
    for phase, uid in sorted(now.of.phases.items()):
        one, two = first.phase == phase, second.phase == phase
        pairs = before_after.by_week(
            first.delay_s[one] / first.arrivals[one], _of_week(first.bin[one]),
            second.delay_s[two] / second.arrivals[two], _of_week(second.bin[two]),
        )  # fmt: skip
        rows.append(_told(f"Approach delay, {names.get(uid, uid)}", "s/veh", before_after.compare(*pairs)))
    return rows


def _of_week(at: Ints) -> Ints:
    """The quarter hour of the week of each instant, city time; 0 is Monday 00:00."""
    hours, weekday = local_times(at, str(time_zone.city_zone()))
    return weekday * 96 + (hours * 4).astype(np.int64)


def _told(title: str, unit: str, found: Difference | None) -> dict[str, Any]:
    if found is None:
        return {"title": title, "unit": unit, "pairs": 0, "verdict": "no quarters known on both sides"}
    rounded = {name: round(value, 2) if isinstance(value, float) else value for name, value in asdict(found).items()}
    return {"title": title, "unit": unit, **rounded, "verdict": found.verdict}


ROUTES = [
    path("intersections/<str:uid>/events", EventsView.as_view()),
    path("intersections/<str:uid>/measures", MeasuresView.as_view()),
    path("intersections/<str:uid>/comparison", ComparisonView.as_view()),
]
