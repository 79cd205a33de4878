# SPDX-License-Identifier: Apache-2.0
"""A list may come straight from a city's own map server (OGC WFS 1.1)."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from smartcity.devices import list_read
from smartcity.devices.mapping import ListMapping

NAMES = (
    'xmlns:gml="http://www.opengis.net/gml" xmlns:wfs="http://www.opengis.net/wfs" '
    'xmlns:ows="http://www.opengis.net/ows" xmlns:city="http://city.example"'
)
CAPABILITIES = f"""<wfs:WFS_Capabilities version="1.1.0" {NAMES}>
<wfs:FeatureTypeList><wfs:FeatureType><wfs:Name>city:lamps</wfs:Name><wfs:DefaultSRS>urn:ogc:def:crs:EPSG::3879
</wfs:DefaultSRS></wfs:FeatureType></wfs:FeatureTypeList></wfs:WFS_Capabilities>"""
SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:gml="http://www.opengis.net/gml"
 xmlns:city="http://city.example" targetNamespace="http://city.example" elementFormDefault="qualified">
<xs:import namespace="http://www.opengis.net/gml"/>
<xs:element name="lamps" type="city:lampsType" substitutionGroup="gml:_Feature"/>
<xs:complexType name="lampsType"><xs:complexContent><xs:extension base="gml:AbstractFeatureType"><xs:sequence>
<xs:element name="no" type="xs:string"/><xs:element name="place" type="gml:PointPropertyType"/>
</xs:sequence></xs:extension></xs:complexContent></xs:complexType></xs:schema>"""
FEATURES = f"""<wfs:FeatureCollection {NAMES} numberOfFeatures="1"><gml:featureMember><city:lamps gml:id="lamps.1">
<city:no>12</city:no><city:place><gml:Point srsName="urn:ogc:def:crs:EPSG::3879"><gml:pos>6673014.67 25496669.19
</gml:pos></gml:Point></city:place></city:lamps></gml:featureMember></wfs:FeatureCollection>"""
ANSWERS = {"getcapabilities": CAPABILITIES, "describefeaturetype": SCHEMA, "getfeature": FEATURES}


class MapServer(BaseHTTPRequestHandler):
    def do_GET(self):
        asked = {name.lower(): values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        body = ANSWERS[asked["request"].lower()].encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def address(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GDAL_HTTP_PROXY", "")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), MapServer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"WFS:http://127.0.0.1:{server.server_port}/wfs?service=WFS&version=1.1.0"
    server.shutdown()
    thread.join()
    server.server_close()


def lamps(**more):
    wanted = {"source": "map server", "domain": "lighting", "kind": "luminaire", "prefix": "L", "external_id": "no"}
    return ListMapping(**wanted | more)


def test_a_map_server_s_layer_is_read_in_its_own_crs(address):
    [row] = list_read.read(address, lamps())
    assert row.columns["no"] == "12" and row.points[0] == pytest.approx((24.94, 60.17), abs=1e-6)


def test_a_map_server_that_does_not_answer_gets_a_sentence():
    with pytest.raises(list_read.BadList, match="cannot be read"):
        list_read.read("WFS:http://127.0.0.1:9/wfs?service=WFS", lamps())
