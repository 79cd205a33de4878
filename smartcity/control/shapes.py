# SPDX-License-Identifier: Apache-2.0
"""How commands, modes, tags and overrides are written for people and other systems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from smartcity import declared
from smartcity.api.views import ms
from smartcity.control import arbiter, grants
from smartcity.control.models import Command, FastEvent, LockOut, LoopMode, Override, Transition
from smartcity.control.promises import in_words, promised
from smartcity.control.safety import LEASE
from smartcity.devices.models import Zone
from smartcity.kernel.control import Loop, Mode, Point, State

WORDS = {
    State.PROPOSED: "proposed, waits for approval",
    State.APPROVED: "approved",
    State.QUEUED: "requested",
    State.SENT: "sent",
    State.RECEIVED: "received by the device",
    State.APPLIED: "applied, effect not measured yet",
    State.VERIFIED: "effect confirmed",
    State.REFUSED: "refused",
    State.EXPIRED: "expired",
    State.FAILED: "effect not confirmed",
    State.SUPERSEDED: "replaced by a newer one",
    State.ROLLED_BACK: "rolled back",
}


def word(state: str, has_expectation: bool = True, note: str = "") -> str:
    """The state in words; what promises no measurable effect ends with the device's confirmation. While it is under
    way the note says how far it is: "sent, at next uplink, by 04:10".
    """
    if state == State.APPLIED and not has_expectation:
        return "confirmed by the device"
    if state == State.SENT and note:
        return f"{WORDS[State.SENT]}, {note}"
    return WORDS.get(State(state), state)


def point_of(kind: str, name: str) -> Point | None:
    return next((point for point in declared.points() if point.kind == kind and point.name == name), None)


def command(row: Command, with_transitions: bool = True) -> dict[str, Any]:
    """One command as the page and other systems read it; select asset and zone, prefetch transitions."""
    point = point_of(row.asset.kind, row.point) if row.asset else None
    title = _title(row)
    return {
        "id": str(row.pk),
        "asset": row.asset.uid if row.asset else None,
        "asset_name": row.asset.name if row.asset else "",
        "zone": row.zone.code if row.zone else None,
        "domain": row.domain,
        "point": row.point,
        "title": point.title if point else title,
        "value": row.value,
        "unit": point.unit if point else "",
        "state": row.state,
        "word": word(row.state, row.expect is not None, row.state_note),
        "state_note": row.state_note,
        "is_open": row.ended_at is None,
        "priority": arbiter.word(row.priority),
        "issuer": row.issuer,
        "issuer_word": issuer_word(row.issuer),
        "reason": row.reason,
        "alternative": row.alternative,
        "rests_on": row.rests_on,
        "expect": row.expect,
        "expected": in_words(promised(row.expect)) if row.expect else "",
        "measured": row.measured,
        "simulated": row.simulated,
        **{name: ms(getattr(row, name)) for name in ("created_at", "sent_at", "applied_at", "ended_at", "expires_at")},
        "transitions": [_step(row, step) for step in (row.transitions.all() if with_transitions else ())],
    }


def _title(row: Command) -> str:
    if row.point != LEASE:
        return row.point.replace("_", " ").capitalize()
    return "Return to local" if row.value == Mode.LOCAL else "Grant to a loop"


def _step(row: Command, step: Transition) -> dict[str, Any]:
    said = word(step.state, row.expect is not None)
    return {"state": step.state, "word": said, "at": ms(step.at), "note": step.note}


def issuer_word(issuer: str) -> str:
    """A loop by its title, a person by name."""
    kind, _, name = issuer.partition(":")
    loop = declared.loops().get(name) if kind == "loop" else None
    return loop.title if loop else issuer


def live_command(row: Command) -> dict[str, Any]:
    """What the live view tells about a command's step."""
    return {
        "id": str(row.pk),
        "asset": row.asset.uid if row.asset else None,
        "domain": row.domain,
        "zone": row.zone.code if row.zone else "",
        "point": row.point,
        "value": row.value,
        "state": row.state,
        "word": word(row.state, row.expect is not None, row.state_note),
        "reason": row.reason,
        "note": row.state_note,
        "at": ms(row.ended_at or row.applied_at or row.sent_at or row.created_at),
    }


def event(row: FastEvent) -> dict[str, Any]:
    """One line of the second-by-second log; select asset and its zone."""
    return {
        "id": row.pk,
        "at": ms(row.at),
        "asset": row.asset.uid,
        "domain": row.asset.domain,
        "zone": row.asset.zone.code,
        "point": row.point,
        "value": row.value,
        "outcome": row.outcome,
        "note": row.note,
    }


def mode(loop: Loop, zone: Zone, row: LoopMode | None, now: datetime, is_simulation: bool) -> dict[str, Any]:
    """One loop in one zone: the mode in force, in the trade's words."""
    if row is None:
        current = grants.by_default(loop, is_simulation)
    else:
        current = grants.in_force(loop, Mode(row.mode), row.until, now, is_simulation)
    is_granted = row is not None and current == row.mode
    return {
        "id": f"{loop.name}/{zone.code}",
        "loop": loop.name,
        "title": loop.title,
        "domain": loop.domain,
        "zone": zone.code,
        "group": zone.code,
        "group_name": zone.name,
        "mode": current.value,
        "word": grants.word(loop, current),
        "words": {m.value: grants.word(loop, m) for m in Mode},
        "since": ms(row.since) if row and is_granted else None,
        "until": ms(row.until) if row and is_granted else None,
        "set_by": row.set_by if row and is_granted else "default",
        "reason": row.reason if row and is_granted else "",
        "local_means": loop.local_means,
        "every_s": loop.every_s,
    }


def modes(zones: Iterable[Zone], now: datetime, is_simulation: bool) -> list[dict[str, Any]]:
    """Every loop in these zones; one query."""
    rows: Mapping[tuple[str, int], LoopMode] = {(row.loop, row.zone_id): row for row in LoopMode.objects.all()}
    loops = declared.loops().values()
    return [mode(loop, z, rows.get((loop.name, z.pk)), now, is_simulation) for z in zones for loop in loops]


def override(row: Override, user: Any) -> dict[str, Any]:
    point = point_of(row.asset.kind, row.point)
    return {
        "id": row.pk,
        "asset": row.asset.uid,
        "asset_name": row.asset.name,
        "domain": row.asset.domain,
        "point": row.point,
        "title": point.title if point else row.point,
        "value": row.value,
        "unit": point.unit if point else "",
        "owner": row.owner.get_username(),
        "mine": row.owner_id == user.pk,
        "reason": row.reason,
        "since": ms(row.since),
        "until": ms(row.until),
        "ended_at": ms(row.ended_at),
    }


def lockout(row: LockOut, user: Any) -> dict[str, Any]:
    return {
        "id": row.pk,
        "asset": row.asset.uid,
        "asset_name": row.asset.name,
        "domain": row.asset.domain,
        "owner": row.owner.get_username(),
        "mine": row.owner_id == user.pk,
        "reason": row.reason,
        "placed_at": ms(row.placed_at),
        "lifted_at": ms(row.lifted_at),
    }
