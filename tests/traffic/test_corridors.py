# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.traffic import test_junctions_api as shared
from tests.traffic.build import programme
from tests.traffic.test_junctions_api import as_somebody, crossing, run_stages
from traffic.corridors import Place, bands, find, greens, stages_along

now = shared.now


def places(*lons, street="Main"):
    return [Place(f"K-{number}", (lon, 60.2), (street, f"Side {number}")) for number, lon in enumerate(lons, start=1)]


def test_signals_of_a_street_stand_in_their_order_with_their_distances():
    [one] = find([places(24.91, 24.9, 24.905)[n] for n in (2, 0, 1)])
    assert (one.key, one.uids) == ("main", ("K-2", "K-3", "K-1"))
    assert one.at_m[1] == pytest.approx(276, abs=3) and one.at_m[2] == pytest.approx(553, abs=5)
    assert one.bearing == pytest.approx(90, abs=1)


def test_two_signals_or_a_long_gap_make_no_corridor():
    assert find(places(24.9, 24.905)) == []
    [one] = find(places(24.9, 24.905, 24.91, 24.95))
    assert one.uids == ("K-1", "K-2", "K-3")


def test_the_stages_of_a_way_are_those_that_serve_who_heads_along_it():
    headings = {"A-1": 90.0, "A-2": 270.0, "A-3": 0.0}
    assert stages_along(programme().announced(), headings, 80.0) == {1}
    assert stages_along(programme().announced(), headings, 10.0) == {2}


def test_greens_are_joined_and_silence_is_not_green():
    course = [(0, 1), (5000, 1), (10_000, 0), (15_000, 2), (40_000, 1)]
    assert greens(course, frozenset({1}), 300_000, 30_000) == [(0, 10_000), (40_000, 70_000)]


def test_a_band_is_what_meets_green_everywhere_at_the_design_speed():
    first, second, third = [(0, 30_000)], [(25_000, 45_000)], [(40_000, 90_000)]
    rows = [(0.0, first), (200.0, second), (400.0, third)]
    assert bands(rows, 10.0) == [(5000, 25_000)]  # 20 s and 40 s later
    assert bands([rows[2], rows[1], rows[0]], 10.0) == []
    assert bands([], 10.0) == []


@pytest.mark.both_engines
@pytest.mark.django_db(databases="__all__")
def test_a_corridor_comes_with_its_greens_each_way_and_its_bands(client, now):
    for number, lon in enumerate((24.9, 24.905, 24.91), start=1):
        crossing(f"K-{number}", lon=lon, streets=("Main", f"Side {number}"))
        run_stages(f"K-{number}", now, 10)
    client = as_somebody(client)
    [listed] = client.get("/api/v1/traffic/corridors").json()["results"]
    assert (listed["key"], listed["junctions"]) == ("main", ["K-1", "K-2", "K-3"])
    found = client.get("/api/v1/traffic/corridors/main", {"speed_kmh": 100}).json()
    assert found["junctions"][0]["at_m"] == 0 and found["speed_kmh"] == 100
    assert all(len(row["out"]) >= 9 for row in found["junctions"])
    assert found["bands"]["out"] and all(a < b for a, b in found["bands"]["out"])
    assert client.get("/api/v1/traffic/corridors/nowhere").status_code == 404
    assert client.get("/api/v1/traffic/corridors/main", {"minutes": "x"}).status_code == 400


@pytest.mark.both_engines
@pytest.mark.django_db(databases="__all__")
def test_a_corridor_out_of_reach_is_not_there(client, now):
    for number, lon in enumerate((24.9, 24.905, 24.91), start=1):
        crossing(f"K-{number}", lon=lon, streets=("Main",))
    client = as_somebody(client, zone="north")
    assert client.get("/api/v1/traffic/corridors").json()["results"] == []
    assert client.get("/api/v1/traffic/corridors/main").status_code == 404
