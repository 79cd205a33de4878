# SPDX-License-Identifier: Apache-2.0
"""A city's own list becomes assets: compared, written in short transactions, then its missing ones marked."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.gis.geos import Point
from django.db import transaction
from django.utils import timezone

from smartcity.api import audit
from smartcity.devices import import_lock, list_read, plan
from smartcity.devices.asset_writer import Run, Writer
from smartcity.devices.list_read import BadList, Row
from smartcity.devices.mapping import ListMapping
from smartcity.devices.models import Asset, CityImport, Zone
from smartcity.devices.plan import Planned
from smartcity.kernel import geo
from smartcity.kernel.imports import AssetDraft, DeviceDraft, LonLat

FAR_M = 50_000
SHOWN = 10
CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """What would become of one row: `what` is added, changed or unchanged; `columns` are those that differ."""

    what: str
    external_id: str
    uid: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A list beside the city. `missing` and `replaced` are uids of assets that would be marked missing."""

    planned: Sequence[Planned]
    changes: Sequence[Change]
    missing: Sequence[str]
    replaced: Sequence[str]
    skipped: Sequence[str]

    @property
    def counts(self) -> Counter[str]:
        found = Counter(change.what for change in self.changes)
        found.update(missing=len(self.missing), replaced=len(self.replaced), skipped=len(self.skipped))
        return found


def settled(source: str) -> set[tuple[str, str]]:
    """(domain, kind) for which a list said that it replaces what comes from `source`."""
    summaries = CityImport.objects.exclude(finished_at=None).values_list("summary", flat=True)
    return {(s["domain"], s["kind"]) for s in summaries if source in s.get("replaces", ())}


def compare(file: str, mapping: ListMapping, *, skip: bool = False) -> Comparison:
    """Read and check the whole list; nothing is written. Raises BadList or plan.BadDraft."""
    rows = list_read.read(file, mapping)
    drafts, faults, spared = _drafts(rows, mapping)
    if faults and not skip:
        more = f" (and {len(faults) - SHOWN} more)" if len(faults) > SHOWN else ""
        raise BadList(f"{'; '.join(faults[:SHOWN])}{more}. Correct them, or leave such rows out with --skip.")
    if not drafts:
        raise BadList(f"{Path(file).name} holds no usable row.")
    _refuse_far_away(drafts, file)
    parents = _parents(mapping)
    planned = plan.checked(mapping.domain, drafts, parents)
    found = _writer(mapping, 0).preview(mapping.domain, planned, parents)
    standing = Asset.objects.filter(domain=mapping.domain, kind=mapping.kind, missing_since=None).order_by("uid")
    seen = {draft.external_id for draft in drafts} | spared
    own = standing.filter(source=mapping.source).values_list("external_id", "uid")
    return Comparison(
        planned,
        [_change(*item) for item in found],
        [uid for ref, uid in own if ref not in seen],
        list(standing.filter(source__in=mapping.replaces).values_list("uid", flat=True)),
        faults,
    )


def import_list(
    file: str, mapping: ListMapping, *, by: str, skip: bool = False, replace: bool = False, say: Callable[[str], None]
) -> Comparison:
    """Raises BadList, plan.BadDraft or import_lock.Busy before anything is changed."""
    with import_lock.alone():
        found = compare(file, mapping, skip=skip)
        _refuse_another_list(found, file, replace)
        path = Path(file)
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        record = CityImport.objects.create(source=path.name[:200], sha256=digest)
        writer = _writer(mapping, record.pk)
        say(f"Writing {len(found.planned):,} assets")
        writer.write(mapping.domain, found.planned, _parents(mapping))
        _put_in_force(record, mapping, found, by)
        return found


def _drafts(rows: Sequence[Row], mapping: ListMapping) -> tuple[list[AssetDraft], list[str], set[str]]:
    """(drafts, faults by row, external_ids of faulty rows: those are not missing, only unreadable)."""
    drafts: dict[str, AssetDraft] = {}
    faults: list[str] = []
    spared: set[str] = set()
    for row in rows:
        ref = str(row.columns[mapping.external_id] or "").strip()
        fault = row.fault or ("" if ref else f"has no {mapping.external_id}")
        fault = fault or (f"{ref} stands in the list twice" if ref in drafts else "")
        if not fault:
            try:
                draft = _draft(row, ref, mapping)
                plan.checked(mapping.domain, [draft], {draft.parent})
                drafts[ref] = draft
                continue
            except ValueError as error:
                fault = str(error)
            except plan.BadDraft as error:
                fault = str(error).partition(": ")[2].rstrip(".") or str(error)
        faults.append(f"row {row.number}: {fault}")
        spared |= {ref} - {""} - drafts.keys()
    return list(drafts.values()), faults, spared


