# SPDX-License-Identifier: Apache-2.0
"""The one step that touches the machine, with stand-ins for the programs it would call."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = [
    "bash",
    "env",
    "dirname",
    "sed",
    "mkdir",
    "flock",
    "mktemp",
    "rm",
    "tail",
    "cat",
    "cut",
    "sha256sum",
    "python3",
]


@pytest.fixture
def machine(tmp_path):
    """A folder of programs: a Debian on which nothing is installed, seen by somebody who is not root."""

    def program(name: str, script: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)

    for tool in TOOLS:
        (tmp_path / tool).symlink_to(shutil.which(tool, path="/usr/bin:/bin") or "missing")
    program("dpkg-query", "exit 1")
    program("id", "echo 1000")
    program("npm", "exit 1")
    return tmp_path, program


def bootstrap(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SMARTCITY_")}
    environment = inherited | {"PATH": str(folder)} | environment
    command = [str(ROOT / "script/bootstrap"), *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_without_root_and_sudo_it_says_which_packages_to_ask_for(machine):
    folder, _ = machine
    refused = bootstrap(folder)
    assert refused.returncode == 1
    assert "libsqlite3-mod-spatialite gdal-bin" in refused.stderr.splitlines()[0]
    assert "ask for those packages" in refused.stderr.splitlines()[1]


def test_sudo_is_used_for_named_packages_only_and_starts_no_service(machine):
    folder, program = machine
    program("sudo", f'echo "$@" >> {folder}/asked')
    done = bootstrap(folder)
    assert done.returncode == 0, done.stderr
    update, install = (folder / "asked").read_text().splitlines()
    assert update.endswith(" update")
    assert "env RUNLEVEL=1 " in install and " --no-install-recommends " in install
    assert install.partition(" --no-install-recommends ")[2] in done.stderr.splitlines()[0]


def test_an_installation_that_fails_ends_with_a_sentence(machine):
    folder, program = machine
    program("sudo", "echo E: no space left on device; exit 100")
    failed = bootstrap(folder)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-2:] == [
        "E: no space left on device",
        "bootstrap: apt-get could not install them; its last lines are above",
    ]


def test_another_system_is_told_how_to_go_on_and_can(machine):
    folder, _ = machine
    (folder / "dpkg-query").unlink()
    refused = bootstrap(folder)
    assert refused.returncode == 1 and "set SMARTCITY_PACKAGES=skip" in refused.stderr
    assert bootstrap(folder, SMARTCITY_PACKAGES="skip").returncode == 0


def test_nothing_is_said_when_nothing_is_to_do(machine):
    folder, program = machine
    program("dpkg-query", "printf 'ii '")
    done = bootstrap(folder)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


def test_what_a_benchmark_compares_with_is_installed_only_where_it_is_asked_for(machine):
    folder, program = machine
    program("sudo", f'echo "$@" >> {folder}/asked')
    program("dpkg-query", 'case "$4" in victoria-metrics | influxdb) exit 1 ;; *) printf "ii " ;; esac')
    assert bootstrap(folder).returncode == 0 and not (folder / "asked").exists()
    done = bootstrap(folder, "--bench")
    assert done.returncode == 0, done.stderr
    assert (folder / "asked").read_text().endswith(" --no-install-recommends victoria-metrics influxdb\n")
