# SPDX-License-Identifier: Apache-2.0
"""Django's SpatiaLite with the busy timeout put back: loading mod_spatialite resets it to 5 s (measured)."""

from __future__ import annotations

from typing import Any

from django.contrib.gis.db.backends.spatialite.base import DatabaseWrapper as SpatiaLite


class DatabaseWrapper(SpatiaLite):
    def get_new_connection(self, conn_params: Any) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.execute("PRAGMA busy_timeout=20000")
        return connection
