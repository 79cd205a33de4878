# SPDX-License-Identifier: Apache-2.0
"""What a stranger meets first: the lock, the licence headers, the commands."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = sorted(path for path in (ROOT / "script").iterdir() if path.is_file())


def requirements() -> list[Requirement]:
    lines = [line for file in ROOT.glob("requirements*.txt") for line in file.read_text().splitlines()]
    return [Requirement(line) for line in (line.partition("#")[0].strip() for line in lines) if line]


def locked() -> dict[str, str]:
    """Name → version, of every package in the lock."""
    text = (ROOT / "requirements.lock").read_text()
    return {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([^ \\;]+)", text, re.M)}


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository, or to be in it, that match."""
    listing = ["git", "ls-files", "-co", "--exclude-standard", "--", *patterns]
    found = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [ROOT / name for name in found if (ROOT / name).is_file()]


def test_the_lock_holds_a_version_in_range_of_everything_required():
    versions = locked()
    wrong = [
        str(requirement)
        for requirement in requirements()
        if not requirement.specifier.contains(versions.get(canonicalize_name(requirement.name), "0"), prereleases=True)
        or canonicalize_name(requirement.name) not in versions
    ]
    assert not wrong, "script/bootstrap --lock brings requirements.lock up to date"


@pytest.mark.parametrize("name", ["requirements.lock", "package-lock.json"])
def test_a_lock_names_no_address_that_another_network_could_not_reach(name):
    addresses = re.findall(r'"resolved"|--index-url|--find-links|@ (?:https?|file):', (ROOT / name).read_text())
    assert not addresses


def imported(file: Path) -> set[str]:
    """Top-level modules a file imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.partition(".")[0] for name in plain | named}


def test_every_package_that_is_imported_is_required_and_not_only_brought_along_by_another():
    required = {canonicalize_name(requirement.name) for requirement in requirements()}
    origin = packages_distributions()
    undeclared = {
        f"{file.relative_to(ROOT)}: {module}"
        for file in tracked("*.py")
        for module in imported(file) & set(origin)
        if not {canonicalize_name(name) for name in origin[module]} & required
    }
    assert sorted(undeclared) == []


def test_the_browsers_files_are_pinned_exactly_as_locked():
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert wanted == lock[""]["dependencies"]
    assert wanted == {name: lock[f"node_modules/{name}"]["version"] for name in wanted}


def test_every_file_of_code_names_its_licence():
    code = tracked("*.py", "*.js", "*.mjs", "*.css", "script/*", ".ci/run", ":!*/migrations/*")
    silent = [
        str(path.relative_to(ROOT))
        for path in code
        if path.stat().st_size and "SPDX-License-Identifier: Apache-2.0" not in path.read_text()[:300]
    ]
    assert not silent


@pytest.mark.parametrize("command", COMMANDS, ids=lambda path: path.name)
def test_every_command_explains_itself_and_is_in_the_reference(command):
    told = subprocess.run([command, "--help"], capture_output=True, text=True, timeout=20)
    assert told.returncode == 0
    assert f"script/{command.name}" in told.stdout
    assert f"script/{command.name}" in (ROOT / "docs/reference/commands.md").read_text()


@pytest.mark.parametrize("command", ["bootstrap", "test"])
def test_an_option_that_is_not_there_is_refused_before_anything_happens(command):
    refused = subprocess.run([ROOT / "script" / command, "--nonsense"], capture_output=True, text=True, timeout=20)
    assert refused.returncode != 0
    assert refused.stderr.strip() == f"{command}: no such option: --nonsense (try --help)"
