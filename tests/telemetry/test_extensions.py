# SPDX-License-Identifier: Apache-2.0
"""Neither extension can be installed here: a real PostgreSQL believes it has them, and notes what it is asked."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest

from smartcity.telemetry import extensions
from smartcity.telemetry.postgres import Postgres
from tests import servers

NOW = 1_800_000_000_000
TABLES = """
    CREATE TABLE reading (at int8, series int4, value float8, quality int2, delay_s int4, PRIMARY KEY (at, series))
        PARTITION BY RANGE (at);
    CREATE TABLE reading_strays PARTITION OF reading DEFAULT;
    CREATE TABLE rollup_15m (bucket int8, series int4, PRIMARY KEY (bucket, series));
    CREATE TABLE rollup_1h (LIKE rollup_15m INCLUDING ALL);
    CREATE TABLE rollup_1d (LIKE rollup_15m INCLUDING ALL);
    CREATE TABLE asked (n serial, what text);
"""
CITUS = """
    CREATE TABLE pg_dist_partition (logicalrelid regclass);
    CREATE FUNCTION create_distributed_table(table_name regclass, distribution_column text) RETURNS void LANGUAGE sql AS
        $$ INSERT INTO pg_dist_partition VALUES ($1); INSERT INTO asked (what) VALUES ($1 || ' by ' || $2) $$;
"""
TIMESCALEDB = """
    CREATE SCHEMA timescaledb_information;
    CREATE TABLE timescaledb_information.hypertables (hypertable_name name);
    CREATE TYPE dimension_info AS (name name, span int8);
    CREATE FUNCTION by_range(name, anyelement) RETURNS dimension_info LANGUAGE sql AS $$ SELECT $1, $2::int8 $$;
    CREATE FUNCTION create_hypertable(relation regclass, dimension dimension_info) RETURNS void LANGUAGE sql AS
        $$ INSERT INTO timescaledb_information.hypertables VALUES ($1::text::name);
           INSERT INTO asked (what) VALUES ($1 || ' by ' || ($2).name || ' each ' || ($2).span / 86400000) $$;
"""
ROLLUPS = ["rollup_15m by bucket each 30", "rollup_1h by bucket each 120", "rollup_1d by bucket each 3650"]


@pytest.fixture(scope="module")
def server():
    with servers.postgis() as url:
        yield url.rpartition("/")[0]


@pytest.fixture
def database(server):
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS ours WITH (FORCE)")
        connection.execute("CREATE DATABASE ours")
    with psycopg.connect(f"{server}/ours", autocommit=True) as connection:
        connection.execute(TABLES)
        yield connection


def has(database, name, functions):
    database.execute(functions)
    database.execute("SET allow_system_table_mods = on")
    database.execute(
        "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) "
        "SELECT max(oid::int8) + 1, %s, 10, 2200, false, '1' FROM pg_extension",
        [name],
    )


def start(database):
    engine = Postgres("telemetry")
    engine._connection = database
    engine.prepare(np.empty(0, np.int64), NOW)
    return engine


def asked(database):
    return [what for (what,) in database.execute("SELECT what FROM asked ORDER BY n").fetchall()]


def test_without_an_extension_nothing_is_sent(database):
    sent = []

    class Watched(Postgres):
        def rows(self, sql, parameters=()):
            sent.append(sql)
            return super().rows(sql, parameters)

    engine = Watched("telemetry")
    engine._connection = database
    extensions.use(engine)
    assert sent == [extensions.INSTALLED]


def test_with_citus_the_raw_readings_are_spread_by_series_once(database):
    has(database, "citus", CITUS)
    start(database)
    start(database)
    assert asked(database) == ["reading by series"]
    assert database.execute("SELECT count(*) FROM pg_inherits").fetchone() == (4 + 4,)  # and have their days


def test_with_timescaledb_the_rollups_become_hypertables_and_the_readings_stay(database):
    has(database, "timescaledb", TIMESCALEDB)
    start(database)
    start(database)
    assert asked(database) == ROLLUPS


def test_with_both_each_has_its_own(database):
    has(database, "citus", CITUS)
    has(database, "timescaledb", TIMESCALEDB)
    start(database)
    assert asked(database) == ["reading by series", *ROLLUPS]


def test_a_table_that_holds_rows_is_not_moved(database, caplog):
    has(database, "citus", CITUS)
    database.execute("INSERT INTO reading VALUES (1, 1, 1, 0, 0)")
    start(database)
    assert asked(database) == []
    assert f"to hand it over, stop the city and run: {extensions.SPREAD}" in caplog.text


def test_an_extension_that_refuses_costs_nothing_but_a_line_in_the_log(database, caplog):
    has(database, "citus", "CREATE TABLE pg_dist_partition (logicalrelid regclass)")
    engine = start(database)
    assert "citus cannot be used, tables stay as they are" in caplog.text
    assert engine.rows("SELECT count(*) FROM reading") == [(0,)]


def test_a_process_asks_once(database):
    engine = start(database)
    has(database, "citus", CITUS)
    engine.prepare(np.array([NOW]), NOW)
    assert asked(database) == []
