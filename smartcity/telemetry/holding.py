# SPDX-License-Identifier: Apache-2.0
"""Who has sums of open quarters in memory, so that those of a process that dies are made again from the readings.

A store that counts in memory has a row `open:<token>` beside the watermark: readings it wrote of quarters from that
instant on may be in no rollup and under no mark. Each batch that counts in memory looks the row up and keeps it from
changing until it has committed. Whoever closes a quarter takes away the rows that lag behind by a whole closing, and
marks all they may have stood for; an owner that lives after all finds its row gone, and begins anew from the watermark.
So nothing depends on clocks, or on knowing who is dead.
"""

from __future__ import annotations

import secrets
from typing import Final

import numpy as np

from smartcity.telemetry.arrays import Ints
from smartcity.telemetry.buckets import QUARTER_MS
from smartcity.telemetry.engines import Engine

PREFIX: Final = "open:"


class Holding:
    """One store's row. All of it happens inside a transaction of its engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.renew()

    def renew(self) -> None:
        """Memory is gone or was forgotten: what the row stood for is left to be made again."""
        self.name = PREFIX + secrets.token_hex(8)

    def since(self) -> int | None:
        """The instant from which what we write may be counted in memory; None without a row. It stays so until the
        commit."""
        found = self.engine.rows(f"SELECT at FROM watermark WHERE name = ? {self.engine.SHARED}", [self.name])
        return int(found[0][0]) if found else None

    def begin(self, since: int) -> None:
        self.engine.put("watermark", {"name": [self.name], "at": [since]})

    def advance(self, until: int) -> None:
        self.engine.run("UPDATE watermark SET at = ? WHERE name = ?", [until, self.name])

    def take_over(self, before: int) -> int | None:
        """Take away the others' rows of before then; the earliest instant they stood for."""
        others = "SELECT name, at FROM watermark WHERE name LIKE ? AND name <> ? AND at < ?"
        behind = self.engine.rows(f"{others} {self.engine.CLAIMED}", [PREFIX + "%", self.name, before])
        for name, _ in behind:
            self.engine.run("DELETE FROM watermark WHERE name = ?", [name])
        return min((int(at) for _, at in behind), default=None)

    def quarters(self, since: int, until: int) -> Ints:
        """All quarters since then, and those from `until` on that have readings."""
        sql = f"SELECT DISTINCT at / {QUARTER_MS} * {QUARTER_MS} FROM reading WHERE at >= ?"
        still_open = [int(quarter) for (quarter,) in self.engine.rows(sql, [until])]
        return np.concatenate([np.arange(since, until, QUARTER_MS), np.array(sorted(still_open), np.int64)])
