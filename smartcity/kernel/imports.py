# SPDX-License-Identifier: Apache-2.0
"""From a map to assets: what the importer hands to domains, and what they hand back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LonLat = tuple[float, float]


@dataclass(frozen=True, slots=True)
class MapNode:
    """A tagged OSM node."""

    id: int
    point: LonLat
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MapWay:
    """An OSM way clipped to the extract; `nodes` and `points` run in parallel.

    A multipolygon relation appears as its largest outer ring, with the relation's tags and its id negated.
    """

    id: int
    nodes: tuple[int, ...]
    points: tuple[LonLat, ...]
    tags: Mapping[str, str]

    @property
    def is_area(self) -> bool:
        return len(self.points) > 3 and self.points[0] == self.points[-1]


@dataclass(frozen=True, slots=True)
class Road:
    """One directed piece of the routable graph between two junction nodes; metres and metres per second.

    `drivable` means open to cars and inside the largest strongly connected part. `nodes` and `points` run in
    parallel, in the direction of travel.
    """

    way: int
    tail: int
    head: int
    points: tuple[LonLat, ...]
    length_m: float
    speed_ms: float
    name: str
    highway: str
    lanes: int
    drivable: bool
    tags: Mapping[str, str]
    nodes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """No way from a road of `from_way` over the node `via` into a road of `to_way`; equal ways forbid the U-turn."""

    from_way: int
    via: int
    to_way: int


@dataclass(frozen=True, slots=True)
class Town:
    """Everything an importer read from one extract."""

    name: str
    bounds: tuple[float, float, float, float]
    nodes: tuple[MapNode, ...]
    ways: tuple[MapWay, ...]
    roads: tuple[Road, ...]
    node_points: Mapping[int, LonLat]
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceDraft:
    """The device that speaks for a drafted asset: its codec, the metrics it sends, and hints for the twin."""

    codec: str
    metrics: tuple[str, ...]
    twin: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetDraft:
    """One asset a domain found on the map, or estimated.

    `external_id` is stable across imports (e.g. `osm:n123`); `prefix` starts its uid (`L` → `L-0417`);
    `parent` is the external_id of another draft; `fields` are columns of the domain's model for `kind`;
    `engineering` becomes an unsigned record (the demo's twin signs its own as `demo`); what no map knows is in it for
    the demo only, and a column of it is None, never a usual value.
    """

    kind: str
    prefix: str
    external_id: str
    name: str
    points: tuple[LonLat, ...]
    parent: str = ""
    estimated: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    engineering: Mapping[str, Any] = field(default_factory=dict)
    device: DeviceDraft | None = None
