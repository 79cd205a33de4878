# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from django.apps import AppConfig


class AlarmsConfig(AppConfig):
    name = "smartcity.alarms"
    label = "alarms"
