# SPDX-License-Identifier: Apache-2.0
"""What a command promised to be measured: read from its row, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smartcity import declared
from smartcity.kernel.control import Bound, Expectation


def promised(stored: Mapping[str, Any]) -> Expectation:
    """The expectation a command's row holds as JSON."""
    unless = tuple(Bound(**bound) for bound in stored.get("unless", ()))
    return Expectation(**{**stored, "unless": unless})


def in_words(expect: Expectation) -> str:
    """The whole promise: what is to be measured, how soon, and when it is not owed."""
    minutes = f"{expect.within_s / 60:.0f} min" if expect.within_s >= 90 else f"{expect.within_s:.0f} s"
    metric = declared.metrics().get(expect.metric)
    unit = f" {metric.unit}" if metric and metric.unit != "1" else ""
    owed = ", unless the device is at its limit" if expect.unless else ""
    return f"{name(expect)} {wanted(expect)}{unit} within {minutes}{owed}"


def wanted(bound: Expectation | Bound) -> str:
    """The range; a side beyond what the metric can be is left out."""
    metric = declared.metrics().get(bound.metric)
    if metric is not None and bound.low <= metric.low < bound.high < metric.high:
        return f"at most {number(bound.high)}"
    if metric is not None and metric.low < bound.low < metric.high <= bound.high:
        return f"at least {number(bound.low)}"
    return f"{number(bound.low)} to {number(bound.high)}"


def shortfall(expect: Expectation, measured: float | None) -> str:
    """What was measured, None where nothing was in time, beside what was expected."""
    found = "was not measured in time" if measured is None else number(measured)
    return f"{name(expect)} {found}, {wanted(expect)} expected"


def name(bound: Expectation | Bound) -> str:
    metric = declared.metrics().get(bound.metric)
    title = metric.title if metric else bound.metric
    return f"{title} of {bound.asset}" if bound.asset else title


def number(value: float) -> str:
    return f"{value:.4g}"
