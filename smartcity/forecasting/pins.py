# SPDX-License-Identifier: Apache-2.0
"""A series, or all of a metric and kind, foreseen by the one method a person wants: placed, heeded, lifted.

Backtests go on meanwhile, so that the board can say what the choice costs and lifting it takes effect at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction
from django.db.models import Q

from smartcity.api.audit import Actor, record
from smartcity.devices.models import Series
from smartcity.forecasting.methods import METHODS, NAIVE
from smartcity.forecasting.models import Pin
from smartcity.forecasting.pinned import Pinned
from smartcity.forecasting.ranking import Standing
from smartcity.kernel.forecasts import Tier

MOST_HEAVY = 60  # series of a metric and kind that there is time for by a costly method


class Refused(Exception):
    """Why it cannot be pinned or lifted, in a sentence for the person who asked."""


def standing() -> list[Pin]:
    """All that hold. One query."""
    return list(Pin.objects.filter(lifted_at=None))


def of(series: Series) -> Pin | None:
    """The pin that holds for a series, its own before that of its kind. One query."""
    kind = series.device.asset.kind
    rows = Pin.objects.filter(Q(series=series) | Q(series=None, metric=series.metric, kind=kind), lifted_at=None)
    return by_series([(series.pk, series.metric, kind)], rows).get(series.pk)


def by_series(series: Sequence[tuple[int, str, str]], rows: Iterable[Pin]) -> dict[int, Pin]:
    """(id, metric, kind) of each series → the pin that holds for it. A method that is gone pins nothing. Pure."""
    usable = [row for row in rows if row.method in METHODS]
    own = {row.series_id: row for row in usable if row.series_id is not None}
    kinds = {(row.metric, row.kind): row for row in usable if row.series_id is None}
    found = {pk: own.get(pk) or kinds.get((metric, kind)) for pk, metric, kind in series}
    return {pk: row for pk, row in found.items() if row is not None}


def heeded(found: Standing, pin: Pin) -> Standing:
    """What the backtest found with the person's word put over it: the method's own band, since that is untested."""
    ladder = tuple(dict.fromkeys((pin.method, NAIVE)))
    return Pinned(ladder=ladder, windows=found.windows, owner=pin.owner, reason=pin.reason)


def place(
    metric: str, kind: str, *, series: int | None, method: str, reason: str, by: Actor, now_ms: int
) -> Pin:  # fmt: skip
    """Pin one series, or with None all of the metric and kind. Raises Refused."""
    if method not in METHODS:
        raise Refused(f"There is no method {method!r}; choose one of {', '.join(METHODS)}.")
    if not reason.strip():
        raise Refused("Say why, so that everybody who reads the forecast knows.")
    if series is None and METHODS[method].tier is Tier.HEAVY:
        count = Series.objects.filter(metric=metric, device__asset__kind=kind, device__retired_at=None).count()
        if count > MOST_HEAVY:
            raise Refused(f"{METHODS[method].title} is too costly for {count:,} series; pin those that need it.")
    what = {"series_id": series, "metric": metric, "kind": kind}
    try:
        with transaction.atomic():
            pin = Pin.objects.create(**what, method=method, reason=reason, owner=by.name, since=now_ms)
            record(by, "forecast.pin", _subject(pin), after={"method": method}, reason=reason)
    except IntegrityError:
        raise Refused("It is pinned already; lift that pin first.") from None
    return pin


def lift(pin: Pin, *, by: Actor, reason: str, now_ms: int) -> Pin:
    """Leave the series to its backtest again, from the next forecast on. Raises Refused where it was lifted before."""
    with transaction.atomic():
        if not Pin.objects.filter(pk=pin.pk, lifted_at=None).update(lifted_at=now_ms, lifted_by=by.name):
            raise Refused("This pin has been lifted already.")
        before = {"method": pin.method, "owner": pin.owner, "reason": pin.reason}
        record(by, "forecast.unpin", _subject(pin), before=before, reason=reason)
    pin.refresh_from_db()
    return pin


def _subject(pin: Pin) -> str:
    return f"series {pin.series_id}" if pin.series_id else f"{pin.metric} of {pin.kind}"
