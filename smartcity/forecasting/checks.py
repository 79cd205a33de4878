# SPDX-License-Identifier: Apache-2.0
"""What is set wrongly for forecasts is said at start, not in the log of a forecaster."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from smartcity.forecasting import executors, weather_source


def known_holidays(**_: Any) -> list[CheckMessage]:
    if not settings.HOLIDAYS:
        return []
    import holidays  # slow to import, and only where it is set

    country, _sign, region = settings.HOLIDAYS.partition("-")
    supported = holidays.list_supported_countries()
    if country in supported and (not region or region in supported[country]):
        return []
    hint = "Write ISO 3166, for example FI or DE-BY."
    return [
        Error(f"SMARTCITY_HOLIDAYS is {settings.HOLIDAYS}, whose holidays are not known.", hint=hint, id="city.E030")
    ]


def known_weather(**_: Any) -> list[CheckMessage]:
    try:
        weather_source.source(settings.WEATHER, key=settings.WEATHER_KEY, may_be_plain=settings.WEATHER_PLAIN)
    except weather_source.BadSource as problem:
        return [Error(str(problem), hint="docs/how-to/give-forecasts-the-weather.md", id="city.E031")]
    return []


def known_executor(**_: Any) -> list[CheckMessage]:
    try:
        executors.check(settings.FORECAST_EXECUTOR)
    except executors.Unusable as problem:
        return [Error(str(problem), id="city.E032")]
    return []
