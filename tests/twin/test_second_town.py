# SPDX-License-Identifier: Apache-2.0
"""Another town than the demo's, by nothing but its map: imported, its signals found, hours lived, every loop decides.

It runs as a process in tests/embedded/test_second_town.py.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as given
from django.db import connections

from smartcity import declared
from smartcity.devices import base_map, importer, time_zone
from smartcity.devices.models import Asset
from smartcity.kernel.control import Setpoint
from smartcity.twin.backfill import backfill
from tests.krems import as_pbf, needs_krems
from tests.twin.test_backfill import TABLES

pytestmark = [needs_krems, pytest.mark.django_db(transaction=True, databases=["default", "telemetry"])]
EVENING_MS = 1_795_795_200_000  # Friday 27 November 2026, 17:00 in Krems: dark, and the hour of the highest price
MATCH = """
import sys
from pathlib import Path
from smartcity.twin import street as streets
from traffic.street import match, net
street = streets.read(Path(sys.argv[1]))
ours = [device for device in street.devices if device.kind == "intersection"]
network = net.read(net.build(Path(street.map_file), Path(sys.argv[2])))
print(len(ours), len(match.pairs(network, ours)))
"""


@pytest.fixture
def krems(tmp_path, settings, monkeypatch):
    settings.VAR, settings.CITY_TIME_ZONE = tmp_path, ""
    monkeypatch.setattr(time_zone, "_kept", "")
    monkeypatch.setattr(base_map, "drawing", lambda path: nullcontext())  # drawn in tests/devices/test_importer.py
    monkeypatch.setattr(base_map, "put_in_place", lambda drawing: "")
    importer.import_city(as_pbf(tmp_path), demo=True, say=lambda line: None)
    yield tmp_path
    with connections["telemetry"].cursor() as cursor:
        for name in TABLES:
            cursor.execute(f"DELETE FROM {name}")


@pytest.mark.needs_sumo
def test_a_second_town_lives_by_its_map_alone(krems):
    assert time_zone.city_zone() == ZoneInfo("Europe/Vienna")
    ours, matched = signals(krems)
    assert ours == matched == Asset.objects.filter(kind="intersection").count() > 8
    backfill(EVENING_MS, days=0.125, only=["traffic", "energy"])
    decided = {name: setpoints(loop) for name, loop in declared.loops().items()}
    assert set(decided) == {"traffic", "waste", "lighting", "energy"}
    for name in ("lighting", "energy"):
        assert decided[name], name
        uids = {setpoint.asset for setpoint in decided[name]}
        assert uids <= set(Asset.objects.filter(domain=name).values_list("uid", flat=True))


def signals(folder):
    """Intersections of the map, and how many of them the simulator's network has a signal for."""
    command = [sys.executable, "-c", MATCH, str(folder / "street.json"), str(folder)]
    done = subprocess.run(command, cwd=given.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return map(int, done.stdout.split()[-2:])


def setpoints(loop) -> list[Setpoint]:
    return list(loop.decide(loop.gather(EVENING_MS), loop.policy))
