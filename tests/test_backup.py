# SPDX-License-Identifier: Apache-2.0
"""docs/how-to/back-up.md, as it is written there."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def commands(page: str) -> str:
    """The first block of commands on a page of the documentation."""
    return (ROOT / "docs" / page).read_text().split("```")[1]


@pytest.fixture
def var(tmp_path):
    folder = tmp_path / "var"
    (folder / "secrets").mkdir(parents=True)
    (folder / "street.json").write_text("{}")
    return folder


def migrate(var: Path, *options: str) -> None:
    environment = os.environ | {"SMARTCITY_VAR": str(var), "DATABASE_URL": ""}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0", *options], cwd=ROOT, env=environment, check=True)


def test_a_backup_taken_while_somebody_writes_is_whole_and_can_be_migrated(var):
    for alias in ("default", "telemetry"):
        migrate(var, "--database", alias)
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
