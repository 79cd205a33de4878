# SPDX-License-Identifier: Apache-2.0
"""REST of the domain, from the rooms that answer it."""

from __future__ import annotations

from traffic import measures_api, sheets_api

ROUTES = [*sheets_api.ROUTES, *measures_api.ROUTES]
