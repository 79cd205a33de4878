# SPDX-License-Identifier: Apache-2.0
"""Waste's whole road: a running city with nothing but its containers and trucks on the street, over real sockets.

A route is proved by the sensor of a container on it, hours after it was sent, and planned by days of readings: so the
street of this test is small enough to live at full speed, and has a short past.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from smartcity.kernel import clock
from smartcity.kernel.clock import Anchor
from tests.city import ROOT, City, city
from tests.embedded.test_demo import eventually, steps, verified

MAP = ROOT / "var" / "Helsinki.osm.pbf"
pytestmark = [
    pytest.mark.proof,  # two minutes and a half
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not MAP.exists(), reason="script/bootstrap --demo fetches the demo map"),
]

BEFORE_THE_SHIFT_MS = 1_795_578_900_000  # 25 November 2026, 5:55 in Helsinki
PAST = f"""
from smartcity.twin.backfill import backfill
print(backfill({BEFORE_THE_SHIFT_MS}, days=10.0).words())
"""


def manage(var: Path, *arguments: str) -> None:
    given = {name: value for name, value in os.environ.items() if not name.startswith("SMARTCITY_")}
    given |= {"SMARTCITY_VAR": str(var), "SMARTCITY_SECRET_KEY": "of this test"}
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=given, check=True, capture_output=True)


@pytest.fixture(scope="module")
def depot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The demo's city, of whose devices only those of waste speak; ten days of their past are in the store."""
    var = tmp_path_factory.mktemp("depot")
    shutil.copy(MAP, var)
    clock.save(Anchor(BEFORE_THE_SHIFT_MS, clock.wall_ms(), 1.0, 60.0, True), var / "clock.json")
    for alias in settings.DATABASES:
        manage(var, "migrate", "--database", alias, "--verbosity", "0")
    manage(var, "importcity", str(var / MAP.name), "--demo")
    street = json.loads((var / "street.json").read_text())
    street["devices"] = [device for device in street["devices"] if device["domain"] == "waste"]
    (var / "street.json").write_text(json.dumps(street))
    manage(var, "shell", "-c", PAST)
    (var / "history-written").write_text("ten days, for this test")
    with city("--speed", "60", var=var) as running:
        yield running


@pytest.fixture(scope="module")
def anna(depot: City) -> Iterator[httpx.Client]:
    with depot.sign_in("admin", depot.password) as browser:
        yield browser


def test_a_round_the_loop_sent_is_proved_by_the_sensor_of_a_container_on_it(depot, anna):
    row: dict[str, Any] = eventually(lambda: verified(anna, "waste"), 600)[0]
    assert (row["issuer"], row["point"]) == ("loop:waste", "route")
    called = {stop.partition(":")[0] for stop in row["value"].split()}
    proof = row["expect"]
    assert proof["asset"] in called and proof["metric"] in ("waste.fill_level", "waste.distance")
    assert proof["low"] <= row["measured"] <= proof["high"]
    assert [step["state"] for step in steps(anna, row)][-3:] == ["sent", "applied", "verified"]
    assert any(ground.startswith("series:") and "@" in ground for ground in row["rests_on"])
