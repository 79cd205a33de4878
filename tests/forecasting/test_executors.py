# SPDX-License-Identifier: Apache-2.0
"""The fleet's jobs in other processes: killed, broken off and done again."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from smartcity.forecasting import checks, executors, worker
from tests.migrated import give_tables

ROOT = Path(__file__).resolve().parents[2]
COUNT, SIZE = 96, 12
PATIENCE_S = 120.0


class City:
    """A city in files, without a process of its own."""

    def __init__(self, var: Path) -> None:
        self.var = var
        told = {"SMARTCITY_VAR": str(var), "SMARTCITY_SECRET_KEY": "of a test", "SMARTCITY_TIME_ZONE": "UTC"}
        self.environment = {**os.environ, **told, "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "smartcity.settings"}

    def fleet(self, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "manage.py", "forecastfleet", "--partition-size", str(SIZE), *options]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(
            command, cwd=ROOT, env=self.environment, start_new_session=True, preexec_fn=heeding, **pipes
        )  # type: ignore[call-overload]

    def rows(self, sql: str) -> list[tuple]:
        with sqlite3.connect(f"file:{self.var}/city.sqlite3?mode=ro", uri=True, timeout=30) as connection:
            return connection.execute(sql).fetchall()

    def done(self) -> dict[int, int]:
        return dict(self.rows("SELECT id, done_at FROM forecasting_fleetjob WHERE done_at IS NOT NULL"))

    def wait_for_jobs(self, count: int, process: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while len(self.done()) < count:
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
            time.sleep(0.05)

    def is_whole(self) -> bool:
        counts = self.rows(
            "SELECT count(*), count(DISTINCT series_id), sum(is_current) FROM forecasting_issuedforecast"
        )
        return counts == [(COUNT, COUNT, COUNT)]


def heeding() -> None:
    """Tests started in the background ignore SIGINT, and so would what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    var = tmp_path_factory.mktemp("many")
    give_tables(var)
    command = [sys.executable, "-m", "tests.forecasting.many_meters", str(COUNT)]
    subprocess.run(command, cwd=ROOT, env=City(var).environment, check=True)
    return var


@pytest.fixture
def city(made) -> City:
    city = City(made)
    with sqlite3.connect(made / "city.sqlite3", timeout=30) as connection:
        for table in ("fleetjob", "issuedforecast", "calibration", "champion"):
            connection.execute(f"DELETE FROM forecasting_{table}")
    return city


def workers(process: subprocess.Popen[str]) -> list[int]:
    """Of the pool: children whose own command line says spawn_main."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def is_gone(pid: int) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
def test_a_worker_killed_on_the_way_costs_nobody_a_forecast(city):
    process = city.fleet("--executor", "processes:2", "--calibrate")
    city.wait_for_jobs(1, process)
    os.kill(workers(process)[0], signal.SIGKILL)
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0 and city.is_whole(), said
    assert city.rows("SELECT count(*) FROM forecasting_calibration") == [(COUNT,)]
    assert {n for (n,) in city.rows("SELECT tries FROM forecasting_fleetjob")} == {0}
    assert f"{COUNT} series in {COUNT // SIZE} jobs, by processes:2" in said and "series/s" in said


@pytest.mark.slow
def test_killed_as_a_whole_it_does_only_what_was_not_done(city):
    process = city.fleet("--executor", "processes:2", "--calibrate")
    city.wait_for_jobs(2, process)
    pool = workers(process)
    process.kill()
    process.communicate()
    assert pool and all(is_gone(pid) for pid in pool)  # a parent killed leaves nobody behind
    before = city.done()
    assert 2 <= len(before) < 2 * COUNT // SIZE
    again = city.fleet("--executor", "processes:2", "--calibrate")
    said, _ = again.communicate(timeout=PATIENCE_S)
    assert again.returncode == 0 and city.is_whole(), said
    assert f"{len(before)} of them done before" in said
    assert city.done().items() >= before.items()


@pytest.mark.slow
def test_ctrl_c_lets_the_jobs_at_hand_end_and_the_same_command_goes_on(city):
    process = city.fleet("--executor", "processes:2", "--calibrate")
    city.wait_for_jobs(1, process)
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130 and "goes on where it was" in said and "Traceback" not in said
    again = city.fleet("--executor", "here", "--calibrate")
    said, _ = again.communicate(timeout=PATIENCE_S)
    assert again.returncode == 0 and city.is_whole(), said


@pytest.fixture
def dask(city) -> Iterator[str]:
    """A scheduler and two workers, each in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    commands = [[*program, "--no-dashboard", "--no-show"]]
    worker_command = [sys.executable, "-m", "distributed.cli.dask_worker", f"tcp://127.0.0.1:{port}", "--nthreads", "1"]
    commands += [
        [*worker_command, "--no-dashboard", "--name", name, "--local-directory", str(city.var)] for name in "ab"
    ]
    environment = {**city.environment, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
    log = (city.var / "dask.log").open("ab")
    running = [
        subprocess.Popen(command, cwd=city.var, env=environment, stdout=log, stderr=log, start_new_session=True)
        for command in commands
    ]
    yield f"dask://127.0.0.1:{port}"
    for process in reversed(running):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_two_workers_of_a_dask_cluster_share_the_jobs(city, dask):
    process = city.fleet("--executor", dask)
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0 and city.is_whole(), said + (city.var / "dask.log").read_text()
    assert len(city.rows("SELECT DISTINCT done_by FROM forecasting_fleetjob")) == 2
    assert city.fleet("--executor", dask).wait(PATIENCE_S) == 0 and city.is_whole()


def test_a_scheduler_that_is_not_there_is_said_in_a_sentence(monkeypatch):
    monkeypatch.setattr(executors, "JOIN_S", 1)
    with pytest.raises(executors.Unusable, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        with executors.opened("dask://127.0.0.1:9"):
            pass


@pytest.mark.parametrize("name", ["", "here", "processes", "processes:4"])
def test_an_executor_that_there_is_passes_the_check(settings, name):
    settings.FORECAST_EXECUTOR = name
    assert checks.known_executor() == []


@pytest.mark.parametrize("name", ["threads", "processes:0", "dask://host", "tcp://host:1", "processes 4"])
def test_an_executor_that_there_is_not_is_said_at_start_with_what_to_write(settings, name):
    settings.FORECAST_EXECUTOR = name
    (found,) = checks.known_executor()
    assert found.msg.startswith(f"SMARTCITY_FORECAST_EXECUTOR is {name}: ") and "processes:4" in found.msg


def test_dask_without_its_package_says_how_to_get_it(settings, monkeypatch):
    monkeypatch.setattr(executors, "find_spec", lambda name: None)
    settings.FORECAST_EXECUTOR = "dask://10.0.0.1:8786"
    assert "script/bootstrap --dask" in checks.known_executor()[0].msg


def test_each_process_of_a_pool_has_one_numeric_thread():
    pool = executors._processes(1)
    try:
        found = [pool.submit(os.getenv, name).result(60) for name in worker.THREADS]
        assert found == ["1", "1", "1"]
    finally:
        pool.shutdown()


def test_the_command_refuses_what_it_cannot_do(db):
    with pytest.raises(CommandError, match=r"Not foreseen: tram\.delight"):
        call_command("forecastfleet", "--metric", "tram.delight")
    with pytest.raises(CommandError, match="No series for a fleet"):
        call_command("forecastfleet")
