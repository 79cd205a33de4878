# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    name = "smartcity.telemetry"
    label = "telemetry"
