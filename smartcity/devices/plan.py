# SPDX-License-Identifier: Apache-2.0
"""What an import wants to write, checked whole before the first row is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from django.apps import apps
from django.contrib.gis.geos import GEOSGeometry, LineString, Point
from django.core.exceptions import ValidationError

from smartcity import declared
from smartcity.devices.models import Asset
from smartcity.kernel.imports import AssetDraft, LonLat, Town

PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9]{0,7}")


class BadDraft(Exception):
    """A domain drafted what cannot be an asset; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A draft with the model that will hold it, and how many parents stand above it."""

    domain: str
    model: type[Asset]
    draft: AssetDraft
    depth: int

    @property
    def key(self) -> tuple[str, str]:
        return self.draft.kind, self.draft.external_id


def of_town(town: Town, *, demo: bool, settled: Collection[tuple[str, str]] = ()) -> dict[str, list[Planned]]:
    """Every domain's drafts, parents before children. What is estimated counts only in the demo.

    `settled` are the (domain, kind) for which the city has a list of its own: the map's are left out.
    """
    return {
        domain: checked(domain, _wanted(domain, draft(town, demo), demo, settled))
        for domain, draft in declared.drafters().items()
    }


def _wanted(
    domain: str, drafts: Sequence[AssetDraft], demo: bool, settled: Collection[tuple[str, str]]
) -> list[AssetDraft]:
    given_way = {d.external_id for d in drafts if (domain, d.kind) in settled}
    kept = [d for d in drafts if d.external_id not in given_way and (demo or not d.estimated)]
    return [replace(d, parent="") if d.parent in given_way else d for d in kept]


def checked(domain: str, drafts: Sequence[AssetDraft], elsewhere: Collection[str] = ()) -> list[Planned]:
    """The plan for one domain; parents may be drafts or references that stand `elsewhere`. Raises BadDraft."""
    depths = _depths(drafts, elsewhere)
    planned = [Planned(domain, model_of(domain, draft.kind), draft, depths[draft.external_id]) for draft in drafts]
    faults = [f"{p.draft.kind} {p.draft.external_id or p.draft.name}: {why}" for p in planned for why in _faults(p)]
    seen: defaultdict[tuple[str, str], int] = defaultdict(int)
    for item in planned:
        seen[item.key] += 1
    faults += [f"{kind} {ref}: drafted {n} times" for (kind, ref), n in seen.items() if n > 1]
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise BadDraft(f"{domain} drafted assets that cannot be: {'; '.join(faults[:3])}{more}.")
    return sorted(planned, key=lambda item: item.depth)


@cache
def model_of(domain: str, kind: str) -> type[Asset]:
    """The model of a kind: `street_light` is StreetLight. Raises BadDraft."""
    name = "".join(word.capitalize() for word in kind.split("_"))
    try:
        model = apps.get_model(domain, name)
    except LookupError:
        raise BadDraft(f"{domain} has no model {name} for the kind {kind!r}.") from None
    if not issubclass(model, Asset):
        raise BadDraft(f"{domain}.{name} does not inherit devices.models.Asset.")
    return model


def geometry(points: Sequence[LonLat]) -> GEOSGeometry:
    return Point(*points[0], srid=4326) if len(points) == 1 else LineString(*points, srid=4326)


def column_names(model: type[Asset]) -> list[str]:
    """The columns a domain added to Asset."""
    return [field.name for field in model._meta.local_concrete_fields if not field.primary_key]


def _depths(drafts: Sequence[AssetDraft], elsewhere: Collection[str]) -> Mapping[str, int]:
    """Drafted parents above each draft. Raises BadDraft for a parent nobody knows, or that is its own."""
    parents: dict[str, str] = {}
    for draft in drafts:
        parents.setdefault(draft.external_id, draft.parent)
    depths = {}
    for ref in parents:
        trail = [ref]
        while (above := parents[trail[-1]]) and above in parents:
            if above in trail:
                raise BadDraft(f"{above} is its own parent, over {' and '.join(trail)}.")
            trail.append(above)
        if above and above not in elsewhere:
            raise BadDraft(f"the parent {above} of {trail[-1]} was not drafted.")
        depths[ref] = len(trail) - 1
    return depths


def _faults(item: Planned) -> Iterator[str]:
    draft = item.draft
    if not PREFIX.fullmatch(draft.prefix):
        yield f"prefix {draft.prefix!r} is not one to eight letters or digits"
    if not draft.external_id or len(draft.external_id) > 120:
        yield "needs an external_id of at most 120 characters"
    if not draft.points or not all(-180 <= lon <= 180 and -90 <= lat <= 90 for lon, lat in draft.points):
        yield "has no place on Earth"
    if len(draft.name) > 200:
        yield "name is longer than 200 characters"
    if draft.device:
        if draft.device.codec not in declared.codecs():
            yield f"codec {draft.device.codec!r} is not declared"
        unknown = [metric for metric in draft.device.metrics if metric not in declared.metrics()]
        if unknown:
            yield f"metrics {', '.join(unknown)} are not declared"
    yield from _field_faults(item.model, draft)


def _field_faults(model: type[Asset], draft: AssetDraft) -> Iterator[str]:
    fields = {field.name: field for field in model._meta.local_concrete_fields if not field.primary_key}
    strangers = [name for name in draft.fields if name not in fields]
    if strangers:
        yield f"{model.__name__} has no column {', '.join(strangers)}"
        return
    filled = model(**draft.fields)
    for name, field in fields.items():
        if name in draft.fields:
            try:
                field.clean(draft.fields[name], filled)
            except ValidationError as error:
                yield f"{name}: {' '.join(error.messages)}"
        elif getattr(filled, field.attname) is None and not field.null:
            yield f"{name} is required"
