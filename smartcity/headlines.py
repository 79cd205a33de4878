# SPDX-License-Identifier: Apache-2.0
"""The strip above the map: each domain's figure beside what is normal, and the mode its loops run in."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Any

from smartcity import declared, domains
from smartcity.control.models import LoopMode
from smartcity.kernel.control import Loop, Mode
from smartcity.kernel.worth import Headline

log = logging.getLogger(__name__)


def gather(now_ms: int) -> dict[str, dict[str, Any]]:
    """Domain → its figure as the live view sends it. One query for the modes and at most three per domain."""
    modes = _modes()
    found = {}
    for config, headline in domains.collect("loop", "headline"):
        try:
            found[config.label] = shape(headline(now_ms)) | modes.get(config.label, {})
        except Exception:
            log.exception("The headline of %s cannot be computed", config.label)
    return found


def shape(figure: Headline) -> dict[str, Any]:
    """What static/js/README.md calls kpis; absent parts are left out."""
    every = {
        "name": figure.title.replace(" ", "_"),
        "title": figure.title,
        "value": None if figure.value is None else round(figure.value, figure.digits),
        "unit": figure.unit,
        "digits": figure.digits,
        "range": [figure.floor, figure.ceiling],
        "spark": list(figure.spark),
        "note": figure.line,
    }
    return {name: value for name, value in every.items() if value is not None} | _normal(figure)


def _normal(figure: Headline) -> dict[str, Any]:
    if figure.normal is None:
        return {}
    low, usual, high = (
        round(value, figure.digits + 1) for value in (figure.normal.low, figure.normal.usual, figure.normal.high)
    )
    return {"normal": [low, high], "expected": usual, "basis": figure.normal.basis}


def _modes() -> dict[str, dict[str, str]]:
    """The mode of each domain's loops where all zones agree, else the word Mixed."""
    granted: dict[str, set[str]] = defaultdict(set)
    for name, mode in LoopMode.objects.values_list("loop", "mode"):
        granted[name].add(mode)
    found: dict[str, dict[str, str]] = {}
    for loop in declared.loops().values():
        modes = granted.get(loop.name) or {Mode.LOCAL.value}
        found.setdefault(loop.domain, _word(loop, modes))
    return found


def _word(loop: Loop, modes: set[str]) -> dict[str, str]:
    if len(modes) > 1:
        return {"word": "Mixed", "mode": "mixed"}
    mode = Mode(next(iter(modes)))
    return {"word": loop.words.get(mode, mode.value), "mode": mode.value}
