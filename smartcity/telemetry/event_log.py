# SPDX-License-Identifier: Apache-2.0
"""Event logs of devices: each batch kept as it came, with the error of the clock that stamped it. Only ever added to.

What is in a batch its codec knows; here it has a device, a number and a span.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

from django.conf import settings
from django.db import connections

from smartcity.kernel.clock import clock
from smartcity.telemetry import read
from smartcity.telemetry.batch import Logged
from smartcity.telemetry.book import SIMULATED_RAW_DAYS
from smartcity.telemetry.buckets import UTC_DAY_MS
from smartcity.telemetry.engines import Engine

DAYS: Final = 90
COLUMNS: Final = tuple(field.name for field in fields(Logged))
LONGEST_MS: Final = UTC_DAY_MS  # a batch that spans more is found by its first day only


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored batch; `clock_error_ms` is how far the device's clock was ahead when it sent it."""

    first_at: int
    number: int
    events: int
    received_at: int
    clock_error_ms: int
    codec: str
    packed: bytes


def write(engine: Engine, batches: Sequence[Logged]) -> None:
    """Inside the batch's transaction. What a device sends again changes nothing."""
    if batches:
        columns = {name: [getattr(batch, name) for batch in batches] for name in COLUMNS}
        engine.put("event_log", columns, "ON CONFLICT (device, first_at, number) DO NOTHING")


def batches(device: int, from_ms: int, to_ms: int, limit: int | None = None) -> list[Kept]:
    """Batches with events in [from_ms, to_ms) by the device's own clock, in its order. One query."""
    sql = (
        "SELECT first_at, number, events, received_at, clock_error_ms, codec, packed FROM event_log "
        "WHERE device = %s AND first_at >= %s AND first_at < %s AND last_at >= %s ORDER BY first_at, number"
    )
    given: list[int] = [device, from_ms - LONGEST_MS, to_ms, from_ms]
    if limit is not None:
        sql, given = sql + " LIMIT %s", [*given, limit]
    with connections[read.ALIAS].cursor() as cursor:
        cursor.execute(sql, given)
        rows = cursor.fetchall()
    return [
        Kept(first, number, events, received, error, codec, bytes(packed))
        for first, number, events, received, error, codec, packed in rows
    ]


def keep_ms() -> int:
    days = settings.EVENT_LOG_DAYS or (SIMULATED_RAW_DAYS if clock.is_simulation else DAYS)
    return int(days * UTC_DAY_MS)
