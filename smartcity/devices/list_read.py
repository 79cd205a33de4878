# SPDX-License-Identifier: Apache-2.0
"""Rows of whatever GDAL reads (GeoPackage, Shapefile, GeoJSON, CSV, WFS) in any CRS, as places in degrees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.gis.gdal import CoordTransform, DataSource, GDALException, OGRGeometry, SpatialReference
from django.contrib.gis.gdal.feature import Feature
from django.contrib.gis.gdal.layer import Layer
from django.contrib.gis.geos import GeometryCollection
from django.utils.encoding import DjangoUnicodeDecodeError

from smartcity.devices.mapping import ListMapping
from smartcity.kernel.imports import LonLat

WGS84 = 4326


class BadList(Exception):
    """The list cannot be imported; the message says why and what to do, in one sentence."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the list (from 1), its columns, its place, or why it has none."""

    number: int
    columns: Mapping[str, Any]
    points: tuple[LonLat, ...]
    fault: str = ""


def read(file: str, mapping: ListMapping) -> list[Row]:
    """Every row of the list. Raises BadList."""
    if not file.upper().startswith("WFS:") and not Path(file).exists():
        raise BadList(f"{file} does not exist.")
    name = Path(file).name
    try:
        source = DataSource(file, encoding=mapping.encoding)
        layer = _layer(source, mapping.layer, name)
        _refuse_missing_columns(layer, mapping, name)
        to_degrees = _to_degrees(layer, mapping, name)
        return [_row(number, feature, mapping, to_degrees) for number, feature in enumerate(layer, start=1)]
    except (DjangoUnicodeDecodeError, LookupError) as error:
        raise BadList(f"{name} is not written in {mapping.encoding} ({error}); name its encoding.") from None
    except GDALException as error:
        raise BadList(f"{name} cannot be read as a list of places ({error}).") from None


def _layer(source: DataSource, wanted: str, name: str) -> Layer:
    titles = [source[i].name for i in range(source.layer_count)]
    if wanted and wanted not in titles:
        raise BadList(f"{name} has no layer {wanted!r}; it has {', '.join(titles)}.")
    if not wanted and len(titles) > 1:
        raise BadList(f"{name} has the layers {', '.join(titles)}; name one in the mapping.")
    if not titles:
        raise BadList(f"{name} is empty.")
    return source[wanted or titles[0]]


def _refuse_missing_columns(layer: Layer, mapping: ListMapping, name: str) -> None:
    if missing := sorted(mapping.columns() - set(layer.fields)):
        raise BadList(f"{name} has no column {', '.join(missing)}; it has {', '.join(layer.fields)}.")


def _to_degrees(layer: Layer, mapping: ListMapping, name: str) -> CoordTransform:
    """From the CRS the mapping names, else the file's own; a table of numbers is in degrees unless it says so."""
    from_columns = bool(mapping.x or mapping.wkt)
    if mapping.crs:
        try:
            own = SpatialReference(mapping.crs)
        except GDALException:
            raise BadList(f"The mapping's crs {mapping.crs!r} is unknown; write it like EPSG:3879.") from None
    elif from_columns:
        own = SpatialReference(WGS84)
    else:
        found = layer.srs
        if found is None:
            raise BadList(f"{name} does not say in which CRS it is; name it in the mapping, like crs = 'EPSG:3879'.")
        own = found
    return CoordTransform(SpatialReference(own.wkt), SpatialReference(WGS84))


def _row(number: int, feature: Feature, mapping: ListMapping, to_degrees: CoordTransform) -> Row:
    columns = {name: feature.get(name) for name in mapping.columns()}
    try:
        shape = _shape(feature, columns, mapping)
        shape.transform(to_degrees)
        points = tuple(_points(shape))
    except (GDALException, ValueError, TypeError) as error:
        return Row(number, columns, (), str(error) or "has no usable place")
    return Row(number, columns, points, "" if points else "has no place")


def _shape(feature: Feature, columns: Mapping[str, Any], mapping: ListMapping) -> OGRGeometry:
    if mapping.x:
        x, y = columns[mapping.x], columns[mapping.y]
        if x in (None, "") or y in (None, ""):
            raise ValueError("has no place")
        return OGRGeometry(f"POINT ({float(str(x).replace(',', '.'))} {float(str(y).replace(',', '.'))})")
    if mapping.wkt:
        return OGRGeometry(str(columns[mapping.wkt]))
    try:
        shape: OGRGeometry = feature.geom.clone()
    except GDALException:
        raise ValueError("has no place") from None
    return shape


def _points(shape: OGRGeometry) -> Iterator[LonLat]:
    """A point, or the longest line; an area stands for its middle."""
    if shape.empty:
        return
    plain: Any = shape.geos
    if isinstance(plain, GeometryCollection):  # every Multi… is one
        plain = max(plain, key=lambda part: part.length)
    if plain.geom_type == "LineString":
        yield from ((point[0], point[1]) for point in plain.coords)
    elif plain.geom_type == "Polygon":
        middle = plain.point_on_surface
        yield middle.x, middle.y
    elif plain.geom_type == "Point":
        yield plain.x, plain.y
    else:
        raise ValueError(f"is a {plain.geom_type}, not a point, line or area")
