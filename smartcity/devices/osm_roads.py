# SPDX-License-Identifier: Apache-2.0
"""What road tags mean: who may go where, how fast, on how many lanes (wiki.openstreetmap.org, one page a key)."""

from __future__ import annotations

import re
from collections.abc import Mapping

Tags = Mapping[str, str]

CAR_KMH = {
    "motorway": 100.0,
    "trunk": 80.0,
    "primary": 50.0,
    "secondary": 50.0,
    "tertiary": 50.0,
    "unclassified": 40.0,
    "residential": 30.0,
    "motorway_link": 60.0,
    "trunk_link": 50.0,
    "primary_link": 40.0,
    "secondary_link": 40.0,
    "tertiary_link": 40.0,
    "living_street": 20.0,
    "service": 20.0,
    "road": 30.0,
    "track": 15.0,
    "pedestrian": 10.0,
}
FOOT_KMH = {"footway": 5.0, "path": 5.0, "steps": 3.0, "cycleway": 15.0, "bridleway": 5.0}
ON_REQUEST = {"track", "pedestrian"}  # open to cars only where a tag says so
CLOSED = {"no", "private", "agricultural", "forestry", "emergency", "military", "psv", "bus"}
IMPLIED_KMH = {
    "urban": 50.0,
    "rural": 80.0,
    "trunk": 100.0,
    "motorway": 120.0,
    "living_street": 20.0,
    "walk": 7.0,
    "none": 130.0,
    "nsl_single": 96.56,
    "nsl_dual": 112.65,
    "nsl_restricted": 48.28,
}
UNITS_KMH = {"": 1.0, "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "mph": 1.609344, "knots": 1.852}
SPEED = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z/]*)")
WALL_KMH = 150.0


def is_road(tags: Tags) -> bool:
    """Whether people or vehicles move along this way (areas are crossed, not followed)."""
    return (tags.get("highway") in CAR_KMH or tags.get("highway") in FOOT_KMH) and tags.get("area") != "yes"


def is_open_to_cars(tags: Tags) -> bool:
    """The most specific access tag decides; reversible lanes have no direction we could promise."""
    highway = tags.get("highway", "")
    if highway not in CAR_KMH or tags.get("oneway") in {"reversible", "alternating"}:
        return False
    for key in ("motorcar", "motor_vehicle", "vehicle", "access"):
        if key in tags:
            return not {part.strip() for part in tags[key].split(";")} <= CLOSED
    return highway not in ON_REQUEST


def directions(tags: Tags) -> tuple[bool, bool]:
    """Open to cars (along the way, against it). Roundabouts and motorways are one-way unless tagged otherwise."""
    oneway = tags.get("oneway:motor_vehicle", tags.get("oneway", ""))
    if oneway in {"yes", "true", "1"}:
        return True, False
    if oneway in {"-1", "reverse"}:
        return False, True
    implied = tags.get("junction") in {"roundabout", "circular"} or tags.get("highway") in {"motorway", "motorway_link"}
    return True, oneway in {"no", "false", "0"} or not implied


def kmh(value: str) -> float | None:
    """`50`, `30 mph`, `FI:urban`, `DE:zone:30`, `walk`; of several the lowest; None where it says nothing usable."""
    found = [speed for part in value.lower().split(";") if (speed := _one_speed(part.strip())) is not None]
    return min(found) if found else None


def _one_speed(value: str) -> float | None:
    word = value.rpartition(":")[2].removeprefix("zone")
    if word in IMPLIED_KMH:
        return IMPLIED_KMH[word]
    match = SPEED.fullmatch(word.strip())
    if not match or match[2] not in UNITS_KMH:
        return None
    speed = float(match[1]) * UNITS_KMH[match[2]]
    return speed if 0 < speed <= WALL_KMH else None


def speed_ms(tags: Tags, *, forward: bool) -> float:
    """Metres per second allowed, else usual for the class of road."""
    side = "forward" if forward else "backward"
    for key in (f"maxspeed:{side}", "maxspeed", "zone:maxspeed", "maxspeed:type", "source:maxspeed"):
        speed = kmh(tags.get(key, ""))
        if speed is not None:
            return speed / 3.6
    highway = tags.get("highway", "")
    return CAR_KMH.get(highway, FOOT_KMH.get(highway, 5.0)) / 3.6


def lanes(tags: Tags, *, forward: bool) -> int:
    """Lanes in one direction; `lanes` counts both on a two-way road. At least one."""
    own = _whole(tags.get("lanes:forward" if forward else "lanes:backward", ""))
    both = all(directions(tags))
    total = _whole(tags.get("lanes", ""))
    return max(1, own or (total // 2 if both else total))


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 else 0
