# SPDX-License-Identifier: Apache-2.0
"""Chunks follow the time they take, so that none holds the database for long; tried with a clock of its own."""

from __future__ import annotations

import pytest
from django.db import connection

from smartcity.devices.short_transactions import ShortTransactions

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cost(monkeypatch):
    """Seconds a row takes; time passes only by writing."""
    now, cost_s = [0.0], [0.001]
    monkeypatch.setattr("smartcity.devices.short_transactions.time.perf_counter", lambda: now[0])

    def write(rows):
        assert connection.in_atomic_block
        now[0] += len(rows) * cost_s[0]
        sizes.append(len(rows))

    sizes: list[int] = []
    return cost_s, write, sizes


def test_every_row_is_written_once_and_in_order():
    seen: list[int] = []
    ShortTransactions().run(range(1234), seen.extend)
    assert seen == list(range(1234))


def test_chunks_grow_to_a_tenth_of_a_second_and_no_further(cost):
    _, write, sizes = cost
    chunks = ShortTransactions()
    chunks.run(range(2000), write)
    assert sizes[0] == 20 and sizes[5] == 100 and max(sizes) <= 160
    assert chunks.longest_s < 0.3


def test_chunks_shrink_when_the_database_slows_down(cost):
    cost_s, write, sizes = cost
    chunks = ShortTransactions()
    chunks.run(range(2000), write)
    cost_s[0] = 0.01
    chunks.run(range(200), write)
    assert sizes[-10:] == [10] * 10


def test_a_small_remainder_does_not_make_the_next_chunk_larger(cost):
    _, write, _ = cost
    chunks = ShortTransactions()
    chunks.run(range(2000), write)
    usual = chunks.size
    for _ in range(5):
        chunks.run(range(3), write)
    assert chunks.size <= usual


def test_chunks_never_grow_beyond_what_a_hiccup_may_cost(cost):
    cost_s, write, sizes = cost
    cost_s[0] = 1e-9
    ShortTransactions().run(range(5000), write)
    assert max(sizes) == 500


def test_nothing_is_no_transaction(cost):
    _, write, sizes = cost
    ShortTransactions().run([], write)
    assert sizes == []
