# SPDX-License-Identifier: Apache-2.0
"""Citus and TimescaleDB, where the database has them: tables of the store that are still empty are handed to them.

Citus spreads the raw readings over its workers by series; their daily partitions stay, each spread alike. TimescaleDB
cannot take a table that has partitions, so it gets the rollups. docs/decisions/0015-citus-and-timescaledb.md says why.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Final

import psycopg

from smartcity.telemetry.buckets import UTC_DAY_MS
from smartcity.telemetry.engines import Engine, Unavailable

log = logging.getLogger(__name__)

INSTALLED: Final = "SELECT extname FROM pg_extension WHERE extname IN ('citus', 'timescaledb')"
THEIRS: Final = {
    "citus": "SELECT logicalrelid::regclass::text FROM pg_dist_partition",
    "timescaledb": "SELECT hypertable_name::text FROM timescaledb_information.hypertables",
}
SPREAD: Final = "SELECT create_distributed_table('reading', 'series')"
CHUNKS: Final = "SELECT create_hypertable('{}', by_range('bucket', {}::bigint))"
CHUNK_DAYS: Final = {"rollup_15m": 30, "rollup_1h": 120, "rollup_1d": 3_650}


def calls(installed: Collection[str]) -> dict[str, str]:
    """By table, the statement that hands it over."""
    found = {"reading": SPREAD} if "citus" in installed else {}
    if "timescaledb" in installed:
        found |= {table: CHUNKS.format(table, days * UTC_DAY_MS) for table, days in CHUNK_DAYS.items()}
    return found


def use(engine: Engine) -> None:
    """Outside any transaction. Rows are never moved: a table that holds some stays as it is, and so does one that
    cannot be handed over; both are said in the log."""
    installed = [name for (name,) in engine.rows(INSTALLED)]
    try:
        theirs = {table for name in installed for (table,) in engine.rows(THEIRS[name])}
        for table, statement in calls(installed).items():
            if table not in theirs:
                _hand_over(engine, table, statement)
    except (psycopg.Error, Unavailable) as problem:
        log.warning("%s cannot be used, tables stay as they are: %s", " and ".join(installed), problem)


def _hand_over(engine: Engine, table: str, statement: str) -> None:
    if engine.rows(f"SELECT 1 FROM {table} LIMIT 1"):
        log.warning("%s holds rows and stays as it is; to hand it over, stop the city and run: %s", table, statement)
        return
    engine.rows(statement)
    log.info("%s was handed over: %s", table, statement)
