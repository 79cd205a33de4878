# SPDX-License-Identifier: Apache-2.0
"""What every REST view shares: the action each method needs, the caller's reach, and how instants are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from smartcity.api.access import Action, Scope, scope

VIEW, OPERATE, CREW = Action.VIEW.value, Action.OPERATE.value, Action.CREW.value
CONFIGURE, PERSONAL, ADMINISTER = Action.CONFIGURE.value, Action.PERSONAL.value, Action.ADMINISTER.value
QUARANTINE, HOLD = Action.QUARANTINE.value, Action.HOLD.value

MILLISECONDS: Final = re.compile(r"-?[0-9]{1,15}")
NUMBER: Final = re.compile(r"[0-9]{1,19}")
EARLIEST_MS, LATEST_MS = -62_135_510_400_000, 253_402_214_400_000  # of the years 1 to 9999, a day left for any zone


class CityView(APIView):
    """A view that says which action each method needs and asks for the caller's reach with it."""

    needs: Mapping[str, str] = {"GET": VIEW}

    def initial(self, request: Request, *args: Any, **named: Any) -> None:
        super().initial(request, *args, **named)
        for name, text in [*request.query_params.items(), *named.items()]:
            if "\0" in str(text):
                raise ValidationError({name: "Nothing here has a name with a NUL in it."})  # PostgreSQL would refuse it

    def reach(self, request: Request) -> Scope:
        """Where the caller may take the action this method needs."""
        return scope(request.user, self.needs[request.method or "GET"])


def instant(text: str, name: str) -> int:
    """Milliseconds since 1970, from such a number or ISO 8601 with an offset. Raises ValidationError that says so."""
    found = int(text) if MILLISECONDS.fullmatch(text) else ms(_iso(text))
    if found is None or not EARLIEST_MS <= found <= LATEST_MS:
        raise ValidationError({name: "Write milliseconds since 1970 or ISO 8601 with an offset (2026-11-19T16:42Z)."})
    return found


def _iso(text: str) -> datetime | None:
    try:
        at = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def span(request: Request, now_ms: int, default_s: float, longest_s: float) -> tuple[int, int]:
    """`from` and `to` of the query in milliseconds; by default the last `default_s` seconds."""
    to_ms = instant(request.query_params["to"], "to") if "to" in request.query_params else now_ms
    default = to_ms - int(default_s * 1000)
    from_ms = instant(request.query_params["from"], "from") if "from" in request.query_params else default
    if not from_ms < to_ms <= from_ms + longest_s * 1000:
        raise ValidationError({"from": f"The span must be positive and at most {longest_s / 86400:.0f} days."})
    return from_ms, to_ms


def whole(request: Request, name: str, default: int, most: int) -> int:
    """A positive whole number of the query, capped at `most`."""
    text = request.query_params.get(name, str(default))
    if not NUMBER.fullmatch(text) or int(text) < 1:
        raise ValidationError({name: "Write a positive whole number."})
    return min(int(text), most)


def moment(at_ms: int) -> datetime:
    """Aware UTC from milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def ms(at: datetime | None) -> int | None:
    """Milliseconds from an aware instant; None stays None."""
    return None if at is None else int(at.timestamp() * 1000)
