# SPDX-License-Identifier: Apache-2.0
"""The process that keeps forecasts fresh beside the city."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from smartcity.forecasting import following, runner
from smartcity.forecasting.worker import Report
from tests.forecasting.conftest import NOW

ROOT = Path(__file__).resolve().parents[2]


def test_the_clock_of_the_city_is_read_and_silence_is_no_time(monkeypatch):
    monkeypatch.setattr(following, "urlopen", lambda url, timeout: io.BytesIO(json.dumps({"at": NOW}).encode()))
    assert following.city_ms("http://127.0.0.1:1") == NOW
    monkeypatch.setattr(following, "urlopen", lambda url, timeout: io.BytesIO(b"<html>"))
    assert following.city_ms("http://127.0.0.1:1") is None
    monkeypatch.undo()
    assert following.city_ms("http://127.0.0.1:9") is None


def test_it_refreshes_every_five_city_minutes_and_goes_on_at_once_while_something_is_left(monkeypatch):
    clock = iter([NOW, NOW + 1000, NOW + 2000, None, NOW + 400_000])
    reports = iter([Report(left=3), Report(), Report()])
    asked: list[int] = []
    waits = iter([False] * 5 + [True])
    monkeypatch.setattr(following, "_is_over", lambda wait_s, between: next(waits))
    monkeypatch.setattr(following, "city_ms", lambda url: next(clock))

    def refresh(now_ms, **options):
        asked.append(now_ms)
        return next(reports)

    monkeypatch.setattr(runner, "refresh", refresh)
    following.follow(lambda: following.city_ms("http://127.0.0.1:9"), lambda report: None)
    assert asked == [NOW, NOW + 1000, NOW + 400_000]


def test_it_ends_when_the_city_that_started_it_is_gone():
    command = [sys.executable, "manage.py", "refreshforecasts", "--follow", "http://127.0.0.1:9"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, env=os.environ)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=30) == 0


def test_a_metric_nobody_foresees_gets_one_sentence():
    with pytest.raises(CommandError, match=r"Not foreseen: tram\.delight"):
        call_command("refreshforecasts", "--only", "tram.delight")


def test_a_pool_can_import_the_worker_without_django():
    code = "import sys, smartcity.forecasting.worker; print([m for m in sys.modules if m.startswith('django')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_when_it_is_told_to(number):
    command = [sys.executable, "manage.py", "refreshforecasts", "--follow", "http://127.0.0.1:9"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    heeds = 1 << (signal.SIGTERM - 1)
    deadline = time.monotonic() + 60
    while not int(_status(process.pid, "SigCgt"), 16) & heeds and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in said) == (0, False), said


def _status(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(f"{name}:"))
