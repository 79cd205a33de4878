# SPDX-License-Identifier: Apache-2.0
"""What was set aside is tried again, after a codec was mended or a metric was set up. Readings stored twice are
harmless, so a replay may be broken off and begun again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from smartcity import declared
from smartcity.ingest import decoding, roster
from smartcity.ingest.courses import Courses
from smartcity.ingest.decoding import Tables
from smartcity.telemetry import cipher, held, holds, quarantine
from smartcity.telemetry.batch import Batch
from smartcity.telemetry.store import Store
from smartcity.transports.messages import Outcome, RawMessage

AT_ONCE = 500


@dataclass(slots=True)
class Replayed:
    """`tried` rows; of these `released` are sound now; `stored` readings are new. Of `without_body` nothing is left to
    try, or no key opens it; `held` are sound and stay, because a legal hold is on them."""

    tried: int = 0
    without_body: int = 0
    held: int = 0
    released: int = 0
    stored: int = 0


def replay(store: Store, rows: Sequence[dict[str, Any]], now_ms: int) -> Replayed:
    """Rows as `quarantine.rows` tells them. Those that are sound now leave quarantine unless they are held, the others
    stay as they are."""
    known = roster.load()
    store.book = known.book
    in_force = holds.in_force()
    tables, told = Tables(known, declared.codecs(), declared.metrics()), Replayed()
    for start in range(0, len(rows), AT_ONCE):
        opened = [(row, _body(row)) for row in rows[start : start + AT_ONCE]]
        pairs = [(row, body) for row, body in opened if body is not None]
        told.without_body += len(opened) - len(pairs)
        part = [row for row, _ in pairs]
        found = decoding.decode([_message(row, body) for row, body in pairs], tables, Courses())
        counts = {"messages.received": found.decoded, "messages.decoded": found.decoded}
        told.stored += store.write(
            Batch(now_ms=now_ms, readings=found.readings, logged=found.logged, counts=counts)
        ).stored
        still = set(found.from_message)
        sound = [row for n, row in enumerate(part) if n not in still]
        free = [row["id"] for row in sound if not held.keeps_message(in_force, row["device"], row["received_at"])]
        told.tried += len(part)
        told.held += len(sound) - len(free)
        told.released += quarantine.release(store.engine, free)
    return told


def _body(row: dict[str, Any]) -> bytes | None:
    try:
        return quarantine.body(row["payload"], row["encrypted"])
    except cipher.Locked:
        return None


def _message(row: dict[str, Any], body: bytes) -> RawMessage:
    """As it came in; the name of the codec comes from the device, which may have another by now."""
    kind = cast(Any, {"bad ack": "ack", "bad hello": "hello"}.get(row["kind"], "up"))
    return RawMessage(row["uid"], kind, body, row["received_at"], row["transport"], _unheard)


def _unheard(outcome: Outcome) -> None:
    """Its device was answered long ago."""
