# SPDX-License-Identifier: Apache-2.0
"""One row per change, in the change's own transaction, and the same as a JSON line on stdout once it is committed."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from smartcity.api.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something and from where; a loop or command line has no address."""

    name: str
    address: str = ""
    request_id: str = ""


def actor(request: Any) -> Actor:
    """The actor behind a Django or DRF request."""
    plain = getattr(request, "_request", request)
    return Actor(request.user.get_username(), plain.META.get("REMOTE_ADDR", ""), getattr(plain, "id", ""))


def record(
    by: Actor, action: str, subject: str, *, before: Any = None, after: Any = None, reason: str = ""
) -> AuditEntry:
    """Write the row. Call it inside the transaction that makes the change."""
    entry = AuditEntry.objects.create(
        who=by.name[:150],
        address=by.address,
        request_id=by.request_id,
        action=action,
        subject=subject[:160],
        before=_plain(before),
        after=_plain(after),
        reason=reason[:500],
    )
    transaction.on_commit(lambda: _print(entry))
    return entry


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, cls=DjangoJSONEncoder))


def _print(entry: AuditEntry) -> None:
    line = {
        "audit": entry.pk,
        "at": entry.at,
        "who": entry.who,
        "from": entry.address,
        "action": entry.action,
        "subject": entry.subject,
        "before": entry.before,
        "after": entry.after,
        "reason": entry.reason,
        "request_id": entry.request_id,
    }
    sys.stdout.write(json.dumps(line, cls=DjangoJSONEncoder) + "\n")
