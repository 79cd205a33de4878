# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from smartcity.forecasting import champions, runner
from smartcity.forecasting.methods import NAIVE
from smartcity.forecasting.models import Champion
from smartcity.forecasting.ranking import Standing
from tests.forecasting.conftest import DAY, NOW, days
from tests.forecasting.test_board import a_series

pytestmark = [pytest.mark.both_engines]


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        (None, {"a": 1.0}, True),
        ({"a": 1.0}, {"a": 1.0}, False),
        ({"a": 0.6, "b": 0.4}, {"a": 0.5, "b": 0.5}, False),
        ({"a": 0.51, "b": 0.49}, {"b": 0.51, "a": 0.49}, False),
        ({"a": 0.6, "b": 0.4}, {"b": 0.55, "a": 0.45}, True),
        ({"a": 1.0}, {"a": 0.7, "b": 0.3}, True),
        ({"a": 1.0}, {"b": 1.0}, True),
    ],
)
def test_a_hair_is_no_change_of_mind(before, now, changed):
    assert champions.has_changed(before, now) is changed


def test_shares_are_means_over_the_horizon():
    mix = Standing(ladder=(NAIVE, "closed_form"), shares=np.array([[0.5, 0.1], [0.5, 0.9]]), windows=8)
    assert champions.shares(mix) == {"closed_form": 0.7, NAIVE: 0.3}


@pytest.mark.django_db
def test_a_row_is_written_where_a_series_changed_its_mind_and_nowhere_else():
    one, other, young = a_series("M-1"), a_series("M-2"), a_series("M-3")
    naive, ridge = Standing(windows=8), Standing(ladder=("closed_form", NAIVE), windows=8, skill=0.3)
    assert champions.remember([one, other, young], [naive, ridge, Standing()], NOW) == 2
    assert champions.remember([one, other, young], [naive, ridge, Standing()], NOW + DAY) == 0
    assert champions.remember([one, other, young], [ridge, ridge, Standing()], NOW + 2 * DAY) == 1
    rows = Champion.objects.filter(series_id=one).order_by("since")
    assert [(row.since, row.shares, row.is_current) for row in rows] == [
        (NOW, {NAIVE: 1.0}, False),
        (NOW + 2 * DAY, {"closed_form": 1.0}, True),
    ]


@pytest.mark.django_db(transaction=True, databases=["default", "telemetry"])
def test_a_backtest_leaves_its_first_verdict(grid):
    meter = grid.meter(days(30))
    runner.refresh(NOW)
    row = Champion.objects.get(series_id=meter)
    assert row.since == NOW and sum(row.shares.values()) == pytest.approx(1.0, abs=0.01) and row.is_current
