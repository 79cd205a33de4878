# SPDX-License-Identifier: Apache-2.0
"""An export that is broken off, in a process and on tables of its own: the same whichever engine the tests are on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.migrated import give_tables

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_no_half_file(tmp_path, way):
    """Over a span so long that it is still under way."""
    environment = os.environ | {"SMARTCITY_VAR": str(tmp_path / "var"), "DATABASE_URL": ""}
    (tmp_path / "var").mkdir()
    give_tables(tmp_path / "var")
    ready = "from tests.telemetry.half_file import main; main()"
    running = subprocess.Popen(
        [sys.executable, "-c", ready, str(tmp_path / "half.csv")], cwd=ROOT, env=environment,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".half.csv.*.part")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(tmp_path.glob(".half.csv.*.part"))
    running.send_signal(way)
    _, said = running.communicate(timeout=240)
    assert running.returncode == 130 and "no file was written" in said
    assert [path.name for path in tmp_path.iterdir()] == ["var"]
