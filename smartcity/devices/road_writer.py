# SPDX-License-Identifier: Apache-2.0
"""The road graph of an import, written beside the one in force and then put in its place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.contrib.gis.geos import LineString
from django.db.models import Manager

from smartcity.devices import models
from smartcity.devices.short_transactions import ShortTransactions
from smartcity.kernel.imports import Road, Turn


def write(roads: Sequence[Road], turns: Sequence[Turn], number: int, chunks: ShortTransactions) -> None:
    def add_roads(chunk: Sequence[Road]) -> None:
        models.Road.objects.bulk_create([_road(road, number) for road in chunk])

    def add_turns(chunk: Sequence[Turn]) -> None:
        models.TurnRestriction.objects.bulk_create(
            models.TurnRestriction(from_way=t.from_way, via_node=t.via, to_way=t.to_way, import_number=number)
            for t in chunk
        )

    chunks.run(roads, add_roads)
    chunks.run(turns, add_turns)


def remove_all_but(number: int, chunks: ShortTransactions) -> None:
    """What earlier imports left, and what an interrupted one did."""
    for manager in (models.Road.objects, models.TurnRestriction.objects):
        stale = list(manager.exclude(import_number=number).values_list("pk", flat=True))
        chunks.run(stale, partial(_delete, manager))


def _delete(manager: Manager[Any], pks: Sequence[int]) -> None:
    manager.filter(pk__in=pks).delete()


def _road(road: Road, number: int) -> models.Road:
    return models.Road(
        way=road.way,
        tail=road.tail,
        head=road.head,
        name=road.name[:200],
        highway=road.highway[:40],
        length_m=road.length_m,
        speed_ms=road.speed_ms,
        lanes=road.lanes,
        drivable=road.drivable,
        geom=LineString(*road.points, srid=4326),
        import_number=number,
    )
