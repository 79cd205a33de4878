# SPDX-License-Identifier: Apache-2.0
"""What could not be stored, with its payload and the reason; so many a device, the rest counted or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from smartcity.telemetry.batch import Quarantined
from smartcity.telemetry.engines import Engine

MOST_ROWS: Final = 100
MOST_BYTES: Final = 1_000_000
COLUMNS: Final = (
    "device", "uid", "received_at", "transport", "codec", "kind", "reason", "readings", "payload",
)  # fmt: skip


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
        found = self.engine.rows("SELECT device, kind, count(*), sum(length(payload)) FROM quarantine GROUP BY 1, 2")
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
            if is_first or (many < MOST_ROWS and size + len(row.payload) <= MOST_BYTES):
                insert.append(place)
                held[row.device] = (many + 1, size + len(row.payload))
                kinds.add(key)
            else:
                (count if row.readings else refuse).append(place)
        return Plan(insert, count, tuple(refuse), held, kinds)

    def write(self, rows: Sequence[Quarantined], plan: Plan) -> None:
        """Inside the batch's transaction; `remember` the plan after the commit."""
        chosen = [rows[place] for place in plan.insert]
        if chosen:
            self.engine.put("quarantine", {name: [getattr(row, name) for row in chosen] for name in COLUMNS})
        for row in (rows[place] for place in plan.count):
            self.engine.run(
                "UPDATE quarantine SET surplus = surplus + ? "
                "WHERE id = (SELECT max(id) FROM quarantine WHERE device = ? AND kind = ?)",
                [row.readings, row.device, row.kind],
            )

    def remember(self, plan: Plan) -> None:
        self._held.update(plan.held)
        self._kinds |= plan.kinds


def rows(engine: Engine, *, uid: str = "", kind: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """The newest first; of one device or kind where these are given."""
    names = ("id", *COLUMNS, "surplus")
    asked = {column: value for column, value in (("uid", uid), ("kind", kind)) if value}
    where = f"WHERE {' AND '.join(f'{column} = ?' for column in asked)}" if asked else ""
    sql = f"SELECT {', '.join(names)} FROM quarantine {where} ORDER BY id DESC LIMIT ?"
    return [dict(zip(names, row, strict=True)) for row in engine.rows(sql, [*asked.values(), limit])]


def release(engine: Engine, ids: Sequence[int]) -> int:
    """Rows whose messages have found their place; how many went."""
    with engine.transaction():
        return engine.run(f"DELETE FROM quarantine WHERE {engine.among('id')}", [engine.ids(ids)])
