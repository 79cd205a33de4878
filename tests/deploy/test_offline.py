# SPDX-License-Identifier: Apache-2.0
"""`script/bootstrap --offline`, with stand-ins for the programs it would call, and the whole way without a network."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = [
    "bash", "env", "dirname", "basename", "sed", "mkdir", "flock", "mktemp", "rm", "tail", "cat",
    "cut", "sha256sum", "python3", "realpath", "tar", "gzip", "cp", "chmod", "ls", "id",
]  # fmt: skip
APT = """echo "$@" >>{folder}/apt
for option; do case $option in Dir::Etc::sourcelist=*) cat "${{option#*=}}" >>{folder}/sources ;; esac; done"""


@pytest.fixture
def machine(tmp_path):
    """A folder of programs, a copy of what bootstrap reads, and an unpacked bundle with nothing much in it."""
    programs, copy, bundle = tmp_path / "programs", tmp_path / "copy", tmp_path / "bundle"
    for folder in (programs, copy / "script", copy / ".venv/bin", bundle / "wheels"):
        folder.mkdir(parents=True)
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool, path="/usr/bin:/bin") or "missing")
    for name in ("script/bootstrap", "requirements.txt", "requirements.lock", "package-lock.json"):
        shutil.copy(ROOT / name, copy / name)
    (copy / ".venv/bin/python").symlink_to("/usr/bin/python3")
    program(programs, "dpkg-query", "printf 'ii '")
    program(programs, "npm", f"touch {tmp_path}/npm-was-called")
    program(copy / ".venv/bin", "uv", f'env >{tmp_path}/environment; echo "$@" >{tmp_path}/arguments')
    program(programs, "apt-get", APT.format(folder=tmp_path))
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/file.js").write_text("// of the browser")
    packed = str(bundle / "node_modules.tar.gz")
    subprocess.run(["tar", "-czf", packed, "-C", str(tmp_path), "node_modules"], check=True)
    seal(bundle)
    return tmp_path


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def seal(bundle: Path) -> None:
    files = sorted(path for path in bundle.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(bundle)}\n" for path in files]
    (bundle / "SHA256SUMS").write_text("".join(sums))


def bootstrap(machine: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": str(machine / "programs"), "HOME": str(machine)} | environment
    command = ["bash", str(machine / "copy/script/bootstrap"), "--offline", str(machine / "bundle")]
    return subprocess.run(command, env=given, capture_output=True, text=True, timeout=60)


def test_python_packages_come_from_the_bundle_alone_whatever_the_machine_is_set_to(machine):
    done = bootstrap(machine, UV_DEFAULT_INDEX="https://mirror.example/simple", PIP_INDEX_URL="https://mirror.example")
    assert done.returncode == 0, done.stderr
    said = dict(line.split("=", 1) for line in (machine / "environment").read_text().splitlines() if "=" in line)
    assert {said["UV_OFFLINE"], said["UV_NO_INDEX"], said["PIP_NO_INDEX"]} == {"1"}
    assert said["UV_FIND_LINKS"] == said["PIP_FIND_LINKS"] == str(machine / "bundle/wheels")
    assert not {"UV_DEFAULT_INDEX", "PIP_INDEX_URL"} & said.keys()
    assert "-c requirements.lock" in (machine / "arguments").read_text()


def test_the_browsers_files_are_unpacked_and_npm_is_not_asked(machine):
    assert bootstrap(machine).returncode == 0
    assert (machine / "copy/node_modules/file.js").exists() and not (machine / "npm-was-called").exists()


@pytest.mark.parametrize("harm", ["changed", "missing", "no bundle"])
def test_a_bundle_that_is_not_whole_is_refused_before_anything_is_installed(machine, harm):
    file = machine / "bundle/node_modules.tar.gz"
    if harm == "changed":
        file.write_bytes(file.read_bytes() + b"x")
    else:
        (file if harm == "missing" else machine / "bundle/SHA256SUMS").unlink()
    refused = bootstrap(machine)
    assert refused.returncode == 1 and re.search("damaged|no unpacked bundle", refused.stderr)
    assert not (machine / "arguments").exists()


def test_without_debian_packages_in_it_those_that_are_missing_are_named(machine):
    program(machine / "programs", "dpkg-query", "exit 1")
    refused = bootstrap(machine)
    assert refused.returncode == 1
    assert "this bundle has no Debian packages: install ca-certificates python3" in refused.stderr.splitlines()[-1]


def test_debian_packages_come_from_the_bundle_alone(machine):
    program(machine / "programs", "dpkg-query", "exit 1")
    (machine / "bundle/debs").mkdir()
    (machine / "bundle/debs/Packages").write_text("Package: x\n")
    seal(machine / "bundle")
    program(machine / "programs", "sudo", '"$@"')
    done = bootstrap(machine)
    assert done.returncode == 0, done.stderr
    update, install = (machine / "apt").read_text().splitlines()
    assert " update" in update and "install -y --no-install-recommends ca-certificates" in install
    for call in (update, install):
        assert "Dir::Etc::sourceparts=/dev/null" in call and "Dir::Etc::sourcelist=" in call
    assert set((machine / "sources").read_text().splitlines()) == {f"deb [trusted=yes] file:{machine}/bundle/debs ./"}


def test_the_demo_is_not_in_a_bundle(machine):
    command = ["bash", machine / "copy/script/bootstrap", "--demo", "--offline", machine / "bundle"]
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 1 and "neither the demo nor the tests" in refused.stderr


@pytest.mark.proof
@pytest.mark.timeout(1200)
def test_a_city_is_installed_from_a_bundle_with_the_network_cut_off(tmp_path):
    """Everything real: about 360 MB are fetched to make it. Without root the tools are only misled, not cut off."""
    subprocess.run([ROOT / "script/bundle", "--debs", tmp_path / "bundle.tar.gz"], check=True)
    subprocess.run(["tar", "-xzf", tmp_path / "bundle.tar.gz", "-C", tmp_path], check=True)
    (bundle,) = tmp_path.glob("smart-city-*")
    lists = [bundle / name for name in ("debian-packages.txt", "debs/Packages", "SHA256SUMS", "MADE-FOR", "install")]
    assert [path.name for path in lists if "://" in path.read_text()] == []  # nobody's archive is named
    cut_off = ["unshare", "-n"] if os.geteuid() == 0 else []
    given = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(tmp_path), "HTTPS_PROXY": "http://127.0.0.1:9"}
    target = tmp_path / "target"
    installed = [*cut_off, bundle / "install", target]
    subprocess.run(installed, env=given, check=True)
    given |= {"SMARTCITY_VAR": str(tmp_path / "var"), "SMARTCITY_SECRET_KEY": "of this test"}
    check = [*cut_off, target / ".venv/bin/python", "manage.py", "check"]
    done = subprocess.run(check, cwd=target, env=given, capture_output=True, text=True)
    assert (done.returncode, "no issues" in done.stdout) == (0, True), done.stderr
    assert (target / "node_modules/uplot/dist/uPlot.esm.js").exists()
    assert subprocess.run(installed, env=given, capture_output=True, text=True).stderr == ""  # nothing left to do

    bare = tmp_path / "bare"  # the same for apt on a Debian with nothing on it, as far as apt's own resolving goes
    bare.mkdir()
    (bare / "status").touch()
    program(bare, "dpkg-query", "exit 1")
    simulated = f'[ "$(echo "$@" | grep -c " update")" = 1 ] || set -- -s -o Dir::State::status={bare}/status "$@"'
    program(bare, "apt-get", f'{simulated}\nexec /usr/bin/apt-get "$@"')
    given["PATH"] = f"{bare}:{given['PATH']}"
    resolved = subprocess.run([*installed, "--production"], env=given, capture_output=True, text=True)
    assert resolved.returncode == 0 and "Debian packages to install" in resolved.stderr, resolved.stderr
