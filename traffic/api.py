# SPDX-License-Identifier: Apache-2.0
"""REST of traffic: what it gives to other systems and to its own pages."""

from __future__ import annotations

from traffic import corridors_api, interfaces_api, junctions_api

ROUTES = [*junctions_api.ROUTES, *interfaces_api.ROUTES, *corridors_api.ROUTES]
