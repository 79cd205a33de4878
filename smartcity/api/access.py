# SPDX-License-Identifier: Apache-2.0
"""The one place that decides who may do what where: action x domain x zone, for REST, WebSocket, tiles and exports."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
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


def scopes(accounts: Collection[int], action: str) -> dict[int, Scope]:
    """The same for many accounts at once; one that is inactive or gone is left out. Four queries."""
    users = get_user_model()._default_manager.filter(pk__in=accounts, is_active=True)
    found: dict[int, set[tuple[str, str]]] = {pk: set() for pk in users.values_list("pk", flat=True)}
    for who in ("user", "group__user"):
        grants = Grant.objects.filter(**{f"{who}__in": found}, action=action)
        for pk, domain, zone in grants.values_list(who, "domain", "zone"):
            found[pk].add((domain, zone))
    everywhere = set(users.filter(is_superuser=True).values_list("pk", flat=True))
    return {pk: EVERYWHERE if pk in everywhere else Scope(frozenset(pairs)) for pk, pairs in found.items()}


class MayAct(BasePermission):
    """A view names the action each method needs in `needs`; a view that names none is closed to everybody.

    It then narrows its queryset with `scope(request.user, action).where()`; objects outside it answer 404.
    """

    message = "Your account has no grant for this action. An administrator can give one."

    def has_permission(self, request: Request, view: Any) -> bool:
        method = "GET" if request.method in ("HEAD", "OPTIONS") else request.method
        action = getattr(view, "needs", {}).get(method, "")
        return bool(action) and not scope(request.user, action).is_empty
