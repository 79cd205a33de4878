# SPDX-License-Identifier: Apache-2.0
"""Events people know are coming: entered, changed, cancelled, and which series they touch.

A row is never changed: what a forecast of last week knew must be what it is tested with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.gis.geos import GEOSGeometry
from django.db import transaction
from django.db.models import Q, QuerySet

from smartcity import declared
from smartcity.api.audit import Actor, record
from smartcity.devices.models import Series, Zone
from smartcity.forecasting.beside import Window
from smartcity.forecasting.models import Event
from smartcity.kernel.geo import metres

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
LONGEST_MS, FURTHEST_MS, RAMP_MOST_S = 92 * DAY_MS, 731 * DAY_MS, 86_400
RADIUS_M = (10.0, 50_000.0)
EXPECTED = (-100.0, 500.0)
KINDS = {
    "match": "matches",
    "concert": "concerts",
    "market": "markets",
    "festival": "festivals",
    "parade": "parades",
    "strike": "strikes",
    "road_works": "road works",
    "school_holidays": "school holidays",
}


class Refused(Exception):
    """Why it cannot be entered, changed or cancelled, in a sentence for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An event as somebody enters it; `zone` is a code, empty for the whole city."""

    name: str
    kind: str
    start: int
    end: int
    reason: str
    before_s: int = 0
    after_s: int = 0
    zone: str = ""
    lon: float | None = None
    lat: float | None = None
    radius_m: float | None = None
    concerns: tuple[str, ...] = ()
    expected_percent: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a series is, for the question what touches it."""

    metric: str
    zone_id: int
    at: tuple[float, float]


def enter(wish: Wish, *, by: Actor, now_ms: int) -> Event:
    """Raises Refused."""
    with transaction.atomic():
        made = _made(wish, by, now_ms)
        record(by, "event.enter", _subject(made), after=_plain(made), reason=wish.reason)
    return made


def change(event: Event, wish: Wish, *, by: Actor, now_ms: int) -> Event:
    """The new row in place of the old one. Raises Refused."""
    with transaction.atomic():
        _end(event, by, now_ms)
        made = _made(wish, by, now_ms, replaces=event)
        record(by, "event.change", _subject(made), before=_plain(event), after=_plain(made), reason=wish.reason)
    return made


def cancel(event: Event, *, by: Actor, reason: str, now_ms: int) -> Event:
    """Forecasts do without it from the next one on. Raises Refused."""
    with transaction.atomic():
        _end(event, by, now_ms)
        record(by, "event.cancel", _subject(event), before=_plain(event), reason=reason)
    event.refresh_from_db()
    return event


def standing(from_ms: int, to_ms: int) -> QuerySet[Event]:
    """Those whose effect reaches into the span and that were known of at some time in it."""
    known = Q(cancelled_at=None) | Q(cancelled_at__gt=from_ms)
    return Event.objects.filter(known, start__lt=to_ms + RAMP_MOST_S * 1000, end__gt=from_ms - RAMP_MOST_S * 1000)


def touches(event: Event, place: Place) -> bool:
    """Pure."""
    if event.concerns and not {place.metric, place.metric.partition(".")[0]} & set(event.concerns):
        return False
    if event.zone_id is not None and event.zone_id != place.zone_id:
        return False
    if event.lon is None or event.lat is None or event.radius_m is None:
        return True
    return metres((event.lon, event.lat), place.at) <= event.radius_m


def window(event: Event) -> Window:
    return Window(
        KINDS.get(event.kind, event.kind),
        event.start,
        event.end,
        event.before_s * 1000,
        event.after_s * 1000,
        event.entered_at,
        event.cancelled_at,
    )


def places(series: Iterable[int]) -> dict[int, Place]:
    """One query. A line or an area is where its middle is."""
    rows = Series.objects.filter(pk__in=list(series)).values_list(
        "pk", "metric", "device__asset__zone_id", "device__asset__geom"
    )
    return {pk: Place(metric, zone, _middle(geom)) for pk, metric, zone, geom in rows}


def _middle(geom: GEOSGeometry) -> tuple[float, float]:
    middle = geom.centroid
    return float(middle.x), float(middle.y)


def _made(wish: Wish, by: Actor, now_ms: int, replaces: Event | None = None) -> Event:
    _check(wish, now_ms)
    zone = Zone.objects.filter(code=wish.zone).first() if wish.zone else None
    if wish.zone and zone is None:
        raise Refused(f"There is no zone {wish.zone!r}.")
    return Event.objects.create(
        name=wish.name.strip(),
        kind=wish.kind,
        start=wish.start,
        end=wish.end,
        before_s=wish.before_s,
        after_s=wish.after_s,
        zone=zone,
        lon=wish.lon,
        lat=wish.lat,
        radius_m=wish.radius_m,
        concerns=sorted(set(wish.concerns)),
        expected_percent=wish.expected_percent,
        reason=wish.reason,
        owner=by.name,
        entered_at=now_ms,
        replaces=replaces,
    )


def _check(wish: Wish, now_ms: int) -> None:
    known = {target.metric for target in declared.targets()}
    known |= {metric.partition(".")[0] for metric in known}
    circle = (wish.lon, wish.lat, wish.radius_m)
    wrong = {
        "Say what it is called.": not wish.name.strip(),
        "Say why, or where you know it from.": not wish.reason.strip(),
        f"There is no kind {wish.kind!r}; choose one of {', '.join(KINDS)}.": wish.kind not in KINDS,
        "It must end after it starts.": wish.end <= wish.start,
        "It may last 92 days at most.": wish.end - wish.start > LONGEST_MS,
        "It must be within two years from now.": max(abs(wish.start - now_ms), abs(wish.end - now_ms)) > FURTHEST_MS,
        "Its effect may grow and fade over a day at most.": min(wish.before_s, wish.after_s) < 0
        or max(wish.before_s, wish.after_s) > RAMP_MOST_S,
        "Nothing is foreseen of " + ", ".join(sorted({*wish.concerns} - known)) + ".": not {*wish.concerns} <= known,
        "A circle needs a longitude, a latitude and a radius of 10 m to 50 km.": not _is_circle(*circle),
        "What is expected must be between -100 and 500 %, and not 0.": not _is_expectation(wish.expected_percent),
    }
    if found := next((text for text, is_so in wrong.items() if is_so), ""):
        raise Refused(found)


def _is_circle(lon: float | None, lat: float | None, radius_m: float | None) -> bool:
    if lon is None and lat is None and radius_m is None:
        return True
    if lon is None or lat is None or radius_m is None:
        return False
    return -180 <= lon <= 180 and -90 <= lat <= 90 and RADIUS_M[0] <= radius_m <= RADIUS_M[1]


def _is_expectation(percent: float | None) -> bool:
    return percent is None or (math.isfinite(percent) and percent != 0 and EXPECTED[0] <= percent <= EXPECTED[1])


def _end(event: Event, by: Actor, now_ms: int) -> None:
    if not Event.objects.filter(pk=event.pk, cancelled_at=None).update(cancelled_at=now_ms, cancelled_by=by.name):
        raise Refused("It has been changed or cancelled already; load the list again.")


def _subject(event: Event) -> str:
    return f"event {event.pk}"


def _plain(event: Event) -> dict[str, object]:
    names = ("name", "kind", "start", "end", "before_s", "after_s", "lon", "lat", "radius_m", "concerns")
    return {name: getattr(event, name) for name in (*names, "expected_percent")} | {"zone": event.zone_id}
