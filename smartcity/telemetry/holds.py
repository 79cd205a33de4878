# SPDX-License-Identifier: Apache-2.0
"""Legal holds: set and lifted by name, with an audit entry each; what is in force is what retention asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from smartcity import domains
from smartcity.api.access import Scope
from smartcity.api.audit import Actor, record
from smartcity.api.views import ms
from smartcity.devices.models import LegalHold, Series, Zone
from smartcity.telemetry.held import EVER_MS, Hold


class BadHold(Exception):
    """It cannot be done as asked; the message says why, in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A hold to set. `series` are ids; `to_at` None holds until it is lifted."""

    owner: str
    reason: str
    from_at: datetime
    to_at: datetime | None = None
    domain: str = ""
    zone: str = ""
    series: Sequence[int] = field(default=())


def set_hold(wanted: Wanted, by: Actor, reach: Scope) -> LegalHold:
    """Raises BadHold, also where it would reach beyond the caller's."""
    _check(wanted)
    hold = LegalHold(**asdict(wanted) | {"series": sorted(set(wanted.series))}, set_by=by.name[:150])
    if not within(hold, reach):
        raise BadHold("Your grants do not reach as far as this hold.")
    with transaction.atomic():
        hold.save()
        record(by, "set legal hold", f"hold {hold.pk}", after=shape(hold), reason=wanted.reason)
    return hold


def lift(number: int, reason: str, by: Actor, reach: Scope) -> LegalHold:
    """What the hold has kept goes with the next retention. Raises BadHold."""
    hold = LegalHold.objects.filter(pk=number).first()
    if hold is None or not within(hold, reach):
        raise BadHold(f"There is no hold {number} that you may lift.")
    if not reason.strip():
        raise BadHold("Say why the hold is lifted.")
    before = shape(hold)
    with transaction.atomic():
        told = {"lifted_at": timezone.now(), "lifted_by": by.name[:150], "lifted_because": reason[:500]}
        if not LegalHold.objects.filter(pk=number, lifted_at=None).update(**told):
            raise BadHold(f"Hold {number} was lifted already, by {hold.lifted_by}.")
        hold.refresh_from_db()
        record(by, "lift legal hold", f"hold {number}", before=before, after=shape(hold), reason=reason)
    return hold


def within(hold: LegalHold, reach: Scope) -> bool:
    """Whether all that the hold is on lies within reach."""
    if not hold.series:
        return reach.allows(hold.domain, hold.zone)
    places = Series.objects.filter(pk__in=hold.series).values_list("device__asset__domain", "device__asset__zone__code")
    return all(reach.allows(domain, zone) for domain, zone in places) and (
        reach.allows("", "") or len(set(hold.series)) == len(places)
    )


def in_force() -> tuple[Hold, ...]:
    """Two queries, and one more for each hold that names something: where an asset stands is looked up anew."""
    return tuple(_resolved(hold) for hold in LegalHold.objects.filter(lifted_at=None).order_by("pk"))


def ask() -> tuple[tuple[Hold, ...], bool]:
    """What retention asks: the holds in force, and whether there ever was one (then what one has kept may be older
    than the last run, and everything must be looked at)."""
    return in_force(), LegalHold.objects.exists()


def shape(hold: LegalHold) -> dict[str, Any]:
    plain = {name: getattr(hold, name) for name in ("owner", "reason", "domain", "zone", "series", "set_by")}
    lifted = {name: getattr(hold, name) for name in ("lifted_by", "lifted_because")}
    instants = {name: ms(getattr(hold, f"{name}_at")) for name in ("from", "to", "lifted")}
    return {"id": hold.pk} | plain | instants | {"since": ms(hold.since)} | lifted


def _check(wanted: Wanted) -> None:
    if not (wanted.owner.strip() and wanted.reason.strip()):
        raise BadHold("A hold needs an owner who answers for it and a reason.")
    if wanted.to_at is not None and wanted.to_at <= wanted.from_at:
        raise BadHold("A hold must end after it begins.")
    if wanted.domain and wanted.domain not in {config.label for config in domains.installed()}:
        raise BadHold(f"There is no domain {wanted.domain}.")
    if wanted.zone and not Zone.objects.filter(code=wanted.zone).exists():
        raise BadHold(f"There is no zone {wanted.zone}.")
    missing = set(wanted.series) - set(Series.objects.filter(pk__in=wanted.series).values_list("pk", flat=True))
    if missing:
        raise BadHold(f"There is no series {min(missing)}.")


def _resolved(hold: LegalHold) -> Hold:
    """Series that have left the inventory since are held by their ids, which are never used again."""
    from_ms, to_ms = ms(hold.from_at) or 0, ms(hold.to_at) if hold.to_at else EVER_MS
    asked = {"device__asset__domain": hold.domain, "device__asset__zone__code": hold.zone, "pk__in": hold.series}
    asked = {name: value for name, value in asked.items() if value}
    if not asked:
        return Hold(hold.pk, from_ms, to_ms or EVER_MS)
    found = list(Series.objects.filter(**asked).values_list("pk", "device_id"))
    series = {pk for pk, _ in found} | ({*hold.series} if not hold.domain and not hold.zone else set())
    return Hold(hold.pk, from_ms, to_ms or EVER_MS, frozenset(series), frozenset(device for _, device in found))
