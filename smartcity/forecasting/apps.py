# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from django.apps import AppConfig


class ForecastingConfig(AppConfig):
    name = "smartcity.forecasting"
    label = "forecasting"

    def ready(self) -> None:
        from django.core.checks import register

        from smartcity.forecasting.checks import known_executor, known_holidays, known_weather

        register(known_holidays)
        register(known_weather)
        register(known_executor)
