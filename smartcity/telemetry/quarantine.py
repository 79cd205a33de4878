# SPDX-License-Identifier: Apache-2.0
"""What could not be stored, with its body and the reason; so many a device, the rest counted or refused.

A body is written down encrypted, and only where it may be kept at all; of others its size and digest tell which it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from django.conf import settings

from smartcity.kernel import personal
from smartcity.telemetry import cipher
from smartcity.telemetry.batch import Quarantined
from smartcity.telemetry.buckets import UTC_DAY_MS
from smartcity.telemetry.engines import Engine

MOST_ROWS: Final = 100
MOST_BYTES: Final = 1_000_000
AT_ONCE: Final = 200  # bodies a step: some 20 ms
COLUMNS: Final = ("device", "uid", "received_at", "transport", "codec", "kind", "reason", "readings")
SHOWN: Final = ("id", *COLUMNS, "surplus", "size", "digest")
BODY: Final = ("payload", "encrypted")


@dataclass(frozen=True, slots=True)
class Plan:
    """Places in the given rows: to insert, to count on a row that is there, to refuse; and what devices hold then."""

    insert: list[int]
    count: list[int]
    refuse: tuple[int, ...]
    held: dict[int, tuple[int, int]]
    kinds: set[tuple[int, str]]


class Quarantine:
    """Knows how much each device has in quarantine. A first row of each kind always has a place.

    Over the cap, readings of a message that is otherwise sound are counted on the newest row of their kind (column
    `surplus`); a message that cannot be read at all is refused.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._held: dict[int, tuple[int, int]] = {}
        self._kinds: set[tuple[int, str]] = set()

    def load(self) -> None:
        kept = "sum(CASE WHEN length(payload) > 0 THEN size ELSE 0 END)"
        found = self.engine.rows(f"SELECT device, kind, count(*), {kept} FROM quarantine GROUP BY 1, 2")
        self._held, self._kinds = {}, {(device, kind) for device, kind, _, _ in found}
        for device, _, rows, size in found:
            had = self._held.get(device, (0, 0))
            self._held[device] = (had[0] + rows, had[1] + int(size))

    def plan(self, rows: Sequence[Quarantined]) -> Plan:
        held, kinds = dict[int, tuple[int, int]](), set[tuple[int, str]]()
        insert, count, refuse = list[int](), list[int](), list[int]()
        for place, row in enumerate(rows):
            many, size = held.get(row.device) or self._held.get(row.device, (0, 0))
            key = (row.device, row.kind)
            is_first = key not in self._kinds and key not in kinds
            more = len(row.payload) if row.keeps_body else 0
            if is_first or (many < MOST_ROWS and size + more <= MOST_BYTES):
                insert.append(place)
                held[row.device] = (many + 1, size + more)
                kinds.add(key)
            else:
                (count if row.readings else refuse).append(place)
        return Plan(insert, count, tuple(refuse), held, kinds)

    def write(self, rows: Sequence[Quarantined], plan: Plan) -> None:
        """Inside the batch's transaction; `remember` the plan after the commit."""
        chosen = [rows[place] for place in plan.insert]
        if chosen:
            columns = {name: [getattr(row, name) for row in chosen] for name in COLUMNS}
            self.engine.put("quarantine", columns | _bodies([(row.payload, row.keeps_body) for row in chosen]))
        for row in (rows[place] for place in plan.count):
            self.engine.run(
                "UPDATE quarantine SET surplus = surplus + ? "
                "WHERE id = (SELECT max(id) FROM quarantine WHERE device = ? AND kind = ?)",
                [row.readings, row.device, row.kind],
            )

    def remember(self, plan: Plan) -> None:
        self._held.update(plan.held)
        self._kinds |= plan.kinds


def _bodies(bodies: Sequence[tuple[bytes, bool]]) -> dict[str, list[Any]]:
    """Columns of what is written down of (body, whether it may be kept)."""
    return {
        "payload": [cipher.lock(body) if may_keep else b"" for body, may_keep in bodies],
        "size": [len(body) for body, _ in bodies],
        "digest": [sha256(body).hexdigest() for body, _ in bodies],
        "encrypted": [1] * len(bodies),
    }


def body(payload: bytes, encrypted: int) -> bytes | None:
    """The body of a row, from its columns BODY; None where it was not kept. Raises cipher.Locked."""
    if not payload:
        return None
    return cipher.unlock(bytes(payload)) if encrypted else bytes(payload)


def keep_ms() -> int:
    return int(settings.QUARANTINE_DAYS * UTC_DAY_MS)


def encrypt_some(engine: Engine) -> int:
    """Of the rows from before bodies were encrypted; how many were done. Nothing is done without a key."""
    found = engine.rows("SELECT id, payload FROM quarantine WHERE encrypted = 0 LIMIT ?", [AT_ONCE])
    if not found or cipher.keys() is None:
        return 0
    bodies = [bytes(payload) for _, payload in found]
    _rewrite(engine, [number for number, _ in found], _bodies([(body, not personal.carried(body)) for body in bodies]))
    return len(found)


def rotate_some(engine: Engine, after: int) -> tuple[int, int | None]:
    """Write bodies anew with the newest key, those with an id above `after`; how many, and where to go on (None: done).

    Raises cipher.Locked where a body cannot be opened; nothing of this step is then changed.
    """
    sql = (
        "SELECT id, payload FROM quarantine WHERE id > ? AND encrypted = 1 AND length(payload) > 0 ORDER BY id LIMIT ?"
    )
    found = engine.rows(sql, [after, AT_ONCE])
    if not found:
        return 0, None
    _rewrite(engine, [number for number, _ in found], {"payload": [cipher.relock(bytes(row[1])) for row in found]})
    return len(found), int(found[-1][0])


def _rewrite(engine: Engine, ids: Sequence[int], columns: dict[str, list[Any]]) -> None:
    setting = ", ".join(f"{name} = ?" for name in columns)
    with engine.transaction():
        for number, values in zip(ids, zip(*columns.values(), strict=True), strict=True):
            engine.run(f"UPDATE quarantine SET {setting} WHERE id = ?", [*values, number])


def rows(engine: Engine, *, uid: str = "", kind: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """The newest first; of one device or kind where these are given. Bodies as they lie (see `body`)."""
    names = (*SHOWN, *BODY)
    asked = {column: value for column, value in (("uid", uid), ("kind", kind)) if value}
    where = f"WHERE {' AND '.join(f'{column} = ?' for column in asked)}" if asked else ""
    sql = f"SELECT {', '.join(names)} FROM quarantine {where} ORDER BY id DESC LIMIT ?"
    return [dict(zip(names, row, strict=True)) for row in engine.rows(sql, [*asked.values(), limit])]


def release(engine: Engine, ids: Sequence[int]) -> int:
    """Rows whose messages have found their place; how many went."""
    with engine.transaction():
        return engine.run(f"DELETE FROM quarantine WHERE {engine.among('id')}", [engine.ids(ids)])
