# SPDX-License-Identifier: Apache-2.0
"""How to reach a database of the city's by psycopg itself, where Django's pool is not wanted."""

from __future__ import annotations

from typing import Any, Final

from django.db import connections

OF_DJANGO: Final = frozenset({"cursor_factory", "context", "prepare_threshold", "client_encoding"})


def line(alias: str) -> dict[str, Any]:
    """psycopg's parameters for this database, those for TLS that stand in DATABASE_URL too."""
    given = connections[alias].get_connection_params()
    return {key: value for key, value in given.items() if key not in OF_DJANGO and value is not None}
