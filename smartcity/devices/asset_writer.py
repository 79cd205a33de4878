# SPDX-License-Identifier: Apache-2.0
"""Planned assets become rows: new ones inserted, changed ones updated, none deleted; with devices, series and data."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.gis.geos import GEOSGeometry
from django.db.models import Max

from smartcity.devices import plan
from smartcity.devices.models import Asset, Device, EngineeringRecord, Series
from smartcity.devices.plan import Planned
from smartcity.devices.short_transactions import ShortTransactions
from smartcity.devices.uids import Numbering
from smartcity.kernel.imports import LonLat

DEMO = "demo"
DEMO_SIGNATURE = timedelta(days=3650)
IMPORTED, ESTIMATED = "import ", ", estimated by the demo's stated rules"
SHARED = ["name", "geom", "zone", "parent", "estimated", "missing_since", "import_number"]


@dataclass(frozen=True, slots=True)
class Run:
    """One import: what all its rows have in common. `zone_of` gives the zone's id for a place."""

    source: str
    number: int
    now: datetime
    demo: bool
    zone_of: Any


@dataclass(slots=True)
class Writer:
    """Writes one domain after the other; `counts` holds (domain, kind, what happened)."""

    run: Run
    numbering: Numbering = field(default_factory=Numbering)
    chunks: ShortTransactions = field(default_factory=ShortTransactions)
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def write(
        self, domain: str, planned: Sequence[Planned], parents: Mapping[str, int] | None = None
    ) -> dict[tuple[str, str], Asset]:
        """Every asset of the plan by (kind, external_id). Three queries to look, then chunks.

        `parents` gives ids of assets outside the plan, by the reference a draft may name as its parent.
        """
        known = self._known(domain, {item.model for item in planned})
        ids = {**(parents or {}), **{ref: asset.pk for (_, ref), asset in known.items()}}
        for depth in sorted({item.depth for item in planned}):
            level = [item for item in planned if item.depth == depth]
            self._update([(item, known[item.key]) for item in level if item.key in known], ids)
            new = [(item, self._fresh(item, ids)) for item in level if item.key not in known]
            self.chunks.run(new, self._insert)
            for item, asset in new:
                known[item.key] = asset
                ids.setdefault(item.draft.external_id, asset.pk)
        pairs = [(item, known[item.key]) for item in planned]
        self._devices(pairs)
        self._engineering(pairs)
        return known

    def preview(
        self, domain: str, planned: Sequence[Planned], parents: Mapping[str, int]
    ) -> list[tuple[Planned, Asset | None, list[str]]]:
        """Each of the plan with what stands for it now and the columns that differ. Nothing is written."""
        known = self._known(domain, {item.model for item in planned})
        ids = defaultdict(int, {**parents, **{ref: asset.pk for (_, ref), asset in known.items()}})
        found = []
        for item in planned:
            asset = known.get(item.key)
            values = self._values(item, ids) if asset else {}
            differ = [name for name, value in values.items() if not _is_same(getattr(asset, name), value)]
            found.append((item, asset, differ))
        return found

    def mark_missing(self, domains: Sequence[str]) -> None:
        """What this source once had and has no more. Estimates are not looked for outside the demo."""
        gone = Asset.objects.filter(source=self.run.source, domain__in=domains, missing_since=None).exclude(
            import_number=self.run.number
        )
        gone = gone if self.run.demo else gone.filter(estimated=False)
        for domain, kind in gone.values_list("domain", "kind"):
            self.counts[domain, kind, "missing"] += 1
        gone.update(missing_since=self.run.now)

    def _known(self, domain: str, models: set[type[Asset]]) -> dict[tuple[str, str], Asset]:
        rows = [
            row
            for model in models
            for row in model._default_manager.filter(source=self.run.source, domain=domain).exclude(external_id="")
        ]
        return {(row.kind, row.external_id): row for row in rows}

    def _values(self, item: Planned, ids: Mapping[str, int]) -> dict[str, Any]:
        draft = item.draft
        columns = {field.name: field for field in item.model._meta.local_concrete_fields}
        return {
            "name": draft.name,
            "geom": plan.geometry(draft.points),
            "zone_id": self.run.zone_of(middle(draft.points)),
            "parent_id": ids[draft.parent] if draft.parent else None,
            "estimated": draft.estimated,
            "missing_since": None,
            **{name: columns[name].to_python(value) for name, value in draft.fields.items()},
        }

    def _fresh(self, item: Planned, ids: Mapping[str, int]) -> Asset:
        return item.model(
            uid=self.numbering.next(item.draft.prefix),
            domain=item.domain,
            kind=item.draft.kind,
            source=self.run.source,
            external_id=item.draft.external_id,
            simulated=self.run.demo,
            import_number=self.run.number,
            **self._values(item, ids),
        )

    def _insert(self, chunk: Sequence[tuple[Planned, Asset]]) -> None:
        columns = [f for f in Asset._meta.local_concrete_fields if not f.primary_key]
        parents = Asset.objects.bulk_create(
            [Asset(**{f.attname: getattr(asset, f.attname) for f in columns}) for _, asset in chunk]
        )
        for (_, asset), parent in zip(chunk, parents, strict=True):
            asset.pk = asset.id = asset.asset_ptr_id = parent.pk  # type: ignore[attr-defined]
            asset._state.adding = False
        for model in {item.model for item, _ in chunk}:
            rows = [asset for item, asset in chunk if item.model is model]
            # bulk_create refuses models with a parent table; its own insert does not
            fields = model._meta.local_concrete_fields
            model._default_manager.all()._batched_insert(rows, fields, batch_size=None)  # type: ignore[attr-defined]
        for item, _ in chunk:
            self.counts[item.domain, item.draft.kind, "added"] += 1

    def _update(self, pairs: Sequence[tuple[Planned, Asset]], ids: Mapping[str, int]) -> None:
        changed: list[tuple[Planned, Asset]] = []
        same: list[int] = []
        for item, asset in pairs:
            asset.import_number = self.run.number
            is_changed = _assign(asset, self._values(item, ids))
            if is_changed:
                changed.append((item, asset))
            else:
                same.append(asset.pk)
            self.counts[item.domain, item.draft.kind, "changed" if is_changed else "unchanged"] += 1
        self.chunks.run(changed, self._save)
        self.chunks.run(same, lambda pks: _touch(pks, self.run.number))

    def _save(self, chunk: Sequence[tuple[Planned, Asset]]) -> None:
        for model in {item.model for item, _ in chunk}:
            rows = [asset for item, asset in chunk if item.model is model]
            model._default_manager.bulk_update(rows, [*SHARED, *plan.column_names(model)])

    def _devices(self, pairs: Sequence[tuple[Planned, Asset]]) -> None:
        """The devices and series the drafts ask for and the city does not have yet; existing ones stay as they are."""
        domain = pairs[0][0].domain if pairs else ""
        known = {device.asset_id: device for device in Device.objects.filter(asset__domain=domain).order_by("-pk")}
        have = set(Series.objects.filter(device__asset__domain=domain).values_list("device_id", "metric"))

        def write(chunk: Sequence[tuple[Planned, Asset]]) -> None:
            new = [
                Device(uid=asset.uid, asset_id=asset.pk, codec=item.draft.device.codec, simulated=self.run.demo)
                for item, asset in chunk
                if item.draft.device and asset.pk not in known
            ]
            known.update({device.asset_id: device for device in Device.objects.bulk_create(new)})
            wanted = [
                (known[asset.pk].pk, metric)
                for item, asset in chunk
                for metric in (item.draft.device.metrics if item.draft.device else ())
            ]
            Series.objects.bulk_create([Series(device_id=d, metric=m) for d, m in wanted if (d, m) not in have])

        def is_lacking(item: Planned, asset: Asset) -> bool:
            device = item.draft.device
            return device is not None and (
                asset.pk not in known or any((known[asset.pk].pk, metric) not in have for metric in device.metrics)
            )

        self.chunks.run([pair for pair in pairs if is_lacking(*pair)], write)

    def _engineering(self, pairs: Sequence[tuple[Planned, Asset]]) -> None:
        """A record where the data are new or differ; none stands for what the map does not say.

        What a person signed or drew up stays until a person signs anew.
        """
        domain = pairs[0][0].domain if pairs else ""
        current = {
            record.asset_id: record
            for record in EngineeringRecord.objects.filter(asset__domain=domain, is_current=True).annotate(
                newest=Max("asset__engineering__version")  # a draft may wait for its signature
            )
        }
        fresh, stale = [], []
        for item, asset in pairs:
            record = current.get(asset.pk)
            data = json.loads(json.dumps(dict(item.draft.engineering)))
            if data and (record is None or (record.data != data and record.signed_by in ("", DEMO))):
                fresh.append(self._record(asset, data, 1 + (record.newest if record else 0)))
            if not data and record is not None and not record.signed_by and record.basis.startswith(IMPORTED):
                stale.append(record.pk)
        self.chunks.run(fresh, _supersede)
        self.chunks.run(stale, _set_aside)

    def _record(self, asset: Asset, data: dict[str, Any], version: int) -> EngineeringRecord:
        basis = f"{IMPORTED}{self.run.number}"
        record = EngineeringRecord(asset_id=asset.pk, version=version, data=data, basis=basis)
        if self.run.demo:
            record.basis += ESTIMATED
            record.signed_by, record.signed_at = DEMO, self.run.now
            record.valid_from, record.valid_until = self.run.now - DEMO_SIGNATURE, self.run.now + DEMO_SIGNATURE
        return record


def middle(points: Sequence[LonLat]) -> LonLat:
    return points[len(points) // 2]


def _touch(pks: Sequence[int], number: int) -> None:
    Asset.objects.filter(pk__in=pks).update(import_number=number)


def _supersede(records: Sequence[EngineeringRecord]) -> None:
    EngineeringRecord.objects.filter(asset__in=[record.asset_id for record in records]).update(is_current=False)
    EngineeringRecord.objects.bulk_create(records)


def _set_aside(records: Sequence[int]) -> None:
    EngineeringRecord.objects.filter(pk__in=records).update(is_current=False)


def _assign(asset: Asset, values: Mapping[str, Any]) -> bool:
    """Set what differs; whether anything did."""
    different = False
    for name, value in values.items():
        if not _is_same(getattr(asset, name), value):
            setattr(asset, name, value)
            different = True
    return different


def _is_same(old: Any, new: Any) -> bool:
    if isinstance(new, GEOSGeometry):
        return isinstance(old, GEOSGeometry) and old.geom_type == new.geom_type and old.equals_exact(new, 1e-9)
    if isinstance(new, dict | list | tuple):
        return bool(old == json.loads(json.dumps(new)))
    return bool(old == new)