def _draft(row: Row, ref: str, mapping: ListMapping) -> AssetDraft:
    """Raises ValueError."""
    engineering = {name: _number(item.of(row.columns)) for name, item in mapping.engineering.items()}
    filled = {name: item.of(row.columns) for name, item in mapping.fields.items()}
    device = DeviceDraft(mapping.device.codec, mapping.device.metrics) if mapping.device else None
    return AssetDraft(
        kind=mapping.kind,
        prefix=mapping.prefix,
        external_id=ref,
        name=mapping.title(row.columns)[:200],
        points=row.points,
        parent=str(row.columns[mapping.parent] or "").strip() if mapping.parent else "",
        fields={name: value for name, value in filled.items() if value is not None},
        engineering={name: value for name, value in engineering.items() if value is not None},
        device=device,
    )


def _number(value: Any) -> Any:
    """Engineering data are computed with: a number a CSV wrote as text becomes one."""
    if not isinstance(value, str):
        return value
    try:
        return float(value) if "." in value else int(value)
    except ValueError:
        return value


def _refuse_far_away(drafts: Sequence[AssetDraft], file: str) -> None:
    """Places far from the city mean that the list is in another CRS than was thought."""
    west, south, east, north = _city_box() or (-180.0, -90.0, 180.0, 90.0)

    def off_m(point: LonLat) -> float:
        return geo.metres(point, (min(max(point[0], west), east), min(max(point[1], south), north)))

    nearest = min(drafts, key=lambda draft: off_m(draft.points[0]))
    if off_m(nearest.points[0]) > FAR_M:
        lon, lat = nearest.points[0]
        raise BadList(
            f"{Path(file).name} lies {off_m((lon, lat)) / 1000:,.0f} km from the city at its nearest (longitude "
            f"{lon:.4f}, latitude {lat:.4f}); name its CRS in the mapping, like crs = 'EPSG:3879'."
        )


def _city_box() -> tuple[float, float, float, float] | None:
    current = CityImport.objects.filter(is_current=True).first()
    if current is None:
        return None
    west, south, east, north = current.summary["bounds"]
    return west, south, east, north


def _parents(mapping: ListMapping) -> dict[str, int]:
    """Assets of the domain a row may name as its parent: by uid, and by external_id within the same source."""
    if not mapping.parent:
        return {}
    rows = Asset.objects.filter(domain=mapping.domain).values_list("pk", "uid", "source", "external_id")
    named = {uid: pk for pk, uid, _, _ in rows}
    return named | {ref: pk for pk, _, source, ref in rows if source == mapping.source and ref}


def _change(item: Planned, asset: Asset | None, columns: Sequence[str]) -> Change:
    if asset is None:
        return Change("added", item.draft.external_id, "", ())
    return Change("changed" if columns else "unchanged", item.draft.external_id, asset.uid, tuple(columns))


def _refuse_another_list(found: Comparison, file: str, replace: bool) -> None:
    have = len(found.missing) + found.counts["changed"] + found.counts["unchanged"]
    if len(found.missing) * 2 > have and not replace:
        raise BadList(
            f"{len(found.missing):,} of the {have:,} assets of this source are not in {Path(file).name}; nothing was "
            "changed. If that is right, say --replace and they are marked missing."
        )


def _writer(mapping: ListMapping, number: int) -> Writer:
    return Writer(Run(mapping.source, number, timezone.now(), False, _zone_finder()))


def _zone_finder() -> Callable[[LonLat], int]:
    """The zone a place lies in, else the nearest one; a city without zones gets its first when one is needed."""
    zones = list(Zone.objects.order_by("pk"))

    def find(place: LonLat) -> int:
        point = Point(*place, srid=4326)
        if not zones:
            zones.append(Zone.objects.create(code="centre", name="Centre"))
        return min(zones, key=lambda zone: zone.area.distance(point) if zone.area else float("inf")).pk

    return find


def _put_in_force(record: CityImport, mapping: ListMapping, found: Comparison, by: str) -> None:
    """The flip: what is not in the list is missing, what the list replaces gives way."""
    gone = [*found.missing, *found.replaced]
    now = timezone.now()
    with transaction.atomic():
        for start in range(0, len(gone), CHUNK):
            Asset.objects.filter(uid__in=gone[start : start + CHUNK]).update(missing_since=now)
        record.finished_at, record.summary = now, _summary(mapping, found)
        record.save()
        audit.record(audit.Actor(by), "list imported", record.source, after=record.summary)


def _summary(mapping: ListMapping, found: Comparison) -> Mapping[str, Any]:
    return {
        "list": mapping.source,
        "domain": mapping.domain,
        "kind": mapping.kind,
        "replaces": list(mapping.replaces),
        "counts": dict(found.counts),
    }
