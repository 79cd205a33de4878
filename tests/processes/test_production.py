# SPDX-License-Identifier: Apache-2.0
"""script/server --production: real servers and several processes from one command, and nothing left when it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.city import ROOT, City, alive, descendants
from tests.servers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.proof, pytest.mark.needs_mosquitto]
PATIENCE_S = 240.0


@contextlib.contextmanager
def production(var: Path) -> Iterator[City]:
    web, mqtt = free_port(), free_port()
    given = {name: value for name, value in os.environ.items() if not name.startswith(("SMARTCITY_", "DATABASE_"))}
    given |= {"SMARTCITY_VAR": str(var), "SMARTCITY_MQTT": f"127.0.0.1:{mqtt}", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "manage.py", "runproduction", "--empty", "--each", "1", "--port", str(web)]
    log = var / f"said-{web}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=given, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    made = City(f"http://127.0.0.1:{web}", mqtt, var, process, log)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while "The city is running" not in made.said():
            assert process.poll() is None and time.monotonic() < deadline, made.said()
            time.sleep(0.2)
        yield made
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def var() -> Iterator[Path]:
    """Somewhere the servers' own users may enter, too."""
    with tempfile.TemporaryDirectory(prefix="smartcity-production-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def test_one_command_starts_it_all_and_ctrl_c_leaves_nothing(var: Path):
    with production(var) as city:
        password = city.password
        with city.sign_in("admin", password) as browser:
            told = browser.get("/api/v1/health").json()["processes"]
        assert sorted(one["kind"] for one in told.values()) == ["control", "ingest", "web"]
        everything = descendants(city.process.pid)
        assert len(everything) >= 7  # three servers, four processes
        assert city.stop(signal.SIGINT, within_s=60) == 0, city.said()
        deadline = time.monotonic() + 10
        while alive(everything) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not alive(everything)
    for secret in (var / "production").glob("*/password"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    with production(var) as again:
        with again.sign_in("admin", password) as browser:
            assert json.loads(browser.get("/api/v1/clock").content)["mode"] == "LIVE"
        again.stop(signal.SIGTERM, within_s=60)
