# SPDX-License-Identifier: Apache-2.0
"""Copies of the city's tables are as good as its migrations: nothing old is copied, nothing half made."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests import migrated


@pytest.fixture
def code(tmp_path, monkeypatch) -> Path:
    """A city of one migration, whose digest and copies are its own."""
    monkeypatch.setattr(migrated, "ROOT", tmp_path)
    monkeypatch.setattr(migrated, "KEPT", tmp_path / "kept")
    file = tmp_path / "waste" / "migrations" / "0001_initial.py"
    file.parent.mkdir(parents=True)
    (tmp_path / "waste" / "__init__.py").touch()
    file.write_text("operations = []")
    return file


def test_it_is_made_once_until_any_code_of_the_city_is_another(code):
    made: list[Path] = []
    one = migrated.once("sqlite", made.append)
    assert migrated.once("sqlite", made.append) == one and len(made) == 1
    code.write_text("operations = [1]")
    assert migrated.once("sqlite", made.append) != one and len(made) == 2


def test_what_broke_off_while_it_was_made_is_made_again(code):
    def breaks(folder):
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrated.once("sqlite", breaks)
    assert list(migrated.once("sqlite", lambda folder: None).iterdir()) == []


def test_the_files_hold_tables_and_nobody(tmp_path):
    migrated.give_tables(tmp_path)
    with sqlite3.connect(tmp_path / "city.sqlite3") as city:
        assert city.execute("SELECT count(*) FROM auth_user").fetchone() == (0,)
    with sqlite3.connect(tmp_path / "telemetry.sqlite3") as telemetry:
        assert telemetry.execute("SELECT count(*) FROM latest").fetchone() == (0,)
