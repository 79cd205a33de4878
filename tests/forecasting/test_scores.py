# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from smartcity.forecasting import quantiles, scores
from smartcity.forecasting.series import History, boundary, coarser, panel, regular


def test_scale_is_the_mean_seasonal_difference():
    assert scores.seasonal_scale(np.array([[1.0, 5.0, 3.0, 6.0]]), 2).tolist() == [1.5]


def test_a_perfect_forecast_loses_nothing_and_covers_everything():
    actual = np.array([3.0, 4.0])
    band = np.tile(actual, (3, 1))
    levels = (0.1, 0.5, 0.9)
    assert scores.quantile_loss(band, levels, actual) == 0
    assert scores.absolute_error(band, levels, actual) == 0
    assert scores.coverage(band, levels, actual, band=0.8) == 1


def test_quantile_loss_of_a_point_is_its_absolute_error():
    """Twice the pinball loss averaged over levels that lie symmetrically is |error| (here 2)."""
    assert scores.quantile_loss(np.full((1, 4), 5.0), (0.5,), np.full(4, 7.0)) == pytest.approx(2.0)


def test_steps_without_an_actual_do_not_count():
    band = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    assert scores.coverage(band, (0.1, 0.5, 0.9), np.array([1.0, np.nan]), band=0.8) == 1
    assert np.isnan(scores.coverage(band, (0.1, 0.5, 0.9), np.array([np.nan, np.nan]), band=0.8))


def test_a_forecast_is_measured_by_the_bands_it_states():
    levels = (0.025, 0.1, 0.5, 0.9, 0.975)
    band = np.array([[0.0] * 4, [10.0] * 4, [20.0] * 4, [30.0] * 4, [40.0] * 4])
    found = scores.measure(band, levels, np.array([20.0, 36.0, 50.0, np.nan]), np.array([26.0, 36.0, np.nan, 9.0]))
    assert found is not None
    assert (found.n, found.inside80, found.inside95) == (3, 1, 2)
    assert found.mae == pytest.approx((0 + 16 + 30) / 3) and found.bias == pytest.approx(46 / 3)
    assert found.naive_mae == pytest.approx(3.0)


def test_too_much_said_is_a_bias_below_zero():
    assert scores.bias(np.full((1, 2), 5.0), (0.5,), np.array([3.0, 5.0])) == -1.0


def test_what_was_not_said_or_not_known_is_not_measured():
    band = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    found = scores.measure(band, (0.1, 0.5, 0.9), np.array([1.0, 1.0]), np.full(2, np.nan))
    assert found is not None and found.inside95 is None and found.naive_mae is None
    assert scores.measure(band, (0.1, 0.5, 0.9), np.full(2, np.nan), np.zeros(2)) is None


@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
        elements=st.floats(-1e6, 1e6) | st.just(float("nan")),
    )
)
def test_row_quantiles_agree_with_numpy(values):
    """To single precision."""
    ours = quantiles.row_quantiles(values, (0.0, 0.1, 0.5, 1.0))
    for row, mine in zip(values, ours, strict=True):
        known = row[np.isfinite(row)]
        if len(known):
            exact, single = np.quantile(known, (0.0, 0.1, 0.5, 1.0)), 3e-7 * np.abs(known).max() + 1e-30
            np.testing.assert_allclose(mine, exact, rtol=0, atol=single)
        else:
            assert np.isnan(mine).all()


@pytest.mark.parametrize(("level", "value"), [(0.1, 0.0), (0.3, 2.5), (0.5, 5.0), (0.01, 0.0), (0.99, 15.0)])
def test_levels_between_are_interpolated_and_beyond_are_flat(level, value):
    assert quantiles.at_level(np.array([[0.0], [5.0], [15.0]]), (0.1, 0.5, 0.9), level) == pytest.approx(value)


def test_readings_in_any_order_become_means_per_step():
    history = regular([3_600_000, 0, 0, 7_300_000], [4.0, 1.0, 3.0, float("nan")], step_s=3600)
    assert history.start_ms == 0
    assert history.values.tolist() == [2.0, 4.0]


def test_a_changed_interval_is_averaged_or_refused():
    fine = History(0, 900, np.arange(8.0))
    assert coarser(fine, 3600).values.tolist() == [1.5, 5.5]
    assert len(coarser(fine, 1000).values) == 0


def test_nothing_of_the_current_step_or_later_is_known():
    history = History(0, 3600, np.arange(10.0))
    seen = panel([history], now_ms=5 * 3_600_000 + 1, steps=3)
    assert seen.values.tolist() == [[2.0, 3.0, 4.0]]
    assert seen.end_ms == boundary(5 * 3_600_000 + 1, 3600) == 5 * 3_600_000


def test_a_history_that_ended_long_ago_is_padded_with_gaps():
    history = History(0, 3600, np.array([7.0, 8.0]))
    np.testing.assert_array_equal(panel([history], now_ms=4 * 3_600_000, steps=4).values, [[7, 8, np.nan, np.nan]])
