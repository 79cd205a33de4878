# SPDX-License-Identifier: Apache-2.0
"""REST of traffic, from the rooms that answer it."""

from __future__ import annotations

from traffic import corridors_api, interfaces_api, junctions_api, measures_api, sheets_api

ROUTES = [
    *junctions_api.ROUTES,
    *interfaces_api.ROUTES,
    *corridors_api.ROUTES,
    *measures_api.ROUTES,
    *sheets_api.ROUTES,
]
