# SPDX-License-Identifier: Apache-2.0
"""The street as a process: what it says, what it never loads, and when it ends."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from tests.twin.tiny import ROOT

COMMAND = [sys.executable, "-m", "smartcity.twin"]


@pytest.fixture
def street(tmp_path):
    path = tmp_path / "street.json"
    lamp = {
        "uid": "L-1", "secret": "a" * 64, "domain": "lighting", "kind": "luminaire", "codec": "senml", "lon": 24.9,
        "lat": 60.2, "metrics": ["lighting.power_w"], "fields": {"power_w": 60}, "points": [[24.9, 60.2]],
    }  # fmt: skip
    path.write_text(json.dumps({"city": "Toytown", "map": "", "zone": "Europe/Helsinki", "devices": [lamp]}))
    return path


def run(*arguments):
    return subprocess.run([*COMMAND, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_it_lists_what_it_would_simulate(street):
    done = run("--street", street, "--list")
    assert done.returncode == 0 and "Toytown: 1 devices" in done.stdout and "luminaire" in done.stdout


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "run manage.py importcity"), ("{", "cannot be read"), ('{"devices": [{}]}', "cannot be read")],
)
def test_a_street_that_is_not_there_or_broken_gets_one_sentence(tmp_path, content, says):
    path = tmp_path / "street.json"
    if content is not None:
        path.write_text(content)
    done = run("--street", path)
    assert done.returncode == 1 and says in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_domain_it_does_not_have_gets_one_sentence(street):
    done = run("--street", street, "--only", "metro")
    assert done.returncode == 1 and "no devices of metro" in done.stderr


def test_the_street_never_loads_django():
    code = (
        "import sys, smartcity.twin.__main__, smartcity.twin.history; print([m for m in sys.modules if 'django' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("how", ["the line closes", "a signal"])
def test_it_ends_when(street, how):
    nobody = ["--http", "http://127.0.0.1:9", "--mqtt", "127.0.0.1:9"]
    process = subprocess.Popen(
        [*COMMAND, "--street", str(street), *nobody], cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None and process.stdin is not None
    assert "does not answer" in process.stderr.readline()
    began = time.monotonic()
    process.terminate() if how == "a signal" else process.stdin.close()
    assert process.wait(timeout=20) == 0
    assert time.monotonic() - began < 10
    process.stderr.close()
