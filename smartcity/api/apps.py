# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "smartcity.api"
    label = "api"
    verbose_name = "Keys and audit"
