# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses

import pytest

from smartcity.forecasting.board import Figures
from smartcity.forecasting.board_words import band_word, in_words

FIGURES = Figures(
    n=960, mae=3.214, mase=0.8, loss=0.6, skill=0.24, coverage80=0.81, coverage95=0.94, bias=1.2
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, "Off by 3.21 kW on average, 24 % closer than the same time one season before"),
        ({}, "81 % came inside the 80 % band and 94 % inside the 95 % band; it says 1.2 kW too little."),
        ({"bias": -1.2}, "it says 1.2 kW too much."),
        ({"bias": 0.1}, "it leans to neither side."),
        ({"skill": -0.3}, "30 % further off than"),
        ({"skill": 0.001}, "as close as the same time"),
        ({"skill": None, "coverage95": None, "bias": None}, "on average; 81 % came inside the 80 % band."),
        ({"mae": 12345.6, "skill": None}, "Off by 12,346 kW"),
        ({"n": 0, "mae": None}, "Nothing came that a forecast could be held against."),
    ],
)
def test_a_line_reads_as_a_sentence(changed, says):
    assert says in in_words(dataclasses.replace(FIGURES, **changed), "kW")


def test_what_has_no_unit_is_said_without_one():
    assert "Off by 3.21 on average" in in_words(FIGURES, "1")


@pytest.mark.parametrize(
    ("covered", "band", "word"),
    [(0.8, "80", "as it says"), (0.7, "80", "too narrow"), (0.9, "80", "too wide"),
     (0.91, "95", "too narrow"), (0.96, "95", "as it says"), (None, "80", "")],
)  # fmt: skip
def test_a_band_is_held_to_what_it_says(covered, band, word):
    assert band_word(covered, band) == word
