# SPDX-License-Identifier: Apache-2.0
"""The one place that decides who may do what where: action x domain x zone, for REST, WebSocket, tiles and exports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from smartcity.api.models import Grant

Action = Grant.Action


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an action is allowed: (domain, zone) pairs, an empty string meaning all."""

    pairs: frozenset[tuple[str, str]]

    def allows(self, domain: str, zone: str) -> bool:
        return any(d in ("", domain) and z in ("", zone) for d, z in self.pairs)

    def touches(self, domain: str) -> bool:
        """Whether anything at all of the domain is within reach."""
        return any(d in ("", domain) for d, _ in self.pairs)

    @property
    def is_empty(self) -> bool:
        return not self.pairs

    def where(self, domain: str = "domain", zone: str = "zone__code") -> Q:
        """The scope as a filter over the named lookups; matches nothing when empty."""
        found = Q(pk__in=[])
        for d, z in self.pairs:
            found |= Q(**{k: v for k, v in ((domain, d), (zone, z)) if v}) if d or z else ~Q(pk__in=[])
        return found


EVERYWHERE = Scope(frozenset({("", "")}))
NOWHERE = Scope(frozenset())


def scope(user: Any, action: str) -> Scope:
    """One query. Superusers may act everywhere; the inactive and the anonymous nowhere."""
    if not user.is_authenticated or not user.is_active:
        return NOWHERE
    if user.is_superuser:
        return EVERYWHERE
    mine = Q(user=user) | Q(group__user=user)
    return Scope(frozenset(Grant.objects.filter(mine, action=action).values_list("domain", "zone")))


class MayAct(BasePermission):
    """A view names the action each method needs in `needs`; a view that names none is closed to everybody.

    It then narrows its queryset with `scope(request.user, action).where()`; objects outside it answer 404.
    """

    message = "Your account has no grant for this action. An administrator can give one."

    def has_permission(self, request: Request, view: Any) -> bool:
        method = "GET" if request.method in ("HEAD", "OPTIONS") else request.method
        action = getattr(view, "needs", {}).get(method, "")
        return bool(action) and not scope(request.user, action).is_empty
