# SPDX-License-Identifier: Apache-2.0
"""deploy/systemd as systemd itself reads it; no service is started."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
OPEN_AT_MOST = 3.6  # systemd's own measure: 10 is a service that may do anything
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not on this machine")


@pytest.fixture
def installed(tmp_path):
    """The units as on a machine where the program stands elsewhere; systemd wants to see it there."""
    for unit in (ROOT / "deploy/systemd").glob("smartcity*"):
        text = unit.read_text().replace("/opt/smartcity/.venv/bin/python", sys.executable)
        (tmp_path / unit.name).write_text(text.replace("/opt/smartcity", str(ROOT)))
    return tmp_path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True)


@needs_systemd
@pytest.mark.parametrize("unit", [*UNITS, ROOT / "deploy/systemd/smartcity.target"], ids=lambda path: path.name)
def test_systemd_understands_the_unit(installed, unit):
    done = analyze("verify", installed / unit.name)
    about_ours = [line for line in (done.stdout + done.stderr).splitlines() if "smartcity" in line]
    assert (done.returncode, about_ours) == (0, [])


@needs_systemd
def test_a_fault_would_be_seen(installed):
    unit = installed / "smartcity-web@.service"
    unit.write_text(unit.read_text().replace("Type=exec", "Type=nonsense"))
    done = analyze("verify", unit)
    assert "nonsense" in done.stdout + done.stderr


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_service_may_do_little(installed, unit):
    done = analyze("security", "--offline=yes", installed / unit.name)
    found = re.search(r"exposure level for \S+ ([\d.]+)", done.stdout)
    assert found and float(found[1]) <= OPEN_AT_MOST, done.stdout


def section(unit: Path) -> list[str]:
    return re.findall(
        r"^[A-Z]\w+=.*$", unit.read_text().partition("NoNewPrivileges")[2].partition("[Install]")[0], re.M
    )


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_every_service_is_shut_in_like_the_first(unit):
    assert section(unit) == section(ROOT / "deploy/systemd/smartcity.service") != []


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_holds_no_secret_but_names_its_file(unit):
    text = unit.read_text()
    assert re.findall(r"^LoadCredential=(\w+):/etc/smartcity/secrets/", text, re.M)
    assert not re.findall(r"PASSWORD=|SECRET_KEY=|://\w+:\w+@", text)


def test_phones_run_as_somebody_else_with_secrets_of_their_own():
    mobile = (ROOT / "deploy/systemd/smartcity-mobile@.service").read_text()
    assert "User=smartcity-mobile" in mobile and "/etc/smartcity/environment" not in mobile
    assert set(re.findall(r"/etc/smartcity/secrets/(\w+)", mobile)) == {"mobile_database_password", "mobile_secret_key"}
