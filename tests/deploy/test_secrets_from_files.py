# SPDX-License-Identifier: Apache-2.0
"""Secrets the environment does not hold but names the file of, as systemd's credentials and containers hand them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from smartcity import firstrun
from smartcity.settings import with_password

ROOT = Path(__file__).resolve().parents[2]
SHOW = """
import json, smartcity.settings as s
d = s.DATABASES["telemetry"]
print(json.dumps([s.SECRET_KEY, s.REDIS_URL, d.get("PASSWORD"), d.get("HOST"), d["OPTIONS"].get("sslmode")]))
"""


def settings(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SMARTCITY_", "DATABASE_"))}
    given = inherited | {"SMARTCITY_VAR": str(tmp_path / "var")} | environment
    return subprocess.run([sys.executable, "-c", SHOW], cwd=ROOT, env=given, capture_output=True, text=True)


@pytest.fixture
def file(tmp_path):
    def write(text: str) -> str:
        (tmp_path / text).write_text(f"{text}\n")
        return str(tmp_path / text)

    return write


def test_keys_and_passwords_are_read_from_files(tmp_path, file):
    done = settings(
        tmp_path,
        DATABASE_URL="postgres://city@db.example/city?sslmode=verify-full",
        REDIS_URL="redis://bus.example:6379/0",
        SMARTCITY_SECRET_KEY_FILE=file("a-key"),
        DATABASE_PASSWORD_FILE=file("p@ss word"),
        REDIS_PASSWORD_FILE=file("r:d"),
    )
    assert json.loads(done.stdout) == [
        "a-key",
        "redis://:r%3Ad@bus.example:6379/0",
        "p@ss word",
        "db.example",
        "verify-full",
    ]


def test_the_variable_itself_comes_first(tmp_path, file):
    done = settings(tmp_path, SMARTCITY_SECRET_KEY="plain", SMARTCITY_SECRET_KEY_FILE=file("other"))
    assert json.loads(done.stdout)[0] == "plain"


def test_a_file_that_cannot_be_read_stops_the_start_and_is_named(tmp_path):
    done = settings(tmp_path, SMARTCITY_SECRET_KEY_FILE=str(tmp_path / "nowhere"))
    assert done.returncode != 0
    assert "SMARTCITY_SECRET_KEY_FILE names a file that cannot be read" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("url", "password", "whole"),
    [
        ("", "x", ""),
        ("redis://h:1/0", "", "redis://h:1/0"),
        ("redis://h:1/0", "x/y", "redis://:x%2Fy@h:1/0"),
        ("rediss://who@h/2", "x", "rediss://who:x@h/2"),
        ("redis://:old@h/2", "new", "redis://:new@h/2"),
    ],
)
def test_a_password_goes_into_the_address_of_the_bus(url, password, whole):
    assert with_password(url, password) == whole


def test_no_key_is_made_for_one_that_lies_in_a_file(tmp_path, file, monkeypatch):
    monkeypatch.delenv("SMARTCITY_SECRET_KEY")
    monkeypatch.setenv("SMARTCITY_SECRET_KEY_FILE", file("elsewhere"))
    firstrun.write_secrets(tmp_path / "secrets")
    made = {path.name for path in (tmp_path / "secrets").iterdir()}
    assert "secret_key" not in made and {"vapid_private_key", "mobile_secret_key"} <= made
