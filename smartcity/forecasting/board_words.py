# SPDX-License-Identifier: Apache-2.0
"""A line of the accuracy board in a sentence. Pure."""

from __future__ import annotations

from smartcity.forecasting.board import Figures

SLIGHT = 0.1  # of the mean error: a lean nobody would notice
CLOSE = {"80": 0.05, "95": 0.025}  # so far a band's coverage may be from what it says before it is called off


def in_words(figures: Figures, unit: str) -> str:
    """Error, comparison with seasonal naive, what the bands held, and to which side it leans."""
    if not figures.n or figures.mae is None:
        return "Nothing came that a forecast could be held against."
    said = [f"Off by {amount(figures.mae, unit)} on average{_beside(figures.skill)}"]
    said += [part for part in (_bands(figures), _lean(figures, unit)) if part]
    return f"{'; '.join(said)}."


def amount(value: float, unit: str) -> str:
    """Three significant figures with the unit; "1" is none."""
    number = f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return number if unit in ("", "1") else f"{number} {unit}"


def band_word(covered: float | None, band: str) -> str:
    """Whether a band holds what it says: "as it says", "too narrow", "too wide"; empty where it was not measured."""
    if covered is None:
        return ""
    off = covered - float(band) / 100
    return "as it says" if abs(off) <= CLOSE[band] else "too narrow" if off < 0 else "too wide"


def _beside(skill: float | None) -> str:
    if skill is None:
        return ""
    if abs(skill) < 0.005:
        return ", as close as the same time one season before"
    return f", {_percent(abs(skill))} {'closer' if skill > 0 else 'further off'} than the same time one season before"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _bands(figures: Figures) -> str:
    if figures.coverage80 is None:
        return ""
    wider = "" if figures.coverage95 is None else f" and {_percent(figures.coverage95)} inside the 95 % band"
    return f"{_percent(figures.coverage80)} came inside the 80 % band{wider}"


def _lean(figures: Figures, unit: str) -> str:
    if figures.bias is None or not figures.mae:
        return ""
    if abs(figures.bias) < SLIGHT * figures.mae:
        return "it leans to neither side"
    return f"it says {amount(abs(figures.bias), unit)} too {'little' if figures.bias > 0 else 'much'}"


def drift_words(what: str, before: float, after: float) -> str:
    """By how much forecasts of a series have become worse."""
    if what == "misses":
        return f"{after:.0%} of its values outside the 80 % band, {before:.0%} before"
    return f"off by {after:.2f} of what a day differs from the next, {before:.2f} before"
