# SPDX-License-Identifier: Apache-2.0
"""Forecasts kept fresh beside a running city: its clock is asked, what is due is done, one refresh at a time."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import stat
import time
from collections.abc import Callable
from urllib.error import URLError
from urllib.request import urlopen

from smartcity.forecasting import runner
from smartcity.forecasting.past import Shelf
from smartcity.forecasting.runner import Superseded
from smartcity.forecasting.worker import Report
from smartcity.telemetry.breaking_off import BreakingOff

log = logging.getLogger(__name__)

LOOK_EVERY_S, LOOK_S = 3.0, 0.5
EVERY_CITY_MS = 300_000
BUDGET_S = 20.0
TIMEOUT_S = 5.0

Now = Callable[[], int | None]
Insist = Callable[[], None]
May = Callable[[], bool]
Fetch = Callable[[int], object]


def always() -> bool:
    """Where there is no other process that issues forecasts."""
    return True


def follow(
    now: Now,
    told: Callable[[Report], None],
    *,
    insist: Insist = runner.anybody,
    may: May = always,
    fetch: Fetch | None = None,
) -> None:
    """Until SIGINT, SIGTERM, or standard input, a line to whoever started this process, closes. `now` gives the city's
    time, `may` whether it is this process that issues forecasts, `insist` raises where it is not, and `fetch(now_ms)`
    brings the weather."""
    with BreakingOff() as breaking_off, contextlib.suppress(KeyboardInterrupt):
        _follow(now, told, insist, may, fetch, breaking_off)


def _follow(
    now: Now, told: Callable[[Report], None], insist: Insist, may: May, fetch: Fetch | None, breaking_off: BreakingOff
) -> None:
    def still() -> None:
        breaking_off.here()
        insist()

    shelf, done_ms = Shelf(), 0
    wait = LOOK_EVERY_S
    while not _is_over(wait, breaking_off.here):
        wait = LOOK_EVERY_S
        now_ms = now() if may() else None
        if now_ms is None or 0 <= now_ms - done_ms < EVERY_CITY_MS:
            continue
        try:
            report = runner.refresh(now_ms, budget_s=BUDGET_S, shelf=shelf, insist=still, fetch=fetch)
        except Superseded as reason:
            log.warning("the forecasts are issued by another process: %s", reason)
            continue
        told(report)
        done_ms = 0 if report.left else now_ms
        wait = max(LOOK_EVERY_S, report.seconds / 2)  # never more than two thirds of a core


def city_ms(url: str) -> int | None:
    """The city's time, or None while it does not answer."""
    try:
        with urlopen(f"{url}/clock", timeout=TIMEOUT_S) as answer:
            return int(json.load(answer)["at"])
    except (URLError, OSError, ValueError, KeyError, TypeError) as error:
        log.info("the city's clock does not answer: %s", error)
        return None


def _is_over(wait_s: float, between: Callable[[], None] = lambda: None) -> bool:
    """Wait; whether the line to the parent has closed meanwhile. Without such a line: never. `between` is called at
    least every half second and may raise."""
    mode = os.fstat(0).st_mode
    has_line = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
    until = time.monotonic() + wait_s
    while (left := until - time.monotonic()) > 0:
        between()
        if not has_line:
            time.sleep(min(left, LOOK_S))
        elif select.select([0], [], [], min(left, LOOK_S))[0] and not os.read(0, 4096):
            return True
    between()
    return False
