# SPDX-License-Identifier: Apache-2.0
"""Series of one target with what is known of each, and the rows a backtest or a forecast of a batch of them makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from smartcity import declared
from smartcity.devices.models import Series
from smartcity.forecasting import champions, city_beside, intervals, pins, scoring, trees
from smartcity.forecasting.city_beside import Sky
from smartcity.forecasting.methods import METHODS, suited
from smartcity.forecasting.models import Calibration, IssuedForecast, Pin, Score
from smartcity.forecasting.packing import pack, pack_standing, unpack_standing
from smartcity.forecasting.ranking import Standing
from smartcity.forecasting.series import History
from smartcity.kernel.forecasts import Target, Tier

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
ISSUE_EVERY_MS = {Tier.LIGHT: HOUR_MS, Tier.HEAVY: 6 * HOUR_MS}  # by the tier of the methods that share it
CALIBRATE_EVERY_MS = DAY_MS
KEPT_EVERY_MS = 6 * HOUR_MS
BATCH = {Tier.LIGHT: 48, Tier.HEAVY: 4}
RENEWED = ("made_at", "ladder", "skill", "windows", "asked", "shares", "miss", "judged")

Found = tuple[int, str, str]  # a series: its id, metric and the kind of its asset


@dataclass(frozen=True, slots=True)
class Job:
    """The series of one target with what is known of each; `methods` it may use, and those a person has pinned."""

    target: Target
    methods: tuple[str, ...]
    series: tuple[int, ...]
    calibrations: dict[int, Calibration]
    issued: dict[int, int]
    pins: dict[int, Pin]

    def standing(self, pk: int) -> Standing:
        """By the backtest, which goes on where a person has decided otherwise."""
        found = unpack_standing(self.calibrations.get(pk), self.target, self.methods)
        return pins.heeded(found, self.pins[pk]) if pk in self.pins else found

    def to_calibrate(self, now_ms: int) -> list[int]:
        """Never backtested ones first, then the oldest; a time in the future (another clock) counts as never."""
        made = {pk: row.made_at for pk, row in self.calibrations.items() if row.made_at <= now_ms}
        due = [pk for pk in self.series if now_ms - made.get(pk, -DAY_MS * 10_000) >= CALIBRATE_EVERY_MS]
        return sorted(due, key=lambda pk: made.get(pk, 0))

    def to_issue(self, now_ms: int) -> list[int]:
        """What has grown old; at once what was pinned after it was issued."""
        every = {pk: ISSUE_EVERY_MS[self.standing(pk).tier] for pk in self.series}
        issued = {pk: at for pk, at in self.issued.items() if pk not in self.pins or self.pins[pk].since <= at}
        return [pk for pk in self.series if not 0 <= now_ms - issued.get(pk, -DAY_MS * 10_000) < every[pk]]

    def batches(self, chosen: Sequence[int], tier: Tier = Tier.LIGHT) -> Iterator[list[int]]:
        """So many at once as methods of the tier may take."""
        for start in range(0, len(chosen), BATCH[tier]):
            yield list(chosen[start : start + BATCH[tier]])

    @property
    def tier(self) -> Tier:
        return Tier.HEAVY if any(METHODS[name].tier is Tier.HEAVY for name in self.methods) else Tier.LIGHT

    def calibrate(
        self, batch: Sequence[int], past: Mapping[int, History], now_ms: int, over: Sky
    ) -> tuple[list[Calibration], list[Standing]]:
        """What a backtest finds; a handful of queries, nothing written."""
        standings = city_beside.calibrate(batch, [past[pk] for pk in batch], self.target, self.methods, now_ms, over)
        judged = self._judged(batch, now_ms)
        rows = [pack_standing(pk, standing, now_ms, *judged[pk]) for pk, standing in zip(batch, standings, strict=True)]
        return rows, standings

    def issue(self, batch: Sequence[int], past: Mapping[int, History], now_ms: int, over: Sky) -> list[IssuedForecast]:
        """A forecast of each; events near them are read, nothing written."""
        standings = [self.standing(pk) for pk in batch]
        found = city_beside.issue(batch, [past[pk] for pk in batch], self.target, standings, now_ms, over)
        slot = now_ms // KEPT_EVERY_MS
        return [
            pack(pk, one, is_kept=self.issued.get(pk, 0) // KEPT_EVERY_MS != slot)
            for pk, one in zip(batch, found, strict=True)
        ]

    def _judged(self, batch: Sequence[int], now_ms: int) -> dict[int, tuple[float, int]]:
        """What bands should aim at and how many forecasts say so, with those whose end came since the last backtest."""
        ahead = self.target.horizon_steps * self.target.step_s * 1000 + scoring.SETTLED_MS + HOUR_MS
        known = {pk: self.calibrations.get(pk) for pk in batch}
        since = {pk: row.made_at - ahead if row and row.made_at <= now_ms else 0 for pk, row in known.items()}
        rows = Score.objects.filter(
            series_id__in=batch, issued_at__gt=min(since.values()), issued_at__lte=now_ms - ahead
        )
        missed: dict[int, list[float]] = {pk: [] for pk in batch}
        for pk, at, n, inside in rows.order_by("issued_at").values_list("series_id", "issued_at", "n", "inside80"):
            if at > since[pk]:
                missed[pk].append(1 - inside / n)
        return {
            pk: (
                intervals.adapt(row.miss if row else intervals.MISSES, missed[pk]),
                (row.judged if row else 0) + len(missed[pk]),
            )
            for pk, row in known.items()
        }


def foreseen(metrics: Sequence[str] = (), ids: tuple[int, int] | None = None) -> dict[Target, list[Found]]:
    """The series of each target in the order of their ids, light targets first: they are many and cheap. One query.

    `ids`: from which to which. A heavy target with more series than there is time for is foreseen by light methods.
    """
    targets = [target for target in trees.singly(declared.targets()) if not metrics or target.metric in metrics]
    names = [target.metric for target in targets]
    alive = Series.objects.filter(metric__in=names, device__retired_at=None, device__asset__missing_since=None)
    if ids:
        alive = alive.filter(pk__range=ids)
    rows = list(alive.order_by("pk").values_list("pk", "metric", "device__asset__kind"))
    found = {target: [row for row in rows if _is_meant(target, row[1], row[2])] for target in targets}
    found = {_affordable(target, len(rows)): rows for target, rows in found.items()}
    return dict(sorted(found.items(), key=lambda one: one[0].tier is Tier.HEAVY))


def known(found: Mapping[Target, Sequence[Found]], standing: Sequence[Pin]) -> list[Job]:
    """With what is stored of them. Two queries, whatever the number of targets."""
    series = sorted({row for rows in found.values() for row in rows})
    ids = [pk for pk, _, _ in series]
    calibrations = {row.series_id: row for row in Calibration.objects.filter(series_id__in=ids)}
    current = IssuedForecast.objects.filter(series_id__in=ids, is_current=True)
    issued = dict(current.values_list("series_id", "issued_at"))
    pinned = pins.by_series(series, standing)
    return [_job(target, [row[0] for row in rows], calibrations, issued, pinned) for target, rows in found.items()]


def keep_calibrations(rows: Sequence[Calibration], standings: Sequence[Standing], now_ms: int) -> None:
    """In a transaction of the caller's."""
    Calibration.objects.bulk_create(rows, update_conflicts=True, unique_fields=["series"], update_fields=RENEWED)
    champions.remember([row.series_id for row in rows], standings, now_ms)


def keep_forecasts(rows: Sequence[IssuedForecast], now_ms: int) -> None:
    """In a transaction of the caller's: they are current from now on, and what was issued at or after now is gone."""
    ids = [row.series_id for row in rows]
    IssuedForecast.objects.filter(series_id__in=ids, issued_at__gte=now_ms).delete()
    IssuedForecast.objects.filter(series_id__in=ids, is_current=True).update(is_current=False)
    IssuedForecast.objects.bulk_create(rows)


def _is_meant(target: Target, metric: str, kind: str) -> bool:
    return metric == target.metric and (not target.kinds or kind in target.kinds)


def _affordable(target: Target, count: int) -> Target:
    return target if count <= pins.MOST_HEAVY else replace(target, tier=Tier.LIGHT)


def _job(
    target: Target,
    series: Sequence[int],
    calibrations: dict[int, Calibration],
    issued: dict[int, int],
    pinned: dict[int, Pin],
) -> Job:
    mine = set(series)
    return Job(
        target,
        suited(target.tier),
        tuple(series),
        {pk: row for pk, row in calibrations.items() if pk in mine},
        {pk: at for pk, at in issued.items() if pk in mine},
        {pk: pin for pk, pin in pinned.items() if pk in mine},
    )
