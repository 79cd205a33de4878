# SPDX-License-Identifier: Apache-2.0
"""How a soak finds its rate and says whether anything has grown."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.chaos.history import Heard, LogBook
from benchmarks.chaos.soak import Slice, along, change, waits


@pytest.mark.parametrize(
    ("below", "above", "rate_s"),
    [
        ((1_000.0, 0.5), (2_000.0, 0.9), 1_500.0),
        ((0.0, 0.0), (250.0, 1.4), 125.0),
        ((1_000.0, 0.5), (1_300.0, 0.6), 1_000.0),  # the devices could not keep up
        ((0.0, 0.0), (250.0, 0.1), 250.0),
    ],
)
def test_the_rate_lies_on_the_line_between_the_two_that_were_tried(below, above, rate_s):
    assert along(below, above, 0.7) == pytest.approx(rate_s)


def test_growth_is_from_half_to_half_after_the_warm_up():
    assert change(np.array([50.0, 50.0, *[100.0] * 5, *[101.0] * 5])) == pytest.approx(0.01)
    assert change(np.array([100.0, 100.0])) == 0.0


def test_the_wait_counts_in_the_minute_in_which_the_message_was_said():
    book = LogBook(1)
    for sent, heard_at in ((1.0, 1.1), (2.0, 11.0), (12.0, 12.3)):
        book.hear(book.say(0, 0, 0, sent), Heard.ACKNOWLEDGED, heard_at)
    series = [Slice(began, began + 10, 0, 0, 0) for began in (0.0, 10.0)]
    assert waits(book.read(), series) == pytest.approx([100 + 0.99 * 8900, 300])
