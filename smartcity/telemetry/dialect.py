# SPDX-License-Identifier: Apache-2.0
"""The few words in which the two engines differ when reading."""

from __future__ import annotations

import json
from collections.abc import Iterable

from smartcity.telemetry.arrays import Ints


def plain(ids: Iterable[int] | Ints) -> list[int]:
    return [int(i) for i in ids]


def among(vendor: str, column: str) -> str:
    """A condition that `column` is one of the ids given as one parameter (see `many`)."""
    return f"{column} IN (SELECT value FROM json_each(%s))" if vendor == "sqlite" else f"{column} = ANY(%s)"


def each(vendor: str, name: str) -> str:
    """A table `name(value)` of the ids given as one parameter."""
    return f"json_each(%s) AS {name}" if vendor == "sqlite" else f"unnest(%s::int8[]) AS {name}(value)"


def many(vendor: str, ids: Iterable[int] | Ints) -> str | list[int]:
    """Any number of ids as one parameter."""
    return json.dumps(plain(ids)) if vendor == "sqlite" else plain(ids)
