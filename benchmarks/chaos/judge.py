# SPDX-License-Identifier: Apache-2.0
"""The history checker: what devices saw acknowledged against what the store holds, row by row. Touches nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.chaos.history import Floats, Heard, Ints, Log, Rows

QUARTER_MS: Final = 900_000
MESSAGES: Final = ("decoded", "quarantined", "refused")
READINGS: Final = ("stored", "duplicate", "conflicting", "quarantined", "not_kept")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Counts of readings. `held` are rows in the store.

    lost: acknowledged and not held; altered: held with another value than was said; duplicated: rows beyond the first
    of their key; unsaid: held though no device said it; kept_though_refused: held though its device heard a refusal;
    unheard: held though its device has heard nothing yet, which is no fault: the answer was lost on the way.
    """

    acknowledged: int
    held: int
    lost: int
    altered: int
    duplicated: int
    unsaid: int
    kept_though_refused: int
    unheard: int

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.altered or self.duplicated or self.unsaid or self.kept_though_refused)


def compare(log: Log, held: Rows) -> Verdict:
    """Judge the store by the devices' log. Raises ValueError if two messages say the same key: then nobody can."""
    said = log.readings
    order = np.argsort(said.key, kind="stable")
    keys, values = said.key[order], said.value[order]
    if (keys[1:] == keys[:-1]).any():
        raise ValueError("two messages of the log say the same key")
    place = np.minimum(np.searchsorted(keys, held.key), max(0, len(keys) - 1))
    is_said = keys[place] == held.key if len(keys) else np.zeros(len(held), np.bool_)
    heard = np.repeat(log.heard, log.each)[order][place[is_said]]
    return Verdict(
        acknowledged=int((log.heard == Heard.ACKNOWLEDGED).sum()) * log.each,
        held=len(held),
        lost=len(missing(log, held)),
        altered=int((values[place[is_said]] != held.value[is_said]).sum()),
        duplicated=len(held) - len(np.unique(held.key)),
        unsaid=int((~is_said).sum()),
        kept_though_refused=int((heard == Heard.REFUSED).sum()),
        unheard=int((heard == Heard.NOTHING).sum()),
    )


def missing(log: Log, held: Rows) -> Rows:
    """The readings that were acknowledged and are not there."""
    promised = log.that_heard(Heard.ACKNOWLEDGED).readings
    return promised.take(~np.isin(promised.key, held.key))


@dataclass(frozen=True, slots=True)
class Quarters:
    """Rollups by quarter of an hour: columns ordered by (bucket, series)."""

    bucket: Ints
    series: Ints
    n: Ints
    total: Floats
    low: Floats
    high: Floats
    last: Floats

    def __len__(self) -> int:
        return len(self.bucket)


def quarters(held: Rows) -> Quarters:
    """What the rollups of these readings must be, worked out here once more."""
    order = np.lexsort((held.at, held.series, held.at // QUARTER_MS))
    rows = held.take(order)
    bucket = rows.at - rows.at % QUARTER_MS
    starts = np.flatnonzero((np.diff(bucket, prepend=-1) != 0) | (np.diff(rows.series, prepend=-1) != 0))
    ends = np.append(starts[1:], len(rows))
    if not len(starts):
        empty = np.empty(0)
        return Quarters(bucket, rows.series, bucket, empty, empty, empty, empty)
    return Quarters(
        bucket[starts],
        rows.series[starts],
        ends - starts,
        np.add.reduceat(rows.value, starts),
        np.minimum.reduceat(rows.value, starts),
        np.maximum.reduceat(rows.value, starts),
        rows.value[ends - 1],
    )


def wrong_quarters(held: Rows, found: Quarters) -> int:
    """How many rollups are missing, too many or other than the readings say."""
    right = quarters(held)
    keys, had = right.bucket * 2**20 + right.series, found.bucket * 2**20 + found.series
    both, here, there = np.intersect1d(keys, had, return_indices=True)
    same = right.n[here] == found.n[there]
    for name in ("total", "low", "high", "last"):
        same &= np.isclose(getattr(right, name)[here], getattr(found, name)[there], rtol=1e-12, atol=1e-9)
    return len(keys) + len(had) - 2 * len(both) + int((~same).sum())


def wrong_latest(held: Rows, found: Rows) -> int:
    """How many latest values are not the newest reading of their series."""
    order = np.lexsort((held.at, held.series))
    newest = held.take(order).take(np.append(np.diff(held.series[order]) != 0, True)[: len(held)])
    right = set(zip(newest.series.tolist(), newest.at.tolist(), newest.value.tolist(), strict=True))
    return len(right ^ set(zip(found.series.tolist(), found.at.tolist(), found.value.tolist(), strict=True)))


def imbalances(
    runs: Mapping[str, Mapping[str, int]], log: Log, held: Rows, *, others_speak: bool = False
) -> Sequence[str]:
    """Which conservation law does not hold, in words, over closed runs and the devices' log; none where all do.

    With n readings a message, and every message answered: a message decoded twice (its answer was lost, so it was
    said again) counts n duplicates, so that readings decoded = n x messages decoded, and duplicates = n x (decoded -
    said). Nothing of what the fleet says is quarantined or conflicts. Where others speak too, without readings, only
    the difference of the two can be told: what was decoded and not a duplicate is what the fleet has said.
    """
    found = [fault for run, counts in runs.items() for fault in unbalanced(run, counts)]
    total: Counter[str] = Counter()
    for counts in runs.values():
        total.update(counts)
    claims = {"readings.stored": len(held), "readings.conflicting": 0}
    if not (log.heard == Heard.NOTHING).any() and not (log.heard == Heard.REFUSED).any():
        again = total["readings.duplicate"] if others_speak else log.each * (total["messages.decoded"] - len(log))
        claims |= {"readings.decoded": log.each * len(log) + again, "readings.duplicate": again}
    said = [f"{name} is {total[name]}, not {n}" for name, n in claims.items() if total[name] != n]
    return [*found, *said]


def unbalanced(run: str, counts: Mapping[str, int]) -> Sequence[str]:
    """The two ledgers of one run."""
    came = {"messages": counts.get("messages.received", 0), "readings": counts.get("readings.decoded", 0)}
    told = {
        "messages": sum(counts.get(f"messages.{name}", 0) for name in MESSAGES),
        "readings": sum(counts.get(f"readings.{name}", 0) for name in READINGS),
    }
    return [f"run {run}: {came[of]} {of} came, {told[of]} are accounted for" for of in came if came[of] != told[of]]
