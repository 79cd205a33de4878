# SPDX-License-Identifier: Apache-2.0
"""Who leads: a row with an epoch, by the database's clock. A leader that was paused finds its epoch gone."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, Expression, ExpressionWrapper, F, Q
from django.db.models.functions import Now

from smartcity.control.models import Lease

CONTROL = "control"
UPKEEP = "upkeep"
FORECASTS = "forecasts"


class LostLeadership(Exception):
    """Another runner has taken over; nothing may be inserted or sent under the old epoch."""


def myself() -> str:
    """A name for this runner that no other shares."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def acquire(name: str, holder: str, ttl_s: float) -> int | None:
    """Take the lease when it is free or run out; the new epoch, or None while another holds it."""
    until = _in(ttl_s)
    free = Lease.objects.filter(name=name).filter(Q(expires__lte=Now()) | Q(holder=holder))
    with transaction.atomic():
        if not free.update(holder=holder, epoch=F("epoch") + 1, expires=until) and not _create(name, holder, ttl_s):
            return None
        return Lease.objects.filter(name=name, holder=holder).values_list("epoch", flat=True).first()


def _create(name: str, holder: str, ttl_s: float) -> bool:
    try:
        with transaction.atomic():
            _, is_new = Lease.objects.get_or_create(
                name=name, defaults={"holder": holder, "epoch": 1, "expires": _in(ttl_s)}
            )
        return is_new
    except IntegrityError:
        return False


def renew(name: str, epoch: int, ttl_s: float) -> bool:
    """Keep it; False when it has been lost, even if nobody has taken it yet."""
    return bool(Lease.objects.filter(name=name, epoch=epoch, expires__gt=Now()).update(expires=_in(ttl_s)))


def give_up(name: str, epoch: int) -> None:
    Lease.objects.filter(name=name, epoch=epoch).update(expires=Now())


def insist(name: str, epoch: int) -> None:
    """Inside the transaction that writes: raises LostLeadership unless this epoch leads until it commits.

    PostgreSQL locks the row, so a takeover waits for the commit; SQLite's write lock does the same.
    """
    leads = Lease.objects.select_for_update().filter(name=name, epoch=epoch, expires__gt=Now())
    if not leads.exists():
        raise LostLeadership(f"{name} epoch {epoch}")


class Held:
    """A lease kept by work that has no event loop: taken when it is free, renewed at each `keep`."""

    def __init__(self, name: str, ttl_s: float) -> None:
        self._name, self._ttl_s, self._holder = name, ttl_s, myself()
        self._epoch: int | None = None

    def keep(self) -> bool:
        """Whether it is ours from now for another `ttl_s`."""
        if self._epoch is None or not renew(self._name, self._epoch, self._ttl_s):
            self._epoch = acquire(self._name, self._holder, self._ttl_s)
        return self._epoch is not None

    def insist(self) -> None:
        """Inside the transaction that writes, which renews it too. Raises LostLeadership."""
        if self._epoch is None or not renew(self._name, self._epoch, self._ttl_s):
            raise LostLeadership(f"{self._name} epoch {self._epoch}")

    def give_up(self) -> None:
        if self._epoch is not None:
            give_up(self._name, self._epoch)
            self._epoch = None


def _in(seconds: float) -> Expression:
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())
