# SPDX-License-Identifier: Apache-2.0
"""Which kinds of asset a loop commands, and what the trade calls many of one."""

from __future__ import annotations

from smartcity import declared
from smartcity.devices.models import Asset
from smartcity.kernel.control import Loop


def kinds(loop: Loop) -> tuple[str, ...]:
    """What the loop says, else every kind of its domain that has a point."""
    said = tuple(loop.extra.get("kinds", ()))
    return said or tuple(sorted(kind for domain, kind in _commanded() if domain == loop.domain))


def _commanded() -> set[tuple[str, str]]:
    """(domain, kind) of everything that may be commanded; a kind belongs to the domain whose assets have it."""
    wanted = {point.kind for point in declared.points()}
    return set(Asset.objects.filter(kind__in=wanted).values_list("domain", "kind").distinct())


def noun(loop: Loop | None, kind: str, count: int) -> str:
    """One junction, two junctions."""
    plain = kind.replace("_", " ")
    given = (loop.extra.get("noun") or {}) if loop else {}
    return plain if count == 1 else str(given.get(kind, f"{plain}s"))
