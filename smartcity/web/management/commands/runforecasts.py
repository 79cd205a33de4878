# SPDX-License-Identifier: Apache-2.0
"""`manage.py runforecasts`: keeps the forecasts fresh; of several such processes one works, the others stand by."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from smartcity import firstrun
from smartcity.control import leases
from smartcity.control.leases import Held, LostLeadership
from smartcity.forecasting import executors, following, weather
from smartcity.forecasting.runner import Superseded
from smartcity.forecasting.weather_source import BadSource
from smartcity.forecasting.worker import Report
from smartcity.kernel.clock import clock
from smartcity.processes import city_time, command

KINDNESS = 10
TTL_S = 60.0


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = ()

    def handle(self, *, verbosity: int, **options: Any) -> None:
        try:
            command.check()
            fetch = partial(weather.take, weather.configured())
            executors.check(settings.FORECAST_EXECUTOR)
        except (firstrun.CannotStart, BadSource, executors.Unusable) as reason:
            raise CommandError(str(reason)) from None
        os.nice(KINDNESS)
        lease = Held(leases.FORECASTS, TTL_S)
        told = self._tell if verbosity > 1 else lambda report: None
        self.stdout.write("Forecasts are kept fresh by this process, or by another of its kind.   Ctrl-C stops it.")
        self.stdout.flush()
        try:
            following.follow(now_ms, told, insist=lambda: insist(lease), may=lease.keep, fetch=fetch)
        finally:
            lease.give_up()

    def _tell(self, report: Report) -> None:
        self.stdout.write(report.words())
        self.stdout.flush()


def now_ms() -> int | None:
    city_time.adopt()
    return clock.now_ms()


def insist(lease: Held) -> None:
    try:
        lease.insist()
    except LostLeadership as reason:
        raise Superseded(str(reason)) from None
