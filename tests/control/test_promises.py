# SPDX-License-Identifier: Apache-2.0
"""What a command promised, from its row and in words."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from smartcity import declared
from smartcity.control.promises import in_words, promised, shortfall, wanted
from smartcity.kernel.control import Bound, Expectation

EMPTY = Bound("energy.soc", 0.0, 12.0)
BAND = Expectation("energy.import_kw", -5000, 205, 180.0, "Q-1", (EMPTY,))


def test_a_promise_comes_back_from_its_row_as_it_went():
    assert promised(asdict(BAND)) == BAND
    assert promised({"metric": "m", "low": 1, "high": 2, "within_s": 60}) == Expectation("m", 1, 2, 60)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(-5000, 205, "at most 205"), (195, 5000, "at least 195"), (20, 30, "20 to 30"), (-9000, 9000, "-9000 to 9000")],
)
def test_a_side_beyond_what_the_metric_can_be_is_left_out(low, high, words):
    assert "energy.import_kw" in declared.metrics()
    assert wanted(Bound("energy.import_kw", low, high)) == words


def test_the_whole_promise_in_words():
    assert in_words(BAND) == "Import of Q-1 at most 205 kW within 3 min, unless the device is at its limit"
    assert in_words(Expectation("unknown", 3, 3, 40)) == "unknown 3 to 3 within 40 s"


def test_what_was_measured_stands_beside_what_was_expected():
    assert shortfall(BAND, 251.04) == "Import of Q-1 251, at most 205 expected"
    assert shortfall(BAND, None) == "Import of Q-1 was not measured in time, at most 205 expected"
