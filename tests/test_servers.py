# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

import psycopg
import pytest

from tests import servers

pytestmark = [pytest.mark.timeout(180)]


def gone(port: int, within_s: float = 10) -> bool:
    """Whether nobody listens there any more."""
    deadline = time.monotonic() + within_s
    while servers.listens(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not servers.listens(port)


def test_every_database_made_on_the_test_server_knows_postgis_and_the_server_ends_with_the_test():
    with servers.postgis() as url:
        for name in ("", "_telemetry", "_tasks"):
            with psycopg.connect(url + name) as connection:
                assert connection.execute("SELECT ST_Distance('POINT(0 0)', 'POINT(3 4)')").fetchone() == (5.0,)
    port = urlsplit(url).port
    assert port and gone(port)


def test_a_database_killed_and_started_again_holds_what_was_committed():
    with servers.postgresql() as (url, server):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        server.kill()
        assert not servers.listens(urlsplit(url).port or 0)
        server.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


@pytest.mark.needs_redis
def test_redis_ends_when_the_test_fails():
    with pytest.raises(ZeroDivisionError), servers.redis() as url:
        assert servers.listens(port := urlsplit(url).port or 0)
        raise ZeroDivisionError
    assert gone(port)


@pytest.mark.needs_mosquitto
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_way_to_end_a_test_run_leaves_a_server_behind(end):
    say_port = "import os, time; print(os.environ['MOSQUITTO_URL'], flush=True); time.sleep(60)"
    command = [sys.executable, "-m", "tests.servers", "mosquitto", "--", sys.executable, "-c", say_port]
    run = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    try:
        assert run.stdout
        port = urlsplit(run.stdout.readline().strip()).port
        assert port and servers.listens(port)
        run.send_signal(end)
        assert gone(port)
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()


def test_a_missing_program_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with (
        pytest.raises(servers.Unavailable, match=r"mosquitto is not installed; script/bootstrap --test"),
        servers.mosquitto(),
    ):
        pass
