# SPDX-License-Identifier: Apache-2.0
"""What is read in slabs is all there is, once."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from benchmarks.chaos import holdings


class Engine:
    def __init__(self, instants):
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute("CREATE TABLE reading (series INT, at INT, value REAL, quality INT)")
        self.connection.executemany("INSERT INTO reading VALUES (7, ?, 1.5, 0)", [(at,) for at in instants])

    def rows(self, sql, parameters=()):
        return self.connection.execute(sql, parameters).fetchall()


@pytest.mark.parametrize(
    "instants",
    [
        [],
        [1_774_742_400_000],
        [1_774_742_400_000 + n for n in range(11)],
        [1_774_742_400_000] * 5 + [1_774_742_400_001, 1_900_000_000_000],
    ],
)
def test_every_row_is_in_one_slab(instants, monkeypatch):
    monkeypatch.setattr(holdings, "SLAB", 3)
    slabs = list(holdings._slabs(Engine(instants)))
    assert len(slabs) == (len(instants) // 3 + 1 if instants else 0)
    rows = np.concatenate([np.empty((0, 4)), *slabs])
    assert sorted(rows[:, 1].tolist()) == instants
    assert (rows[:, [0, 2, 3]] == [7, 1.5, 0]).all()


def test_series_are_numbered_as_the_log_numbers_them():
    assert holdings._numbered(np.array([9, 4, 9]), {4: 1, 9: 0}).tolist() == [0, 1, 0]
    assert holdings._numbered(np.empty(0, np.int64), {4: 1}).tolist() == []
