# SPDX-License-Identifier: Apache-2.0
"""DATEX II v3 (CEN/TS 16157): the table of measurement sites and what they measured, as XML.

One site is one approach; its indices are INDICES. Elements stand in the order of the schema of version 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from traffic.board import Section

SPACES = {
    "mc": "http://datex2.eu/schema/3/messageContainer",
    "ex": "http://datex2.eu/schema/3/exchangeInformation",
    "com": "http://datex2.eu/schema/3/common",
    "loc": "http://datex2.eu/schema/3/locationReferencing",
    "roa": "http://datex2.eu/schema/3/roadTrafficData",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
# index: metric, kind of data, its value's element, and the element of the number
INDICES = (
    ("traffic.flow", "trafficFlow", "TrafficFlow", "vehicleFlow", "vehicleFlowRate"),
    ("traffic.speed", "trafficSpeed", "TrafficSpeed", "averageVehicleSpeed", "speed"),
    ("traffic.occupancy", "trafficConcentration", "TrafficConcentration", "occupancy", "percentage"),
)
TABLE, VERSION = "approaches", "1"

for _prefix, _space in SPACES.items():
    register_namespace(_prefix, _space)


def name(text: str) -> str:
    """ElementTree's name of "prefix:local"."""
    prefix, _, local = text.partition(":")
    return f"{{{SPACES[prefix]}}}{local}"


def sites(found: Sequence[Section], *, city: str, country: str, at_ms: int, is_real: bool) -> bytes:
    """MeasurementSiteTablePublication."""
    root, payload = _publication("roa:MeasurementSiteTablePublication", city, country, at_ms)
    _header(payload, is_real)
    table = SubElement(payload, name("roa:measurementSiteTable"), {"id": TABLE, "version": VERSION})
    for one in found:
        site = SubElement(table, name("roa:measurementSite"), {"id": one.uid, "version": VERSION})
        _words(site, "roa:measurementSiteName", one.name)
        if one.lanes is not None:
            _text(site, "roa:measurementSiteNumberOfLanes", str(one.lanes))
        _text(site, "roa:measurementSiteIdentification", one.uid)
        for index, (_, kind, *_rest) in enumerate(INDICES, start=1):
            outer = SubElement(site, name("roa:measurementSpecificCharacteristics"), {"index": str(index)})
            inner = SubElement(outer, name("roa:measurementSpecificCharacteristics"))
            _text(inner, "roa:specificMeasurementValueType", kind)
        _place(site, one)
    return _written(root)


def measured(found: Sequence[Section], *, city: str, country: str, at_ms: int, is_real: bool) -> bytes:
    """MeasuredDataPublication: what is fresh; a silent detector has no entry rather than an old one."""
    root, payload = _publication("roa:MeasuredDataPublication", city, country, at_ms)
    reference = {"id": TABLE, "version": VERSION, "targetClass": "roa:MeasurementSiteTable"}
    SubElement(payload, name("roa:measurementSiteTableReference"), reference)
    _header(payload, is_real)
    for one in found:
        fresh = [(index, *row) for index, row in enumerate(INDICES, start=1) if row[0] in one.readings]
        if fresh:
            _measurements(payload, one, fresh)
    return _written(root)


def _measurements(payload: Element, one: Section, fresh: Sequence[tuple[int, str, str, str, str, str]]) -> None:
    site = SubElement(payload, name("roa:siteMeasurements"))
    reference = {"id": one.uid, "version": VERSION, "targetClass": "roa:MeasurementSite"}
    SubElement(site, name("roa:measurementSiteReference"), reference)
    for index, metric, _, kind, value, number in fresh:
        outer = SubElement(site, name("roa:physicalQuantity"), {"index": str(index)})
        inner = SubElement(outer, name("roa:physicalQuantity"), {name("xsi:type"): "roa:SinglePhysicalQuantity"})
        data = SubElement(inner, name("roa:basicData"), {name("xsi:type"): f"roa:{kind}"})
        figure = one.readings[metric][0]
        text = str(round(figure)) if number == "vehicleFlowRate" else f"{figure:.1f}"
        _text(SubElement(data, name(f"roa:{value}")), f"com:{number}", text)
    default = SubElement(site, name("roa:measurementTimeDefault"))
    _text(default, "roa:timeValue", _instant(max(one.readings[metric][1] for _, metric, *_ in fresh)))


def _publication(kind: str, city: str, country: str, at_ms: int) -> tuple[Element, Element]:
    root = Element(name("mc:messageContainer"), {"modelBaseVersion": "3"})
    payload = SubElement(root, name("mc:payload"), {name("xsi:type"): kind, "lang": "en"})
    _text(payload, "com:publicationTime", _instant(at_ms))
    creator = SubElement(payload, name("com:publicationCreator"))
    _text(creator, "com:country", country)
    _text(creator, "com:nationalIdentifier", city)
    return root, payload


def _header(payload: Element, is_real: bool) -> None:
    """What nobody measured on a real street is a test, in the schema's own word."""
    header = SubElement(payload, name("roa:headerInformation"))
    _text(header, "com:confidentiality", "noRestriction")
    _text(header, "com:informationStatus", "real" if is_real else "test")


def _place(site: Element, one: Section) -> None:
    place = SubElement(site, name("roa:measurementSiteLocation"), {name("xsi:type"): "loc:PointLocation"})
    point = SubElement(SubElement(place, name("loc:pointByCoordinates")), name("loc:pointCoordinates"))
    lon, lat = one.line[-1]
    _text(point, "loc:latitude", f"{lat:.6f}")
    _text(point, "loc:longitude", f"{lon:.6f}")


def _words(parent: Element, tag: str, text: str) -> None:
    values = SubElement(SubElement(parent, name(tag)), name("com:values"))
    SubElement(values, name("com:value"), {"lang": "en"}).text = text


def _text(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, name(tag)).text = text


def _instant(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _written(root: Element) -> bytes:
    """ElementTree writes only the prefixes of names, not those inside xsi:type: all are declared here."""
    for prefix in ("com", "loc", "roa"):
        if not any(name_.startswith(f"{{{SPACES[prefix]}}}") for name_ in (e.tag for e in root.iter())):
            root.set(f"xmlns:{prefix}", SPACES[prefix])
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written
