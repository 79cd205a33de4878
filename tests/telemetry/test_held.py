# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smartcity.telemetry import held
from smartcity.telemetry.held import Hold, Piece

DAY = 86_400_000


def hold(start, end, series=None, devices=None):
    return Hold(1, start, end, series, devices)


holds = st.lists(
    st.builds(
        lambda start, more, series: hold(start, start + more, series),
        st.integers(0, 40),
        st.integers(1, 20),
        st.none() | st.frozensets(st.integers(1, 4)),
    ),
    max_size=5,
)


@given(holds, st.integers(0, 50), st.integers(0, 50), st.integers(0, 60), st.integers(1, 4))
def test_every_instant_lies_in_one_piece_and_is_kept_exactly_when_a_hold_says_so(many, start, end, at, series):
    found = [piece for piece in held.pieces(many, start, end) if piece.from_ms <= at < piece.to_ms]
    assert len(found) == (start <= at < end)
    for piece in found:
        is_held = any(h.from_ms <= at < h.to_ms and (h.series is None or series in h.series) for h in many)
        assert (piece.keeps_all or series in (piece.kept or ())) == is_held


def test_without_a_hold_there_is_one_piece_and_nothing_is_kept():
    assert held.pieces([], 3, 9) == [Piece(3, 9)]
    assert held.pieces([], 9, 9) == []


def test_a_hold_keeps_the_whole_days_it_touches():
    (wide,) = held.whole_days([hold(DAY + 5, 2 * DAY + 1)])
    assert (wide.from_ms, wide.to_ms) == (DAY, 3 * DAY)
    (exact,) = held.whole_days([hold(DAY, 2 * DAY)], DAY)
    assert (exact.from_ms, exact.to_ms) == (0, 2 * DAY)


def test_in_quarantine_devices_stand_for_series():
    assert held.of_devices([hold(0, 1, frozenset({7}), frozenset({3}))])[0].series == frozenset({3})
