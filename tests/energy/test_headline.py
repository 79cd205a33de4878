# SPDX-License-Identifier: Apache-2.0
"""The strip's figure of energy: an hour counts once nine of ten points have closed it."""

from __future__ import annotations

import numpy as np

from energy.loop import _course


def test_an_hour_that_points_are_missing_from_is_no_small_import():
    grid = np.full((10, 3), 100.0)
    grid[:5, 1] = np.nan
    course = _course(grid)
    assert course[0] == course[2] == 1.0 and np.isnan(course[1])


def test_a_city_without_points_has_no_course():
    assert np.isnan(_course(np.zeros((0, 4)))).all()
