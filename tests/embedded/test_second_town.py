# SPDX-License-Identifier: Apache-2.0
"""A second town as its own process, run as `script/server --city FILE.osm.pbf` does: four loops steer what proves it.

It begins before dawn on a workday, so that lamps burn, trucks set out and the morning's traffic comes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from smartcity.kernel import clock
from smartcity.kernel.clock import Anchor
from tests.city import ROOT, City, city
from tests.embedded.test_demo import CENTRE, DOMAINS, eventually, led_by_the_centre, steps, verified
from tests.krems import as_pbf, needs_krems

pytestmark = [
    pytest.mark.proof,  # ten minutes and more
    pytest.mark.slow,
    pytest.mark.needs_sumo,
    pytest.mark.timeout(3000),
    needs_krems,
]
BEFORE_DAWN_MS = 1_795_582_500_000  # Wednesday 25 November 2026, 5:55 in Krems
PAST = f"""
from smartcity.twin.backfill import backfill
print(backfill({BEFORE_DAWN_MS}, days=10.0).words())
"""
FEW = 0.08  # of a domain's devices: those the street has broken on purpose


def manage(var: Path, *arguments: str) -> None:
    given = {name: value for name, value in os.environ.items() if not name.startswith("SMARTCITY_")}
    given |= {"SMARTCITY_VAR": str(var), "SMARTCITY_SECRET_KEY": "of this test"}
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=given, check=True, capture_output=True)


@pytest.fixture(scope="module")
def krems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The town with its street and ten days of its past; its time zone is set by nobody."""
    var = tmp_path_factory.mktemp("krems")
    extract = as_pbf(var)
    clock.save(Anchor(BEFORE_DAWN_MS, clock.wall_ms(), 1.0, 10.0, True), var / "clock.json")
    for alias in settings.DATABASES:
        manage(var, "migrate", "--database", alias, "--verbosity", "0")
    manage(var, "importcity", str(extract), "--demo")
    manage(var, "shell", "-c", PAST)
    (var / "history-written").write_text("ten days, for this test")
    with city("--city", str(extract), "--speed", "10", var=var) as running:
        yield running


@pytest.fixture(scope="module")
def anna(krems: City) -> Iterator[httpx.Client]:
    with krems.sign_in("admin", krems.password) as browser:
        yield browser


def test_it_lives_in_the_time_zone_of_its_place(krems, anna):
    assert json.loads((krems.var / "street.json").read_text())["zone"] == "Europe/Vienna"
    assert '"zone": "Europe/Vienna"' in anna.get("/").text


@pytest.mark.parametrize("domain", ["traffic", "lighting", "energy"])
def test_what_a_loop_commands_is_proved(krems, anna, domain):
    where = {"domain": domain, "state": "verified", "issuer": f"loop:{domain}"}
    rows: list[dict[str, Any]] = eventually(
        lambda: anna.get("/api/v1/commands/", params=where).json()["results"][:3], 600
    )
    assert [step["state"] for step in steps(anna, rows[0])][-3:] == ["sent", "applied", "verified"]


def test_every_junction_of_the_map_is_led_by_the_centre(krems, anna):
    junctions = {device["uid"] for device in devices(krems) if device["kind"] == "intersection"}
    led: set[str] = set()

    def all_led() -> bool:
        for uid in junctions - led:
            series = anna.get(f"/api/v1/assets/{uid}").json()["series"]
            source = next(row["latest"] for row in series if row["metric"] == "traffic.control_source")
            led.update({uid} if source and source["value"] == CENTRE else ())
        return led == junctions

    assert len(junctions) > 8
    eventually(all_led, 600)
    assert eventually(lambda: led_by_the_centre(anna), 240)


def test_a_round_of_the_trucks_is_proved_by_a_container_on_it(krems, anna):
    row: dict[str, Any] = eventually(lambda: verified(anna, "waste"), 1800)[0]
    assert row["point"] == "route" and row["measured"] is not None


def test_alarms_stay_calm_and_no_loop_has_failed(krems, anna):
    """Last: hours have been lived by then. What is broken on this street, the twin has broken on purpose."""
    alarms = anna.get("/api/v1/alarms/", params={"page_size": 500}).json()["results"]
    owned = Counter(device["domain"] for device in devices(krems))
    rules = (
        alarm["rule"] for alarm in alarms if alarm["rule"] != "waste.overfull"
    )  # true before the trucks were there
    rung = Counter(rule.partition(".")[0] for rule in rules)
    rung += Counter({"device": 0})
    assert {domain: rung[domain] for domain in DOMAINS if rung[domain] > max(2, FEW * owned[domain])} == {}, alarms
    assert rung["device"] <= FEW * sum(owned.values()), alarms
    assert not [alarm for alarm in alarms if alarm["rule"].startswith("energy.")], alarms
    health = anna.get("/api/v1/health").json()
    assert {name: loop["error"] for name, loop in health["loops"].items() if loop["error"]} == {}


def devices(krems: City) -> list[dict[str, Any]]:
    return list(json.loads((krems.var / "street.json").read_text())["devices"])
