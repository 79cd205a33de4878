# SPDX-License-Identifier: Apache-2.0
"""A new domain is a folder dropped in: nothing else is edited, and everything that polices domains polices it too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from smartcity import domains
from tests.migrated import give_tables

ROOT = Path(settings.ROOT)
MAP = ROOT / "var" / "Helsinki.osm.pbf"
KEYS = "parking or architecture"
TABLES = """
import shutil
from pathlib import Path
from tests import migrated
def with_the_new(folder):
    shutil.copytree("data", folder, dirs_exist_ok=True)
    migrated.migrate(folder)
migrated.once("sqlite", with_the_new)
migrated.give_tables(Path("data"))
"""  # for its own tests too: to the city's, copied into data, those of the new domain are added
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "browser")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The code as it is in a folder of its own, with the domain `parking` started in it."""
    folder = tmp_path_factory.mktemp("tree")
    for name in ("smartcity", "static", "templates", "tests", *domains.find(ROOT)):
        shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
    for name in ("manage.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "var").mkdir()
    if MAP.exists():
        (folder / "var" / MAP.name).symlink_to(MAP)
    said = run(folder, "manage.py", "startdomain", "parking")
    assert "parking stands in parking/" in said.stdout, said.stderr
    give_tables(folder / "data")
    migrated = run(folder, "-c", TABLES)
    assert migrated.returncode == 0, migrated.stderr[-2000:]
    return folder


def run(folder, *arguments):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SMARTCITY_", "PYTEST_"))}
    (folder / "data").mkdir(exist_ok=True)
    environment = clean | {"SMARTCITY_VAR": str(folder / "data"), "SMARTCITY_SECRET_KEY": "of the tests"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def pytest_in(folder, *arguments):
    return run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)


@pytest.mark.slow
def test_a_started_domain_conforms_and_its_own_tests_pass(tree):
    done = pytest_in(tree, "tests/conformance", "tests/test_architecture.py", "tests/parking", "-k", KEYS)
    assert done.returncode == 0 and "passed" in done.stdout, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.slow
@pytest.mark.skipif(not MAP.exists(), reason="script/bootstrap --demo fetches the demo map")
def test_a_started_domain_is_imported_with_the_city(tree):
    done = run(tree, "manage.py", "importcity", str(MAP), "--demo")
    assert done.returncode == 0, done.stderr[-2000:]
    [line] = [line for line in done.stdout.splitlines() if line.startswith("parking")]
    assert line.split()[:2] == ["parking", "bed"] and int(line.split()[2]) > 10


# part of the name of the rule → the file that breaks it, and with what
BREACHES = {
    "do_not_import_each_other": ("parking/alarms.py", "import lighting.metrics"),
    "platform_opens_to_them": ("parking/loop.py", "import smartcity.control.models"),
    "platform_imports_no_domain": ("smartcity/devices/plan.py", "import parking.metrics"),
    "only_what_is_below_it": ("smartcity/devices/street.py", "import smartcity.telemetry.read"),
    "base_map_knows_nothing": ("smartcity/basemap/coast.py", "import smartcity.devices.plan"),
    "kernel_is_plain_python[django]": ("smartcity/kernel/geo.py", "import django"),
    "pure_rooms_of_domains_reach_no_framework[channels]": ("parking/soil.py", "import channels.layers"),
    "twin_runs_imports_no_django": ("parking/twin.py", "import parking.models"),
    "asks_for_a_distance": ("parking/views.py", "rows.filter(geom__dwithin=1)"),
    "loads_another_proj[pyogrio]": ("parking/osm.py", "import pyogrio"),
    "declare_and_the_platform_drives": ("parking/kpis.py", "import socket"),
    "happens_next_is_the_next_line": ("parking/models.py", "from django.db.models.signals import post_save"),
    "lives_in_one_folder[pyvrp]": ("parking/osm.py", "import pyvrp"),
    "named_after_what_it_holds": ("parking/utils.py", "pass"),
}


@pytest.mark.slow
def test_the_new_domain_is_policed_unasked(tree):
    """Every rule is broken at once, in functions nobody calls, and every rule must notice."""
    (tree / "smartcity" / "heavy.py").write_text("def planted():\n    import pyvrp\n")
    for name, line in BREACHES.values():
        with (tree / name).open("a") as file:
            file.write(f"\n\ndef planted():\n    {line}\n")
    done = pytest_in(tree, "tests/test_architecture.py")
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert [rule for rule in BREACHES if not any(rule in line for line in failed)] == [], done.stdout[-3000:]


@pytest.mark.parametrize("name", ["Park", "p", "park_ing", "park1", "class", "json", "lighting", "smartcity", "a" * 21])
def test_a_name_that_cannot_be_a_domain_changes_nothing(tmp_path, settings, name):
    settings.ROOT = tmp_path
    with pytest.raises(CommandError, match=r"cannot name a domain|called .* already"):
        call_command("startdomain", name)
    assert list(tmp_path.iterdir()) == []
