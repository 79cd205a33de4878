# SPDX-License-Identifier: Apache-2.0
"""No leakage: what a method predicts from an origin must not change when the future does."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from smartcity.forecasting import backtest, methods, ranking
from smartcity.forecasting.methods import METHODS, Method
from smartcity.forecasting.series import Panel
from smartcity.kernel.forecasts import Tier
from tests.forecasting.build import TARGET, daily, rows

LEVELS = (0.1, 0.5, 0.9)


def leaks(method: Method) -> bool:
    """Whether predictions change when everything after the origin is replaced, with the method run the normal way."""
    panel = rows(daily(30, noise=5))
    origin = panel.steps - 48
    other = Panel(panel.start_ms, panel.step_s, panel.values.copy())
    other.values[:, origin:] = 1_234.0
    seen, changed = (
        backtest.run(backtest.pasts(one, TARGET, [origin]), TARGET, method, [origin], LEVELS).predicted
        for one in (panel, other)
    )
    return not np.array_equal(seen, changed)


@pytest.fixture
def planted(monkeypatch):
    """Make `fit` and `predict` a method of the table for one test."""

    def plant(fit, predict, windows=14) -> Method:
        module = ModuleType("planted")
        vars(module).update(fit=fit, predict=predict)
        monkeypatch.setitem(sys.modules, f"{methods.__name__}.planted", module)
        method = Method("planted", "planted", Tier.LIGHT, windows, 2.0)
        monkeypatch.setitem(METHODS, "planted", method)
        return method

    return plant


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.tier is Tier.LIGHT])
def test_no_method_sees_the_future(name):
    assert not leaks(METHODS[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.tier is Tier.HEAVY])
def test_no_heavy_method_sees_the_future(name):
    assert not leaks(METHODS[name])


def test_a_method_that_reaches_through_the_memory_of_its_panel_finds_only_the_past(planted):
    def fit(panel, target):
        whole = panel.values if panel.values.base is None else panel.values.base
        return whole.reshape(len(panel.values), -1)[:, -24:]

    method = planted(fit, lambda model, horizon, levels: np.repeat(model[:, None, :horizon], len(levels), axis=1))
    assert not leaks(method)


def test_a_planted_leak_is_caught(planted, monkeypatch):
    """If `before` handed out the future, this very check would say so."""
    monkeypatch.setattr(Panel, "before", lambda self, step: self)
    method = planted(
        lambda panel, target: panel.values[:, -24:],
        lambda model, horizon, levels: np.repeat(model[:, None, :horizon], len(levels), axis=1),
    )
    assert leaks(method)


def test_windows_end_before_the_data_and_start_after_enough_of_it():
    panel = rows(daily(30))
    at = backtest.origins(panel, TARGET, count=14, least=336)
    assert len(at) == 7
    assert at[0] >= 336
    assert at[-1] == panel.steps - 24
    assert len({origin % 24 for origin in at}) == 7


def test_costly_methods_run_on_few_windows_with_the_newest_among_them():
    assert backtest.spread(range(14), 3) == (4, 9, 13)
    assert backtest.spread([5], 3) == (5,)


def test_a_series_that_breaks_a_method_does_not_cost_the_others_theirs(planted, caplog):
    def fit(panel, target):
        if (panel.values[:, 0] == 13).any():
            raise ZeroDivisionError
        return panel.values

    method = planted(fit, lambda model, horizon, levels: np.ones((len(model), len(levels), horizon)))
    values = np.ones((5, 48))
    values[3, 0] = 13
    out = backtest.attempt(method, Panel(0, 3600, values), TARGET, LEVELS)
    assert np.isnan(out).any(axis=(1, 2)).tolist() == [False, False, False, True, False]
    assert "planted failed" in caplog.text


def test_seasonal_naive_keeps_the_lead_against_a_worse_method(planted):
    planted(
        lambda panel, target: panel.values, lambda model, horizon, levels: np.zeros((len(model), len(levels), horizon))
    )
    (standing,) = ranking.contest(rows(daily(40, noise=5)), TARGET, ("planted",))
    assert standing.ladder == ("seasonal_naive",)
    assert standing.skill == 0


def test_the_better_method_takes_the_lead_and_naive_stays_its_guard():
    (standing,) = ranking.contest(rows(daily(40, noise=15)), TARGET, methods.suited(Tier.LIGHT))
    assert len(standing.parts) > 1
    assert standing.champion != "seasonal_naive"
    assert standing.ladder[-1] == "seasonal_naive"
    assert standing.skill is not None
    assert standing.skill > 0.1
    assert standing.asked >= 1


def test_shares_follow_what_each_method_lost_cycle_by_cycle():
    """One loses half of what naive does on the first day and twice as much on the second, another is hopeless."""
    naive = np.full((1, 8, 48), 10.0)
    one = naive * np.repeat([0.5, 2.0], 24)
    hopeless = naive * 40
    shares = ranking._shares(np.stack([naive, one, hopeless]), 0, 24)[:, 0]
    np.testing.assert_allclose(shares.sum(axis=0), 1.0)
    assert shares[1, 0] > 0.7 > 0.3 > shares[1, 1] > 0
    assert (shares[2] == 0).all()


def test_without_a_loss_to_compare_with_nobody_but_naive_has_a_share():
    (standing,) = ranking.contest(rows(np.full(960, 7.0)), TARGET, methods.suited(Tier.LIGHT))
    assert standing.ladder == ("seasonal_naive",)


def test_a_window_on_which_a_method_failed_counts_neither_for_nor_against_it(planted):
    def fit(panel, target):
        if panel.steps % 48 < 20:
            raise ZeroDivisionError
        return METHODS["closed_form"].fit(panel, target)

    planted(fit, lambda model, horizon, levels: METHODS["closed_form"].predict(model, horizon, levels))
    (standing,) = ranking.contest(rows(daily(40, noise=15)), TARGET, ("closed_form", "planted"))
    shares = {name: float(part.mean()) for name, part in standing.parts.items()}
    assert shares["planted"] == pytest.approx(shares["closed_form"], rel=0.4)
