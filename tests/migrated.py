# SPDX-License-Identifier: Apache-2.0
"""The city's tables, made by its migrations once for all tests, and copied: a copy takes 0.1 s, the migrations ten.

They lie in .pytest_cache/migrated under a digest of all that could make them others, so that a second process, the
second engine and the next run find them there. What a first start does itself is proved in tests/embedded.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".pytest_cache" / "migrated"
FORGOTTEN_AFTER_S = 3600.0
ALIASES = {"default": "city.sqlite3", "telemetry": "telemetry.sqlite3", "tasks": "tasks.sqlite3"}
TEMPLATE = "TESTS_DATABASE_WITH_TABLES"  # set to DATABASE_URL where that may be copied
MIGRATE = "import django; django.setup(); from smartcity import firstrun; firstrun.migrate(print)"


def give_tables(var: Path) -> None:
    """Put the three SQLite files into a data folder, as a first start would leave them but for its administrator."""
    made = once("sqlite", migrate)
    for name in ALIASES.values():
        shutil.copyfile(made / name, var / name)


def copy_to_tests(connections: Any) -> bool:
    """Make Django's test databases and point its connections to them; False where there is nothing to copy."""
    is_sqlite = connections["default"].vendor == "sqlite"
    if not is_sqlite and os.environ.get(TEMPLATE) != os.environ["DATABASE_URL"]:
        return False
    for alias, file in ALIASES.items():
        connection = connections[alias]
        name = connection.creation._get_test_db_name()
        connection.close()
        if is_sqlite:
            shutil.copyfile(once("sqlite", migrate) / file, name)
        else:
            copy_database(connection, name)
        connection.settings_dict["NAME"] = name
        connection.ensure_connection()
    return True


def copy_database(connection: Any, name: str) -> None:
    """The template is nobody's but ours: nobody may be connected to what PostgreSQL copies."""
    connection.close_pool()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {connection.settings_dict['NAME']}")


def migrate(var: Path, database_url: str = "") -> None:
    """All three databases, in a process of its own that knows of nobody's settings."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("SMARTCITY_", "PYTEST_"))}
    given |= {
        "SMARTCITY_VAR": str(var),
        "SMARTCITY_SECRET_KEY": "of the tests",
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "smartcity.settings",
    }
    done = subprocess.run([sys.executable, "-c", MIGRATE], cwd=ROOT, env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` has filled; whoever comes while it is being filled waits."""
    KEPT.mkdir(parents=True, exist_ok=True)
    folder = KEPT / f"{name}-{digest()}"
    with (KEPT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            for old in KEPT.glob(f"{name}-*"):
                if time.time() - old.stat().st_mtime > FORGOTTEN_AFTER_S:
                    shutil.rmtree(old)
            half = KEPT / f"half-{name}"
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            make(half)
            half.rename(folder)
        os.utime(folder)
    return folder


def digest() -> str:
    """Of the city's code, its migrations among it, and of the versions it runs on."""
    found = hashlib.sha256(sys.version.encode())
    folders = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name not in ("tests", "benchmarks")]
    for path in sorted([*ROOT.glob("requirements*"), *(file for folder in folders for file in folder.rglob("*.py"))]):
        found.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return found.hexdigest()[:16]
