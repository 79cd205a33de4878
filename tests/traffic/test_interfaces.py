# SPDX-License-Identifier: Apache-2.0
"""SPaT, MAP and DATEX II as other systems read them."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from smartcity.devices.models import Device
from tests.traffic import test_junctions_api as shared
from tests.traffic.test_junctions_api import as_somebody, crossing, run_stages, say
from traffic.datex import SPACES

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(databases="__all__")]
now = shared.now
PATHS = ["spat", "spat/K-1", "map", "map/K-1", "datex/sites", "datex/measured"]


def report(now, **more):
    say("K-1", now, green_s=20, status=0, control_source=1, plan=0, next_stage=2, ends_in_s=2, **more)


def test_spat_says_what_is_green_and_keeps_what_it_said_of_the_last_seconds(client, now):
    crossing()
    run_stages("K-1", now)
    report(now, stage=1)
    client = as_somebody(client)
    [one] = client.get("/api/v1/traffic/spat/K-1").json()["intersections"]
    first = one["states"][0]["state-time-speed"][0]
    assert first["eventState"] == "protected-Movement-Allowed" and first["timing"]["confidence"] == 15
    say("K-1", now, ends_in_s=30)
    [again] = client.get("/api/v1/traffic/spat/K-1").json()["intersections"]
    assert again["states"][0]["state-time-speed"][0]["timing"] == first["timing"]
    listed = client.get("/api/v1/traffic/spat").json()
    assert listed["count"] == 1 and listed["intersections"][0]["asset"] == "K-1"


def test_a_map_names_lanes_ways_in_and_the_group_that_opens_each(client, now):
    crossing()
    found = as_somebody(client).get("/api/v1/traffic/map/K-1").json()["intersections"][0]
    lanes = found["laneSet"]
    assert [lane["connectsTo"][0]["signalGroup"] for lane in lanes] == [1, 4, 2, 5, 3, 6]
    assert {lane["ingressApproach"] for lane in lanes} == {1, 2, 3}
    assert all(len(lane["nodeList"]["nodes"]) >= 2 for lane in lanes)
    assert [sorted(lane["laneAttributes"]["laneType"]) for lane in lanes[:2]] == [["vehicle"], ["crosswalk"]]
    assert found["refPoint"] == {"lat": 602_000_000, "long": 249_000_000}


def test_a_way_out_is_a_lane_others_lead_to(client, now):
    crossing()
    crossing("K-2", lon=24.91)
    device = Device.objects.get(uid="K-1")
    device.announced["approaches"]["A-1"]["downstream"] = ["K-2.A-1"]
    device.save()
    lanes = as_somebody(client).get("/api/v1/traffic/map/K-1").json()["intersections"][0]["laneSet"]
    [out] = [lane for lane in lanes if "egressApproach" in lane]
    assert out["name"] == "K-2.A-1" and lanes[0]["connectsTo"] == [
        {"connectingLane": {"lane": out["laneID"]}, "signalGroup": 1}
    ]


def read(client, path):
    answer = client.get(f"/api/v1/traffic/datex/{path}")
    assert answer.status_code == 200 and answer["Content-Type"].startswith("application/xml")
    return ElementTree.fromstring(answer.content), answer


def test_datex_sites_and_what_they_measured_belong_together(client, now):
    crossing()
    say("A-1", now, flow=450, speed=18.24, occupancy=31.5)
    say("A-2", now - 10 * 60_000, flow=100)
    client = as_somebody(client)
    table, _ = read(client, "sites")
    sites = table.findall(".//roa:measurementSite", SPACES)
    assert [site.get("id") for site in sites] == ["A-1", "A-2", "A-3"]
    order = [child.tag.partition("}")[2] for child in sites[0]]
    assert order == [
        "measurementSiteName", "measurementSiteNumberOfLanes", "measurementSiteIdentification",
        *["measurementSpecificCharacteristics"] * 3, "measurementSiteLocation",
    ]  # fmt: skip
    kinds = [e.text for e in sites[0].findall(".//roa:specificMeasurementValueType", SPACES)]
    assert kinds == ["trafficFlow", "trafficSpeed", "trafficConcentration"]
    data, answer = read(client, "measured")
    [one] = data.findall(".//roa:siteMeasurements", SPACES)
    assert one[0].get("id") == "A-1" and [child.tag.partition("}")[2] for child in one][-1] == "measurementTimeDefault"
    assert [e.text for e in one.findall(".//roa:basicData/*/*", SPACES)] == ["450", "18.2", "31.5"]
    assert data.find(".//com:informationStatus", SPACES).text == "test" and answer["X-City-Mode"] == "SIMULATION"
    assert data.find(".//roa:timeValue", SPACES).text.endswith("Z")


def test_types_are_named_by_prefixes_that_are_declared(client, now):
    crossing(spoken=False)
    _, answer = read(as_somebody(client), "measured")
    head = answer.content.decode()
    assert 'type="roa:MeasuredDataPublication"' in head and 'xmlns:roa="http://datex2.eu/schema/3/' in head


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("domain", "zone"), [("waste", ""), ("traffic", "north")])
def test_whose_grants_lie_elsewhere_sees_nothing_of_it(client, now, path, domain, zone):
    crossing()
    run_stages("K-1", now)
    say("A-1", now, flow=450)
    text = as_somebody(client, domain, zone).get(f"/api/v1/traffic/{path}").content.decode()
    assert "K-1" not in text.replace("no junction K-1", "") and "A-1" not in text


@pytest.mark.parametrize("path", PATHS)
def test_nothing_here_can_be_written_to(client, now, path):
    crossing()
    assert as_somebody(client).post(f"/api/v1/traffic/{path}").status_code in (403, 405)
