# SPDX-License-Identifier: Apache-2.0
"""Two ledgers that must balance, per run of a process and written with what they count.

messages: received = decoded + quarantined + refused + in flight
readings: decoded = stored + duplicate + conflicting + quarantined + not kept
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connections

from smartcity.telemetry.batch import Batch, Written
from smartcity.telemetry.engines import Engine

MESSAGES = ("decoded", "quarantined", "refused")
READINGS = ("stored", "duplicate", "conflicting", "quarantined", "not_kept")
ADD = "ON CONFLICT (run, name) DO UPDATE SET n = tally.n + excluded.n"


def add(engine: Engine, run: str, counts: Mapping[str, int]) -> None:
    """Inside the transaction that makes them true."""
    counted = sorted((name, n) for name, n in counts.items() if n)
    if counted:
        names, many = zip(*counted, strict=True)
        engine.put("tally", {"run": [run] * len(counted), "name": names, "n": many}, ADD)


def of_batch(batch: Batch, written: Written) -> dict[str, int]:
    """What became of a batch, and what else it was told to count."""
    unreadable = sum(not row.readings for row in batch.quarantined)
    found = {
        "messages.quarantined": unreadable - len(written.refused),
        "messages.refused": len(written.refused),
        "readings.decoded": len(batch.readings) + written.quarantined,
        "readings.stored": written.stored,
        "readings.duplicate": written.duplicate,
        "readings.conflicting": written.conflicting,
        "readings.not_kept": written.not_kept,
        "readings.quarantined": written.quarantined,
    }
    return {name: found.get(name, 0) + batch.counts.get(name, 0) for name in found.keys() | batch.counts.keys()}


def totals(run: str | None = None, *, alias: str = "telemetry") -> dict[str, int]:
    """Counts by name, of one run or of all."""
    where, given = ("WHERE run = %s", [run]) if run else ("", [])
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT name, sum(n) FROM tally {where} GROUP BY name ORDER BY name", given)
        return {name: int(n) for name, n in cursor.fetchall()}


def imbalances(counts: Mapping[str, int], *, in_flight: int = 0) -> list[str]:
    """Which ledger does not balance, in words; empty when both do."""
    messages = sum(counts.get(f"messages.{name}", 0) for name in MESSAGES) + in_flight
    readings = sum(counts.get(f"readings.{name}", 0) for name in READINGS)
    claims = {
        "messages": (counts.get("messages.received", 0), messages),
        "readings": (counts.get("readings.decoded", 0), readings),
    }
    return [f"{name}: {had} came in, {told} are accounted for" for name, (had, told) in claims.items() if had != told]
