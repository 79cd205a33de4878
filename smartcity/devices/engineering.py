# SPDX-License-Identifier: Apache-2.0
"""Engineering data and the name that answers for them. What is signed stays in force until something else is signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Max, QuerySet

from smartcity import declared
from smartcity.api import audit
from smartcity.api.audit import Actor
from smartcity.devices.asset_writer import DEMO
from smartcity.devices.models import Asset, EngineeringRecord
from smartcity.devices.provisioning import Refused, Taken
from smartcity.kernel.engineering import differences

LONGEST = timedelta(days=3660)
MOST = 20_000


@transaction.atomic
def draw_up(
    asset: Asset, data: Mapping[str, Any], basis: str, by: Actor, *, after: int | None = None
) -> EngineeringRecord:
    """A new version that waits for a signature; the first of an asset is current at once, unsigned.

    With `after`, the version it was made from (0: none): raises Taken where another has been drawn up since.
    """
    newest = newest_version(asset)
    if after is not None and after != newest:
        raise Taken(f"Version {newest} has been drawn up meanwhile: load it, and make your changes to that one.")
    version = 1 + newest
    record = EngineeringRecord.objects.create(
        asset=asset, version=version, data=dict(data), basis=basis, is_current=version == 1
    )
    audit.record(by, "engineering data drawn up", asset.uid, after={"version": version, "data": data, "basis": basis})
    return record


def newest_version(asset: Asset) -> int:
    """0 where there is none."""
    newest = EngineeringRecord.objects.filter(asset=asset).aggregate(newest=Max("version"))["newest"]
    return int(newest or 0)


def changes(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What changed between two versions, in the words of the trade where it has some."""
    trade = declared.trades().get(kind)
    words = trade.words(old, new) if trade else None
    return differences(old, new) if words is None else words


@transaction.atomic
def sign(
    assets: QuerySet[Asset], until: datetime, reason: str, by: Actor, now: datetime, *, version: int | None = None
) -> list[str]:
    """Sign the newest version of each asset; returns the uids that changed. Raises Refused.

    Refused too where the trade finds errors in the data, and where the newest is not the `version` that was read.
    Four queries and one audit row, however many assets.
    """
    if not now < until <= now + LONGEST:
        raise Refused("A signature is valid until an instant in the future, ten years ahead at most.")
    if by.name == DEMO:
        raise Refused(f"{DEMO} is how a simulation signs; a person signs with a name of their own.")
    newest = _newest(assets)
    if len(newest) > MOST:
        raise Refused(f"At most {MOST:,} assets are signed at once; choose a zone or name them.")
    if not newest:
        raise Refused("None of these assets has engineering data to sign.")
    _check(newest, version)
    ids = [record.pk for record in newest]
    EngineeringRecord.objects.filter(asset__in=[record.asset_id for record in newest]).exclude(pk__in=ids).update(
        is_current=False
    )
    EngineeringRecord.objects.filter(pk__in=ids).update(
        is_current=True, signed_by=by.name, signed_at=now, valid_from=now, valid_until=until
    )
    _audit(by, "engineering data signed", newest, reason, {"valid_until": until})
    return [record.asset.uid for record in newest]


@transaction.atomic
def withdraw(assets: QuerySet[Asset], reason: str, by: Actor) -> list[str]:
    """Take the signature away: loops may only advise there from now on. Raises Refused."""
    found = EngineeringRecord.objects.filter(asset__in=assets.values("pk"), is_current=True).exclude(signed_by="")
    signed = list(found.select_related("asset").order_by("asset__uid")[: MOST + 1])
    if not signed or len(signed) > MOST:
        raise Refused("None of these assets has signed data." if not signed else f"At most {MOST:,} at once.")
    names = {record.signed_by for record in signed}
    found.update(signed_by="", signed_at=None, valid_from=None, valid_until=None)
    _audit(by, "engineering signature withdrawn", signed, reason, {"was_signed_by": sorted(names)})
    return [record.asset.uid for record in signed]


def _newest(assets: QuerySet[Asset]) -> list[EngineeringRecord]:
    """The highest version of each asset."""
    highest = EngineeringRecord.objects.annotate(newest=Max("asset__engineering__version"))
    found = highest.filter(asset__in=assets.values("pk"), version=F("newest"))
    return list(found.select_related("asset").order_by("asset__uid")[: MOST + 1])


def _check(newest: Sequence[EngineeringRecord], version: int | None) -> None:
    """Raises Refused with what keeps the data from being signed."""
    for record in newest:
        if version is not None and record.version != version:
            raise Refused(f"Version {record.version} is the newest of {record.asset.uid}, not the {version} you read.")
        trade = declared.trades().get(record.asset.kind)
        wrong = trade.why_not(record.data) if trade else []
        if wrong:
            more = f" And {len(wrong) - 3} more." if len(wrong) > 3 else ""
            raise Refused(f"{record.asset.uid} version {record.version} cannot be signed. {' '.join(wrong[:3])}{more}")


def _audit(
    by: Actor, action: str, records: Sequence[EngineeringRecord], reason: str, more: Mapping[str, object]
) -> None:
    """One row for the whole act, with every asset and version in it."""
    versions = {record.asset.uid: record.version for record in records}
    subject = records[0].asset.uid if len(records) == 1 else f"{len(records)} assets"
    audit.record(by, action, subject, after={"versions": versions, **more}, reason=reason)
