# SPDX-License-Identifier: Apache-2.0
"""A map becomes a city: everything is read and checked first, then written in short transactions, then put in force."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from django.contrib.gis.geos import MultiPolygon, Polygon
from django.db import transaction
from django.utils import timezone

from smartcity.api import audit
from smartcity.devices import (
    base_map,
    credentials,
    import_lock,
    inventory,
    osm_read,
    plan,
    road_writer,
    street,
    time_zone,
    zones,
)
from smartcity.devices.asset_writer import Run, Writer
from smartcity.devices.models import Asset, CityImport, Device, Zone
from smartcity.devices.osm_read import BadMap
from smartcity.devices.plan import Planned
from smartcity.devices.short_transactions import ShortTransactions
from smartcity.kernel.imports import Town

SOURCE = "osm"
Say = Callable[[str], None]
Plan = Mapping[str, Sequence[Planned]]
Known = Mapping[tuple[str, str], Asset]


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did; `counts` holds (domain, kind, added | changed | unchanged | missing)."""

    town: str
    roads: int
    drivable_km: float
    turns: int
    zones: int
    counts: Counter[tuple[str, str, str]]
    longest_transaction_s: float
    base_map: str


def import_city(path: Path, *, demo: bool, replace: bool = False, say: Say = print, by: str = "importcity") -> Report:
    """Raises BadMap or plan.BadDraft before anything is changed."""
    with import_lock.alone():
        say(f"Reading {path.name}")
        town = osm_read.read(path)
        say(f"{town.name}: {len(town.ways):,} ways, {len(town.nodes):,} tagged points, {len(town.roads):,} road pieces")
        settled = inventory.settled(SOURCE)
        planned = plan.of_town(town, demo=demo, settled=settled)
        _refuse_another_town(planned, settled, replace)
        record = CityImport.objects.create(source=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        with base_map.drawing(path) as drawing:
            writer, known = _write(town, planned, record, demo=demo, say=say)
            _put_in_force(record, town, writer, list(planned), by)
            say(f"Days and bills of this city are in {time_zone.learn()}")
            road_writer.remove_all_but(record.pk, writer.chunks)
            if demo:
                say("Writing the street for the twin")
                _write_street(path, town, planned, known)
            say("Drawing the base map")
            return _report(town, writer, base_map.put_in_place(drawing))


def _write(town: Town, planned: Plan, record: CityImport, *, demo: bool, say: Say) -> tuple[Writer, dict[str, Known]]:
    parts = zones.parts(town)
    zone_ids = _write_zones(parts)
    now = timezone.now()
    writer = Writer(Run(SOURCE, record.pk, now, demo, lambda point: zone_ids[zones.nearest(parts, point).code]))
    known: dict[str, Known] = {}
    for domain, items in planned.items():
        say(f"Writing {domain}: {len(items):,} assets")
        known[domain] = writer.write(domain, items)
    say(f"Writing {len(town.roads):,} road pieces")
    road_writer.write(town.roads, town.turns, record.pk, writer.chunks)
    return writer, known


def _refuse_another_town(planned: Plan, settled: Set[tuple[str, str]], replace: bool) -> None:
    """A valid map of the wrong place must not mark a whole city as missing."""
    standing = Asset.objects.filter(source=SOURCE, missing_since=None, estimated=False)
    have = {key for key in standing.values_list("domain", "kind", "external_id") if key[:2] not in settled}
    seen = {(domain, *item.key) for domain, items in planned.items() for item in items}
    if have and not have & seen and not replace:
        raise BadMap(
            f"None of the {len(have):,} assets the city has from its map is in this file; it seems to be another "
            "place, and only with --replace would it take the city's place."
        )


def _write_zones(parts: Sequence[zones.Part]) -> dict[str, int]:
    with transaction.atomic():
        Zone.objects.bulk_create(
            [Zone(code=p.code, name=p.name[:120], area=MultiPolygon(Polygon(p.ring), srid=4326)) for p in parts],
            update_conflicts=True,
            unique_fields=["code"],
            update_fields=["name", "area"],
        )
    return dict(Zone.objects.values_list("code", "pk"))


def _put_in_force(record: CityImport, town: Town, writer: Writer, domains: Sequence[str], by: str) -> None:
    """The flip: one transaction after which the new roads count and what was not seen is missing."""
    with transaction.atomic():
        writer.mark_missing(domains)
        CityImport.objects.filter(is_current=True).update(is_current=False)
        record.finished_at, record.is_current = timezone.now(), True
        record.summary = {
            "town": town.name,
            "bounds": town.bounds,
            "time_zone": time_zone.of_place(town.bounds),
            "roads": len(town.roads),
            "assets": [[*what, count] for what, count in sorted(writer.counts.items())],
        }
        record.save()
        audit.record(audit.Actor(by), "city imported", record.source, after=record.summary)


def _write_street(path: Path, town: Town, planned: Plan, known: Mapping[str, Known]) -> None:
    """Secrets of devices that keep theirs are kept; devices without a valid one get a new one."""
    held = street.secrets()
    rows = {device.asset_id: device for device in Device.objects.filter(simulated=True, retired_at=None)}
    entries, without, renewed = [], [], []
    for domain, items in planned.items():
        uids = {ref: asset.uid for (_, ref), asset in reversed(list(known[domain].items()))}
        for item in items:
            asset = known[domain][item.key]
            entry = street.entry(item, asset, uids.get(item.draft.parent, ""))
            device = rows.get(asset.pk)
            if device is None or item.draft.device is None:
                without.append(entry)
                continue
            secret = street.still_valid(device.uid, device.secret_sha256, held)
            if not secret:
                secret = credentials.new_secret()
                device.secret_sha256, device.secret_changed_at = credentials.digest(secret), timezone.now()
                renewed.append(device)
            entries.append(entry | {"uid": device.uid, "asset": asset.uid, "codec": device.codec, "secret": secret})
    street.write(entries, without, name=town.name, map_file=str(path.resolve()))
    ShortTransactions().run(renewed, _save_secrets)


def _save_secrets(devices: Sequence[Device]) -> None:
    Device.objects.bulk_update(devices, ["secret_sha256", "secret_changed_at"])


def _report(town: Town, writer: Writer, undrawn: str) -> Report:
    return Report(
        town=town.name,
        roads=len(town.roads),
        drivable_km=sum(road.length_m for road in town.roads if road.drivable) / 1000,
        turns=len(town.turns),
        zones=len(zones.parts(town)),
        counts=writer.counts,
        longest_transaction_s=writer.chunks.longest_s,
        base_map=undrawn,
    )
