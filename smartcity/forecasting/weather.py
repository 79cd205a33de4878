# SPDX-License-Identifier: Apache-2.0
"""The weather beside the forecasts: taken from its source as issued, kept, and handed on as it was known."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import F

from smartcity.devices import time_zone
from smartcity.forecasting import weather_source
from smartcity.forecasting.beside import Beside, Known, Sunshine, Temperature, Vintage
from smartcity.forecasting.bulletin import IRRADIANCE, QUANTITIES, TEMPERATURE, BadBulletin, Bulletin
from smartcity.forecasting.models import WeatherState, WeatherVintage
from smartcity.forecasting.weather_source import Source
from smartcity.kernel.clock import clock

log = logging.getLogger(__name__)

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
KEPT_EVERY_MS, RECENT_MS, KEPT_MS = 6 * HOUR_MS, 2 * DAY_MS, 60 * DAY_MS
STALE_S = 30 * 3600  # who issues once a day is late after six hours
ONE = 1
COLUMNS: dict[str, type[Temperature] | type[Sunshine]] = {TEMPERATURE: Temperature, IRRADIANCE: Sunshine}


def configured() -> Source | None:
    """Raises weather_source.BadSource."""
    return weather_source.source(settings.WEATHER, key=settings.WEATHER_KEY, may_be_plain=settings.WEATHER_PLAIN)


def take(source: Source | None, now_ms: int) -> int:
    """Fetch what is new and store it; how much that was. Nothing that goes wrong out there is raised."""
    if source is None:
        WeatherState.objects.exclude(source="").update(source="")
        return 0
    state, _ = WeatherState.objects.get_or_create(pk=ONE, defaults={"looked_at": now_ms})
    newest = state.issued_at if state.issued_at is not None and state.issued_at <= now_ms else now_ms - KEPT_MS
    found: list[Bulletin] | None
    try:
        found, problem = source.fetch(now_ms, newest), ""
    except (BadBulletin, OSError) as error:
        found, problem = [], str(getattr(error, "strerror", "") or error)[:500]
        if problem != state.problem:
            log.warning("no weather from %s: %s", source.name, problem)
    bulletins = found or []
    with transaction.atomic():
        for bulletin in bulletins:
            _keep(bulletin)
        mine = WeatherState.objects.filter(pk=ONE)
        mine.update(source=source.name[:200], looked_at=now_ms, taken=F("taken") + len(bulletins))
        if bulletins:
            mine.update(issued_at=bulletins[-1].issued_ms)
        if found is not None:
            mine.update(problem=problem, failed=F("failed") + int(bool(problem)))
    return len(bulletins)


def forget(now_ms: int) -> None:
    """All but the kept ones after two days, those after sixty."""
    WeatherVintage.objects.filter(is_kept=False, issued_at__lt=now_ms - RECENT_MS).delete()
    WeatherVintage.objects.filter(issued_at__lt=now_ms - KEPT_MS).delete()


def beside(wanted: Sequence[str], now_ms: int) -> tuple[list[Beside], str]:
    """Columns of these quantities as far as there is weather that is not stale, and a sentence on where it is from.

    One query, another where there is weather.
    """
    state = WeatherState.objects.exclude(source="").filter(pk=ONE).first() if wanted else None
    if state is None:
        return [], ""
    if state.issued_at is None or not 0 <= now_ms - state.issued_at <= STALE_S * 1000:
        return [], f"The weather is left out: {_old(state, now_ms)}."
    vintages = _vintages(wanted, now_ms)
    found: list[Beside] = [COLUMNS[what](Known(vintages[what], stale_s=STALE_S)) for what in wanted if vintages[what]]
    without = ", ".join(what for what in wanted if not vintages[what])
    said = f"Weather as of {clock_words(state.issued_at)} from {state.source}"
    return found, f"{said}, which says nothing of {without}." if without else f"{said}."


def words(now_ms: int) -> tuple[str, bool]:
    """How the weather is, in sentences, and whether that is as it should be."""
    state = WeatherState.objects.exclude(source="").filter(pk=ONE).first()
    if state is None:
        return "No weather is set up; forecasts do without it.", True
    problem = f" The last attempt failed: {state.problem.rstrip('.')}." if state.problem else ""
    if state.issued_at is None or not 0 <= now_ms - state.issued_at <= STALE_S * 1000:
        return f"Forecasts do without the weather: {_old(state, now_ms)}.{problem}", False
    return f"Weather as of {clock_words(state.issued_at)} from {state.source}.{problem}", not problem


def vitals() -> dict[str, float | int | str | None]:
    """How the weather is, for /metrics and /health; nothing where none is set up. One query."""
    state = WeatherState.objects.exclude(source="").filter(pk=ONE).first()
    if state is None:
        return {}
    age_s = None if state.issued_at is None else (clock.now_ms() - state.issued_at) / 1000
    counted = {"age_s": age_s, "received": state.taken, "failures": state.failed}
    return {"source": state.source, "problem": state.problem, **counted}


def clock_words(at_ms: int) -> str:
    """Day and time by the city's clock."""
    return f"{datetime.fromtimestamp(at_ms / 1000, time_zone.city_zone()):%-d %b %H:%M}"


def _old(state: WeatherState, now_ms: int) -> str:
    if state.issued_at is None:
        return f"nothing has come from {state.source} yet"
    if state.issued_at > now_ms:
        return f"what came from {state.source} is of {clock_words(state.issued_at)}, which is still to come here"
    return f"the newest forecast of it, from {state.source}, is {(now_ms - state.issued_at) // HOUR_MS} h old"


def _keep(bulletin: Bulletin) -> None:
    slot = bulletin.issued_ms - bulletin.issued_ms % KEPT_EVERY_MS
    for what, values in bulletin.values.items():
        alike = WeatherVintage.objects.filter(quantity=what, is_kept=True)
        is_first = not alike.filter(issued_at__gte=slot, issued_at__lt=slot + KEPT_EVERY_MS).exists()
        row = {"start": bulletin.start_ms, "step_s": bulletin.step_s, "values": values.astype("<f4").tobytes()}
        WeatherVintage.objects.get_or_create(
            quantity=what, issued_at=bulletin.issued_ms, defaults={**row, "is_kept": is_first}
        )


def _vintages(wanted: Sequence[str], now_ms: int) -> dict[str, list[Vintage]]:
    found: dict[str, list[Vintage]] = {what: [] for what in QUANTITIES}
    for row in WeatherVintage.objects.filter(quantity__in=wanted, issued_at__lte=now_ms):
        values = np.frombuffer(row.values, "<f4").astype(np.float64)
        found[row.quantity].append(Vintage(row.issued_at, row.start, row.step_s, values))
    return found
