# SPDX-License-Identifier: Apache-2.0
"""Return all to local: say where everything will land, do it, list who has confirmed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from smartcity import declared
from smartcity.api.access import EVERYWHERE, Scope
from smartcity.api.audit import Actor, record
from smartcity.control import lifecycle, releasing
from smartcity.control.instants import instant
from smartcity.control.kinds import kinds, noun
from smartcity.control.models import Command, LockOut, LoopMode, Override
from smartcity.control.refusals import Refused
from smartcity.devices.models import Asset, Zone
from smartcity.kernel.clock import clock
from smartcity.kernel.control import Loop, Mode, Priority, State


@dataclass(frozen=True, slots=True)
class Landing:
    """Where one kind of asset goes: "35 junctions to the local plan". `tagged` of them are locked out."""

    domain: str
    kind: str
    count: int
    tagged: int
    words: str


@dataclass(frozen=True, slots=True)
class Answer:
    asset: str
    name: str
    domain: str
    kind: str
    state: str
    note: str


@dataclass(frozen=True, slots=True)
class Report:
    """Who has confirmed being local, who has not answered yet, and who will not (with the reason)."""

    batch: str
    confirmed: tuple[Answer, ...]
    waiting: tuple[Answer, ...]
    failed: tuple[Answer, ...]

    @property
    def words(self) -> str:
        total = len(self.confirmed) + len(self.waiting) + len(self.failed)
        return f"{len(self.confirmed)} of {total} confirmed, {len(self.waiting)} waiting, {len(self.failed)} did not"


def preview(within: Scope = EVERYWHERE) -> list[Landing]:
    """What one press would do, per domain and kind. Two queries."""
    tagged = set(LockOut.objects.filter(lifted_at__isnull=True).values_list("asset__uid", flat=True))
    found: dict[tuple[str, str], list[str]] = {}
    for uid, domain, kind in _commandable(within):
        found.setdefault((domain, kind), []).append(uid)
    loops = _loops_by_kind()
    landings = []
    for (domain, kind), uids in sorted(found.items()):
        loop = loops.get((domain, kind))
        words = f"{len(uids)} {noun(loop, kind, len(uids))} to {loop.local_means if loop else 'the local programme'}"
        landings.append(Landing(domain, kind, len(uids), len(tagged & set(uids)), words))
    return landings


def overrides(within: Scope = EVERYWHERE) -> QuerySet[Override]:
    """What one press would end of what people hold by hand."""
    return Override.objects.filter(within.where("asset__domain", "asset__zone__code"), ended_at__isnull=True)


def _loops_by_kind() -> Mapping[tuple[str, str], Loop]:
    found: dict[tuple[str, str], Loop] = {}
    for loop in declared.loops().values():
        for kind in kinds(loop):
            found.setdefault((loop.domain, kind), loop)
    return found


def _commandable(within: Scope) -> list[tuple[str, str, str]]:
    wanted = {point.kind for point in declared.points()}
    wanted |= {kind for loop in declared.loops().values() for kind in loop.extra.get("kinds", ())}
    mine = Q(devices__retired_at__isnull=True, devices__simulated=clock.is_simulation)
    if not clock.is_simulation:
        mine &= Q(estimated=False)
    rows = Asset.objects.filter(mine, within.where(), kind__in=wanted, devices__isnull=False)
    return list(rows.values_list("uid", "domain", "kind").distinct())


def return_all_to_local(*, by: Actor, reason: str, now_ms: int, within: Scope = EVERYWHERE, key: str = "") -> str:
    """Every loop in reach to local, every override ended, every device told; the batch to ask `report` about.

    The same key of the same person is the same press: nothing is told twice.
    """
    if not reason.strip():
        raise Refused("Say why, so that the next shift knows.")
    batch = f"local-{(uuid.uuid5(uuid.NAMESPACE_OID, f'{by.name} {key}') if key else uuid.uuid4()).hex}"
    if key and Command.objects.filter(batch=batch).exists():
        return batch
    assets = _commandable(within)
    now = instant(now_ms)
    with transaction.atomic():
        modes = _all_local(by, reason, now, within)
        ended = overrides(within).update(ended_at=now, ended_by=by.name)
        standing = Command.objects.filter(released_at__isnull=True, expires_at__gt=now)
        leases = standing.filter(within.where(), asset__isnull=True)
        releasing.end_claims(list(leases.values_list("pk", flat=True)), now_ms, f"all to local by {by.name}")
        releasing.to_local(
            [uid for uid, _, _ in assets],
            now_ms=now_ms,
            reason=reason,
            issuer=by.name,
            priority=Priority.EMERGENCY,
            batch=batch,
        )
        after = {"assets": len(assets), "modes": modes, "overrides": ended, "batch": batch}
        record(by, "control.return_all_to_local", f"{len(assets)} assets", after=after, reason=reason)
    return batch


def _all_local(by: Actor, reason: str, now: Any, within: Scope) -> int:
    rows = [
        LoopMode(loop=loop.name, zone=zone, mode=Mode.LOCAL, set_by=by.name, reason=reason[:500], since=now)
        for zone in Zone.objects.all()
        for loop in declared.loops().values()
        if within.allows(loop.domain, zone.code)
    ]
    LoopMode.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["loop", "zone"],
        update_fields=["mode", "set_by", "reason", "since", "until"],
    )
    return len(rows)


def report(batch: str, within: Scope = EVERYWHERE) -> Report:
    """Who has confirmed so far, of those within reach; it fills up as devices answer."""
    mine = within.where("asset__domain", "asset__zone__code")
    rows = Command.objects.filter(mine, batch=batch, asset__isnull=False).select_related("asset").order_by("asset__uid")
    confirmed, waiting, failed = [], [], []
    for row in rows:
        assert row.asset is not None
        answer = Answer(row.asset.uid, row.asset.name, row.asset.domain, row.asset.kind, row.state, row.state_note)
        if row.state in (State.APPLIED, State.VERIFIED):
            confirmed.append(answer)
        elif row.state in lifecycle.ENDS:
            failed.append(answer)
        else:
            waiting.append(answer)
    return Report(batch, tuple(confirmed), tuple(waiting), tuple(failed))
