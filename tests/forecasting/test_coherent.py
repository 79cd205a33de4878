# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from smartcity.forecasting import coherent, tree
from smartcity.forecasting.coherent import Way
from tests.forecasting.test_tree import town

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
Z = np.array([-1.96, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.96])


def grown(*sizes):
    found = tree.grow(town(*sizes))
    return found, tree.sums(found), found.bottoms


def errors_of(found, count=200, seed=1, noise=1.0, shared=0.7):
    """Bottoms err together; sums are foreseen on their own, and better than their bottoms added up."""
    dice = np.random.default_rng(seed)
    s = tree.sums(found)
    bottom = noise * (shared * dice.normal(size=count) + dice.normal(size=(s.shape[1], count)))
    own = s @ bottom
    own[: -s.shape[1]] = 0.3 * own[: -s.shape[1]] + dice.normal(0, 0.2, own[: -s.shape[1]].shape)
    return own


def textbook(s, bottoms, errors, shrink):
    """MinT as the paper writes it: G = (S'W⁻¹S)⁻¹ S'W⁻¹."""
    w = np.cov(errors, bias=True)
    w = shrink * np.diag(np.diag(w)) + (1 - shrink) * w
    inverse = np.linalg.inv(w)
    return np.linalg.solve(s.T @ inverse @ s, s.T @ inverse)


def test_it_is_the_same_as_the_paper_s_formula():
    found, s, bottoms = grown(3, 2, 4)
    errors = errors_of(found)
    by_mint = coherent.mint(s, bottoms, errors)
    base = np.random.default_rng(3).uniform(1, 9, (s.shape[0], 5))
    expected = textbook(s.toarray(), bottoms, errors, by_mint.shrinkage) @ base
    assert by_mint(base) == pytest.approx(expected, rel=1e-3)


def test_the_shrinkage_is_that_of_all_pairs():
    errors = errors_of(grown(3, 2)[0], count=30)
    x = errors - errors.mean(axis=1, keepdims=True)
    x /= x.std(axis=1, keepdims=True)
    n, size = x.shape
    products = x[:, None, :] * x[None, :, :]
    mean = products.mean(axis=2)
    variance = size / (size - 1) ** 3 * ((products - mean[:, :, None]) ** 2).sum(axis=2)
    apart = ~np.eye(n, dtype=bool)
    assert coherent.shrinkage(errors) == pytest.approx(variance[apart].sum() / (mean[apart] ** 2).sum())


def test_many_series_and_few_errors_shrink_more_and_cost_little():
    few, many = errors_of(grown(3, 2)[0], shared=0.1), errors_of(grown(*[20] * 60)[0], count=12, shared=0.1)
    assert coherent.shrinkage(few) < coherent.shrinkage(many) <= 1.0
    _, s, bottoms = grown(*[20] * 60)
    assert np.isfinite(coherent.mint(s, bottoms, many)(np.ones((s.shape[0], 2)))).all()


def test_means_add_up_exactly_and_nothing_is_negative():
    found, s, bottoms = grown(4, 3, 5)
    errors = errors_of(found)
    middle = s @ np.random.default_rng(2).uniform(0, 3, (s.shape[1], 6))
    base = middle[:, None, :] + 2.0 * errors.std(axis=1)[:, None, None] * Z[None, :, None]
    means, quantiles = coherent.draws(base, LEVELS, errors, (s, bottoms), coherent.mint(s, bottoms, errors), (0, 1e9))
    for k in range(len(found.nodes)):
        if children := found.children(k):
            assert means[children].sum(axis=0) == pytest.approx(means[k], rel=1e-12)
    assert quantiles.min() >= 0 and np.all(np.diff(quantiles, axis=1) >= 0)


def test_the_city_s_band_is_narrower_than_its_districts_bands_added_up():
    found, s, bottoms = grown(6, 6)
    errors = errors_of(found, shared=0.0)
    base = 50 * s.sum(axis=1)[:, None, None] + errors.std(axis=1)[:, None, None] * Z[None, :, None] * np.ones((1, 1, 3))
    _, quantiles = coherent.draws(np.asarray(base), LEVELS, errors, (s, bottoms), None, (0, 1e9))
    width = quantiles[:, 5] - quantiles[:, 1]
    assert np.all(width[0] < 0.6 * width[bottoms].sum(axis=0)) and np.all(width[0] > 0)


def test_mint_is_chosen_where_it_helps_and_bottom_up_where_it_does_not():
    found, s, bottoms = grown(4, 3, 5)
    helpful = errors_of(found)
    sizes = np.ones(s.shape[0])
    way, ratio = coherent.choose(s, bottoms, helpful, sizes, learn=120)
    assert way is Way.MINT and ratio < 0.95
    broken = np.array(helpful)
    broken[0, 120:] += 500  # the city's own forecast went astray
    assert coherent.choose(s, bottoms, broken, sizes, learn=120)[0] is Way.BOTTOM_UP
    assert coherent.choose(s, bottoms, helpful[:, :4], sizes, learn=3)[0] is Way.BOTTOM_UP


def test_the_mean_of_quantiles():
    band = (5 + 2 * Z)[None, :, None]
    assert coherent.quantile_mean(band, LEVELS) == pytest.approx(5.0)
