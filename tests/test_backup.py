# SPDX-License-Identifier: Apache-2.0
"""docs/how-to/back-up.md, as it is written there."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.migrated import give_tables
from tests.servers import postgis

ROOT = Path(__file__).resolve().parent.parent


def commands(page: str, block: int = 1) -> str:
    """The first block of commands on a page of the documentation, or a later one."""
    return (ROOT / "docs" / page).read_text().split("```")[2 * block - 1]


@pytest.fixture
def var(tmp_path):
    folder = tmp_path / "var"
    (folder / "secrets").mkdir(parents=True)
    (folder / "street.json").write_text("{}")
    return folder


def migrate(var: Path, *options: str, DATABASE_URL: str = "") -> None:
    given = os.environ | {"SMARTCITY_VAR": str(var), "DATABASE_URL": DATABASE_URL}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0", *options], cwd=ROOT, env=given, check=True)


def test_a_backup_taken_while_somebody_writes_is_whole_and_can_be_migrated(var):
    give_tables(var)
    writer = sqlite3.connect(var / "telemetry.sqlite3", isolation_level=None)
    writer.execute("CREATE TABLE probe (n INTEGER)")
    writer.execute("INSERT INTO probe VALUES (1)")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO probe VALUES (2)")  # not committed when the copy is made

    (var.parent / ".venv").symlink_to(ROOT / ".venv")
    subprocess.run(["bash", "-eu", "-c", commands("how-to/back-up.md")], cwd=var.parent, check=True)
    writer.execute("ROLLBACK")

    copy = var.parent / "backup"
    assert sqlite3.connect(copy / "telemetry.sqlite3").execute("SELECT n FROM probe").fetchall() == [(1,)]
    assert sqlite3.connect(copy / "city.sqlite3").execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert (copy / "secrets").is_dir()
    for alias in ("default", "telemetry"):
        migrate(copy, "--check", "--database", alias)


def environment(url: str, password_of: str = "") -> dict[str, str]:
    """What PostgreSQL's own programs read."""
    parts = urlsplit(url)
    given = {"PGHOST": "127.0.0.1", "PGPORT": str(parts.port), "PGUSER": "city", "PGDATABASE": "postgres"}
    return os.environ | given | {"PGPASSWORD": urlsplit(password_of or url).password or ""}


@pytest.mark.slow
@pytest.mark.proof
def test_postgresql_is_restored_on_another_server_with_its_roles_and_may_be_run_on(tmp_path):
    (tmp_path / "backup").mkdir()
    with postgis() as ours, postgis() as other:
        city = os.environ | {"DATABASE_URL": ours}
        for alias in ("default", "telemetry"):
            subprocess.run([sys.executable, "manage.py", "migrate", "-v0", "--database", alias], cwd=ROOT, env=city)
        with psycopg.connect(ours, autocommit=True) as connection:
            connection.execute("CREATE ROLE smartcity LOGIN; CREATE ROLE smartcity_mobile LOGIN PASSWORD 'x'")
            connection.execute("INSERT INTO devices_zone (code, name) VALUES ('c', 'Centre')")
        subprocess.run(["psql", "-q", ours, "-f", ROOT / "deploy/postgresql-mobile.sql"], check=True)
        dump = commands("how-to/back-up.md", 2)
        subprocess.run(["bash", "-eu", "-c", dump], cwd=tmp_path, env=environment(ours), check=True)

        with psycopg.connect(other.replace("/smartcity", "/postgres"), autocommit=True) as connection:
            for suffix in ("", "_telemetry", "_tasks"):  # a new server has none
                connection.execute(f"DROP DATABASE smartcity{suffix}")
        roles, *rest = commands("how-to/back-up.md", 3).replace("sudo -u postgres ", "").strip().splitlines()
        subprocess.run(["bash", "-c", roles], cwd=tmp_path, env=environment(other), check=True, capture_output=True)
        restored = environment(other, password_of=ours)  # with the roles come their passwords
        subprocess.run(["bash", "-eu", "-c", "\n".join(rest)], cwd=tmp_path, env=restored, check=True)

        moved = (
            urlsplit(other)._replace(netloc=f"city:{restored['PGPASSWORD']}@127.0.0.1:{restored['PGPORT']}").geturl()
        )
        for alias in ("default", "telemetry"):
            migrate(tmp_path / "var", "--check", "--database", alias, DATABASE_URL=moved)
        with psycopg.connect(moved) as connection:
            assert connection.execute("SELECT code FROM devices_zone").fetchall() == [("c",)]
            asked = "SELECT has_column_privilege('smartcity_mobile', 'alarms_alarm', 'note', 'UPDATE')"
            assert connection.execute(asked).fetchone() == (True,)
            row = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'smartcity%' ORDER BY 1")
            assert [name for (name,) in row] == ["smartcity", "smartcity_tasks", "smartcity_telemetry"]
