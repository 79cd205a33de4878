# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time

import pytest
from django.db import connections

from smartcity import timekeeping

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]


def test_on_one_machine_both_clocks_are_one():
    found = timekeeping.ahead_s()
    if connections["default"].vendor == "sqlite":
        assert found is None
    else:
        assert found is not None and abs(found) < 0.05


def test_a_clock_of_ours_that_is_fast_is_ahead(monkeypatch):
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 90)
    assert timekeeping.ahead_s() in (None, pytest.approx(90, abs=0.05))
