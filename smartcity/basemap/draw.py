# SPDX-License-Identifier: Apache-2.0
"""From an OpenStreetMap extract to one PMTiles file: layer `city`, attributes layer, kind, name; zoom 10 to 16."""

from __future__ import annotations

import bz2
import gzip
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import pyogrio
import shapely
from shapely.geometry import box as rectangle
from shapely.geometry.base import BaseGeometry

from smartcity.basemap import coast, features

PACKED: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open}
ORDER = ("land", "water", "park", "pier", "building", "rail", "tram", "road", "place")


@dataclass(slots=True)
class Drawing:
    """Columns of the one layer."""

    shapes: list[BaseGeometry] = field(default_factory=list)
    layers: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def add(self, shape: BaseGeometry, layer: str, kind: str, name: str = "") -> None:
        self.shapes.append(shape)
        self.layers.append(layer)
        self.kinds.append(kind)
        self.names.append(name)

    def sorted(self) -> tuple[Any, list[Any]]:
        """WKB and columns, bottom layer first, as the map paints them."""
        order = sorted(range(len(self.shapes)), key=lambda i: ORDER.index(self.layers[i]))
        columns = (self.layers, self.kinds, self.names)
        return shapely.to_wkb([self.shapes[i] for i in order]), [
            np.array([column[i] for i in order], dtype=object) for column in columns
        ]


def draw(source: Path, target: Path) -> int:
    """Write the base map beside `target` and put it in place; the number of features."""
    with _unpacked(source) as plain:
        drawing = _collect(plain)
    if not drawing.shapes:
        raise ValueError(f"{source.name} holds nothing to draw")
    shapes, columns = drawing.sorted()
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{os.getpid()}-part.pmtiles")
    try:
        pyogrio.raw.write(
            part,
            shapes,
            columns,
            ["layer", "kind", "name"],
            driver="PMTiles",
            layer="city",
            geometry_type="Unknown",
            crs="EPSG:4326",
            dataset_options={"MINZOOM": "10", "MAXZOOM": "16", "NAME": "city"},
        )
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return len(drawing.shapes)


@contextmanager
def _unpacked(source: Path) -> Iterator[Path]:
    """GDAL wants plain .osm or .osm.pbf."""
    if source.suffix not in PACKED:
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / source.stem
        with PACKED[source.suffix](source, "rb") as packed, plain.open("wb") as file:
            shutil.copyfileobj(packed, file)
        yield plain


def _collect(source: Path) -> Drawing:
    drawing, coastlines = Drawing(), []
    lines = list(_read(source, "lines"))
    for shape, tags in lines:
        if tags.get("natural") == "coastline":
            coastlines.append(shape)
        elif found := features.of_line(tags):
            drawing.add(shape, *found, tags.get("name", "") if found[0] == "road" else "")
    for shape, tags in _read(source, "points"):
        if found := features.of_point(tags):
            drawing.add(shape, *found, tags["name"])
    areas = list(_read(source, "multipolygons"))
    for shape, tags in areas:
        if found := features.of_area(tags):
            drawing.add(shape, *found)
    box = _box(source) or rectangle(*shapely.total_bounds([shape for shape, _ in lines + areas]))
    # islands are closed coastlines, which GDAL reads as areas
    islands = [shape for shape, tags in areas if tags.get("natural") == "coastline"]
    coastlines += [part.exterior for part in shapely.get_parts(islands)]
    land, sea = coast.land_and_sea(box, coastlines)
    for layer, shapes in (("land", land), ("water", sea)):
        for shape in shapes:
            drawing.add(shape, layer, "land" if layer == "land" else "sea")
    return drawing


def _read(source: Path, layer: str) -> Iterator[tuple[BaseGeometry, Mapping[str, str]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rings cut by the extract's edge
        meta, _, shapes, columns = pyogrio.raw.read(source, layer=layer)
    names = list(meta["fields"])
    for i, shape in enumerate(shapely.from_wkb(shapes, on_invalid="ignore")):
        tags = {name: column[i] for name, column in zip(names, columns, strict=True) if column[i]}
        if shape is not None and not shape.is_empty:
            yield shape, features.other_tags(tags.pop("other_tags", None)) | tags


def _box(source: Path) -> BaseGeometry | None:
    with osmium.io.Reader(str(source), osmium.osm.osm_entity_bits.NOTHING) as reader:
        box = reader.header().box()
    if not box.valid():
        return None
    return rectangle(box.bottom_left.lon, box.bottom_left.lat, box.top_right.lon, box.top_right.lat)
