# SPDX-License-Identifier: Apache-2.0
"""Where each series of a target stands in the city: the street it is on, its district, what it hangs from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from django.db.models import QuerySet
from scipy.spatial import KDTree

from smartcity.devices.models import Asset, CityImport, Road, Series
from smartcity.forecasting.tree import Leaf
from smartcity.kernel.forecasts import Target

DISTRICT, STREET = "district", "street"
EVERY_M, REACH_M = 15.0, 60.0
LAT_M = 111_200.0
NO_STREET = "off the streets"


def count(target: Target) -> int:
    """How many leaves there are. One query."""
    return _series(target).count()


def leaves(target: Target) -> list[Leaf]:
    """The series of a target, in order, each with the places that `target.adds_up` names. At most four queries."""
    series = list(_series(target).select_related("device__asset__zone").order_by("pk"))
    assets = [row.device.asset for row in series]
    streets = _streets(assets) if STREET in target.adds_up else [""] * len(assets)
    over = _over(assets) if set(target.adds_up) - {DISTRICT, STREET} else {}
    return [
        Leaf(row.pk, asset.name or asset.uid, asset.uid, asset.zone.code, _above(target, asset, street, over))
        for row, asset, street in zip(series, assets, streets, strict=True)
    ]


def _series(target: Target) -> QuerySet[Series]:
    rows = Series.objects.filter(metric=target.metric, device__retired_at=None, device__asset__missing_since=None)
    return rows.filter(device__asset__kind__in=target.kinds) if target.kinds else rows


def _above(
    target: Target, asset: Asset, street: str, over: Mapping[int, tuple[str, str, str, int | None]]
) -> tuple[tuple[str, str, str], ...]:
    """What is not known is left out: a meter without a transformer hangs from its feeder."""
    found = {DISTRICT: (asset.zone.code, asset.zone.name), STREET: (street, street)}
    up, seen = asset.parent_id, set[int]()
    while up is not None and up in over and up not in seen:
        seen.add(up)
        kind, uid, name, further = over[up]
        found[kind], up = (uid, name or uid), further
    return tuple((level, *found[level]) for level in target.adds_up if level in found)


def _over(assets: Sequence[Asset]) -> dict[int, tuple[str, str, str, int | None]]:
    """Kind, uid, name and parent of all that anything of these domains hangs from."""
    rows = Asset.objects.filter(domain__in={asset.domain for asset in assets}, children__isnull=False).distinct()
    return {pk: tuple(rest) for pk, *rest in rows.values_list("pk", "kind", "uid", "name", "parent_id")}  # type: ignore[misc]


def _streets(assets: Sequence[Asset]) -> list[str]:
    """The nearest named road of each, by the middle of a line or the centre of anything else."""
    tree, names, squeeze = _roads(CityImport.objects.order_by("-pk").values_list("pk", flat=True).first() or 0)
    if not assets or tree is None:
        return [NO_STREET] * len(assets)
    middles = [
        asset.geom.interpolate_normalized(0.5) if asset.geom.geom_type == "LineString" else asset.geom.centroid
        for asset in assets
    ]
    metres, at = (
        np.atleast_1d(found) for found in tree.query(np.array([(p.x * squeeze, p.y) for p in middles]) * LAT_M)
    )
    return [names[int(k)] if off <= REACH_M else NO_STREET for off, k in zip(metres, at, strict=True)]


@lru_cache(maxsize=1)
def _roads(number: int) -> tuple[KDTree | None, tuple[str, ...], float]:
    """Points every 15 m of the current named roads, in metres; read once an import."""
    points: list[npt.NDArray[np.float64]] = []
    names: list[str] = []
    roads = [(name, np.array(geom.coords)) for name, geom in Road.current.exclude(name="").values_list("name", "geom")]
    if not roads:
        return None, (), 1.0
    squeeze = float(np.cos(np.radians(roads[0][1][0, 1])))
    for name, line in roads:
        xy = line * [squeeze * LAT_M, LAT_M]
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
        at = np.arange(0.0, along[-1] + EVERY_M, EVERY_M)
        points.append(np.column_stack([np.interp(at, along, xy[:, 0]), np.interp(at, along, xy[:, 1])]))
        names += [name] * len(at)
    return KDTree(np.concatenate(points)), tuple(names), squeeze
