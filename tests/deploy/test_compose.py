# SPDX-License-Identifier: Apache-2.0
"""deploy/compose.yaml: the same processes as under systemd, and no secret in an environment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
SERVICES = WRITTEN["services"]
OURS = {name: service for name, service in SERVICES.items() if "manage.py" in str(service.get("command"))}


def test_it_runs_the_processes_that_systemd_runs():
    units = "".join(path.read_text() for path in (ROOT / "deploy/systemd").glob("smartcity-*.service"))
    assert {service["command"][2] for service in OURS.values()} == set(re.findall(r"manage\.py (\w+)", units))


@pytest.mark.parametrize("name", SERVICES)
def test_a_secret_is_a_file(name):
    environment = SERVICES[name].get("environment", {})
    held = [key for key in environment if re.search("PASSWORD|SECRET|PRIVATE", key) and not key.endswith("_FILE")]
    assert held == [] and not re.search(r"://\w+:[^/@]+@", str(environment))
    named = {Path(value).name for key, value in environment.items() if key.endswith("_FILE")}
    assert named <= set(SERVICES[name].get("secrets", ())) <= set(WRITTEN["secrets"])


def test_what_waits_for_the_preparations_waits_for_their_end():
    waiting = {name: service["depends_on"]["prepare"] for name, service in OURS.items() if name != "prepare"}
    assert {found["condition"] for found in waiting.values()} == {"service_completed_successfully"}


def test_phones_see_nothing_of_the_city():
    mobile = SERVICES["mobile"]
    assert "volumes" not in mobile and "database_password" not in mobile["secrets"]
    assert "smartcity_mobile@" in mobile["environment"]["DATABASE_URL"]


def test_nothing_is_open_to_other_machines():
    assert [
        port for service in SERVICES.values() for port in service.get("ports", []) if "127.0.0.1:" not in port
    ] == []
