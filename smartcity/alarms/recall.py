# SPDX-License-Identifier: Apache-2.0
"""After a start: since when does what is seen now already hold? The store remembers, so no delay begins anew."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from smartcity.alarms.condition import NEVER, Bools, Floats, Ints
from smartcity.alarms.roster import Watch
from smartcity.kernel.quality import Quality
from smartcity.telemetry import read


def begin(watches: Iterable[Watch], active: Collection[tuple[str, int | None]], now_ms: int) -> None:
    """Set the state of assets not looked at before from the readings of the delay's span; two queries per rule."""
    for watch in watches:
        new = [row for row in range(len(watch.series)) if watch.seen.at[row] == NEVER]
        span_ms = max(watch.delays.on, watch.delays.off) + watch.delays.holds
        if not new or not span_ms:
            continue
        series = [watch.series[row] for row in new]
        latest = read.latest(series)
        asking = [row for row in new if _matters(watch, row, latest.get(watch.series[row]), active)]
        if asking:
            history = read.raw([watch.series[row] for row in asking], now_ms - span_ms, now_ms + 1)
            for row in asking:
                _replay(watch, row, history)


def _matters(watch: Watch, row: int, value: read.Value | None, active: Collection[tuple[str, int | None]]) -> bool:
    """A pending raise, or a standing alarm that may be pending its clear."""
    if value is None or not value.is_usable:
        return False
    test = watch.rule.is_good if (watch.rule.name, int(watch.assets[row])) in active else watch.rule.is_bad
    return bool(test(value.value, watch.engineering[row]))


def _replay(watch: Watch, row: int, history: tuple[Ints, Ints, Floats, Ints]) -> None:
    series, at, value, quality = history
    mine: Bools = (series == watch.series[row]) & (quality < Quality.SUSPECT_RANGE)
    for test, since in (
        (watch.rule.is_bad, watch.state.bad_since),
        (watch.rule.is_good, watch.state.good_since),
    ):
        began = NEVER
        for when, what in zip(at[mine].tolist(), value[mine].tolist(), strict=True):
            holds = test(what, watch.engineering[row])
            began = (when if began == NEVER else began) if holds else NEVER
        since[row] = began
