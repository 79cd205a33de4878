# SPDX-License-Identifier: Apache-2.0
"""Forecasts of streets, districts, feeders and the city: their pasts are sums, their forecasts are made to add up.

After the single series have been issued, once a city hour; what each node trusts and how wrong it was, once a city day.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from django.conf import settings
from django.db import transaction

from smartcity import declared
from smartcity.forecasting import city_beside, coherent, places, retrospect, tree
from smartcity.forecasting.beside import Beside
from smartcity.forecasting.coherent import Way
from smartcity.forecasting.methods import suited
from smartcity.forecasting.models import (
    Calibration,
    ForecastNode,
    IssuedForecast,
    NodeCalibration,
    NodeForecast,
)
from smartcity.forecasting.packing import columns, unpack, unpack_standing
from smartcity.forecasting.past import Shelf
from smartcity.forecasting.ranking import Standing
from smartcity.forecasting.series import Array, History
from smartcity.kernel.forecasts import Target, Tier
from smartcity.kernel.metrics import DataClass

log = logging.getLogger(__name__)

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
KEPT_MS = 2 * DAY_MS
LEARN = 0.6
MOST_LEAVES = 5_000  # whose pasts fit into this one process, and are made to add up within seconds


@dataclass(slots=True)
class Told:
    """What one refresh did."""

    trees: int = 0
    nodes: int = 0
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Work:
    """A tree with the past of each node and its row, in the order of the nodes."""

    target: Target
    tree: tree.Tree
    pasts: list[History]
    rows: list[ForecastNode]

    @property
    def sums(self) -> list[int]:
        """Nodes that are foreseen here; the others are one series each, whose forecasts are in force already."""
        return [k for k, same in enumerate(self.same) if same == k and self.tree.series_of(k) is None]

    @property
    def same(self) -> list[int]:
        """Of each node the one that it equals: a street with one sensor is that sensor, any other node itself."""
        single = {node.members[0]: k for k, node in enumerate(self.tree.nodes) if node.level == tree.SERIES}
        nodes = self.tree.nodes
        return [single.get(n.members[0], k) if len(n.members) == 1 else k for k, n in enumerate(nodes)]


def singly(targets: Sequence[Target]) -> list[Target]:
    """The targets whose series may be foreseen one by one: all but those of personal data without a purpose for it."""
    return [target for target in targets if not _is_personal(target)]


def _is_personal(target: Target) -> bool:
    metric = declared.metrics().get(target.metric)
    return metric is not None and metric.data_class is DataClass.PERSONAL and not target.singly


def refresh(now_ms: int, *, shelf: Shelf, insist: Callable[[], None], metrics: Sequence[str] = ()) -> Told:
    """All trees that are due. One that fails is logged and counted; the others are made all the same."""
    began, told = time.perf_counter(), Told()
    for target in declared.targets():
        if not target.adds_up or (metrics and target.metric not in metrics) or not _is_due(target, now_ms):
            continue
        try:
            made = _made(target, now_ms, shelf)
        except Exception:
            log.exception("no sums of %s", target.metric)
            told.failed.append(f"sums of {target.metric}")
            continue
        if made:
            _store(made, insist)
            told.nodes += len(made)
            told.trees += 1
    NodeForecast.objects.filter(is_current=False, issued_at__lt=now_ms - KEPT_MS).delete()
    told.seconds = time.perf_counter() - began
    return told


def kind_of(target: Target) -> str:
    return ",".join(target.kinds)


def _is_due(target: Target, now_ms: int) -> bool:
    rows = NodeForecast.objects.filter(node__metric=target.metric, node__kind=kind_of(target), node__parent=None)
    at = rows.filter(is_current=True).values_list("issued_at", flat=True).first()
    return at is None or not 0 <= now_ms - at < HOUR_MS


def _made(target: Target, now_ms: int, shelf: Shelf) -> list[NodeForecast]:
    """Rows for all nodes of a target's tree, not stored yet; none where there is nothing to add up."""
    work = _work(target, now_ms, shelf)
    if work is None:
        return []
    beside = city_beside.sky(target, now_ms).beside
    standings, errors = _calibrated(work, now_ms, beside)
    base = _base(work, standings, now_ms, beside)
    if base is None:
        return []
    start_ms, levels, values = base
    to_bottoms, bottoms = tree.sums(work.tree), work.tree.bottoms
    sizes = np.array([max(float(np.nanmean(np.abs(past.values))), 1e-9) for past in work.pasts])
    way, beside_bottom_up = coherent.choose(to_bottoms, bottoms, errors, sizes, learn=int(LEARN * errors.shape[1]))
    by_mint = coherent.mint(to_bottoms, bottoms, errors) if way is Way.MINT else None
    bounds = (target.low, target.high)
    means, bands = coherent.draws(values, levels, errors, (to_bottoms, bottoms), by_mint, bounds)
    note = _note(by_mint, beside_bottom_up)
    return [
        NodeForecast(
            node=row, issued_at=now_ms, start=start_ms, step_s=target.step_s, levels=list(levels), note=note,
            means=mean.astype("<f8").tobytes(), values=band.astype("<f4").tobytes(),
        )
        for row, mean, band in zip(work.rows, means, bands, strict=True)
    ]  # fmt: skip


def _note(by_mint: coherent.Mint | None, beside_bottom_up: float) -> str:
    if by_mint is not None:
        return (
            f"Made to add up by all levels together (MinT, shrinkage {by_mint.shrinkage:.2f}): on past days "
            f"{1 - beside_bottom_up:.0%} closer than the parts added up."
        )
    if np.isfinite(beside_bottom_up):
        return "The parts added up: on past days no way to heed the levels above was closer."
    return "The parts added up: there are too few past forecasts to judge another way by."


def _work(target: Target, now_ms: int, shelf: Shelf) -> Work | None:
    """None where there is nothing to add up, or too much. A series without a past is in no sum."""
    if not 0 < places.count(target) <= MOST_LEAVES:
        return None
    leaves = places.leaves(target)
    pasts = shelf.histories(target, [leaf.series for leaf in leaves], now_ms)
    known = [k for k, past in enumerate(pasts) if np.isfinite(past.values).any()]
    if not _is_personal(target):
        spoken = set(
            IssuedForecast.objects.filter(series_id__in=[leaves[k].series for k in known], is_current=True)
            .exclude(values=b"")
            .values_list("series_id", flat=True)
        )
        known = [k for k in known if leaves[k].series in spoken]
    at_least = settings.PERSONAL_AT_LEAST if _is_personal(target) else 1
    grown = tree.grow([leaves[k] for k in known], at_least=at_least)
    if not known or not grown.nodes:
        ForecastNode.objects.filter(metric=target.metric, kind=kind_of(target)).delete()
        return None
    whole = np.stack([pasts[k].values for k in known])
    first = pasts[known[0]]
    sums = [History(first.start_ms, first.step_s, tree.summed(whole[list(node.members)])) for node in grown.nodes]
    return Work(target, grown, sums, _rows(target, grown))


def _rows(target: Target, grown: tree.Tree) -> list[ForecastNode]:
    """A row for each node, made or brought up to date; rows of places that are no more go."""
    key = {"metric": target.metric, "kind": kind_of(target)}
    with transaction.atomic():
        known = {row.key: row for row in ForecastNode.objects.filter(**key)}
        rows: list[ForecastNode] = []
        for k, node in enumerate(grown.nodes):
            row = known.pop(node.key, None) or ForecastNode(**key, key=node.key, members=0)
            parent = rows[node.parent].pk if node.parent >= 0 else None
            wanted = (node.level, node.label[:200], parent, grown.series_of(k), len(node.members), grown.zones_of(k))
            if wanted != (row.level, row.label, row.parent_id, row.series_id, row.members, row.zones):
                row.level, row.label, row.parent_id, row.series_id, row.members, row.zones = wanted
                row.save()
            rows.append(row)
        ForecastNode.objects.filter(pk__in=[row.pk for row in known.values()]).delete()
    return rows


def _calibrated(work: Work, now_ms: int, beside: Beside | None) -> tuple[list[Standing], Array]:
    """What each node trusts and its errors `[nodes, K]`; anew once a day, and when a node is new."""
    methods = suited(Tier.LIGHT)
    rows = {row.node_id: row for row in NodeCalibration.objects.filter(node__in=work.rows)}
    ages = [now_ms - rows[row.pk].made_at if row.pk in rows else DAY_MS for row in work.rows]
    if all(0 <= age < DAY_MS for age in ages) and len({len(row.errors) for row in rows.values()}) == 1:
        found = [rows[row.pk] for row in work.rows]
        standings = [unpack_standing(row, work.target, methods) for row in found]
        return standings, np.stack([np.frombuffer(row.errors, "<f4").astype(np.float64) for row in found])
    standings = _standings(work, now_ms, beside)
    errors = _errors(work, standings, now_ms, beside)
    fresh = [
        NodeCalibration(node=row, errors=line.astype("<f4").tobytes(), **columns(standing, now_ms))
        for row, line, standing in zip(work.rows, errors, standings, strict=True)
    ]
    with transaction.atomic():
        NodeCalibration.objects.filter(node__in=work.rows).delete()
        NodeCalibration.objects.bulk_create(fresh)
    return standings, errors


def _standings(work: Work, now_ms: int, beside: Beside | None) -> list[Standing]:
    """Sums are backtested here; what a series trusts is known."""
    methods = suited(Tier.LIGHT)
    own = {row.series_id: row for row in Calibration.objects.filter(series_id__in=[row.series_id for row in work.rows])}
    found = [
        unpack_standing(own.get(row.series_id), work.target, methods) if row.series_id else Standing()
        for row in work.rows
    ]
    sums = retrospect.standings([work.pasts[k] for k in work.sums], work.target, now_ms, beside)
    for k, one in zip(work.sums, sums, strict=True):
        found[k] = one
    return [found[same] for same in work.same]


def _errors(work: Work, standings: list[Standing], now_ms: int, beside: Beside | None) -> Array:
    own = sorted(set(work.same))
    pasts, trusted = [work.pasts[k] for k in own], [standings[k] for k in own]
    found = retrospect.errors(pasts, trusted, work.target, now_ms, beside)
    at = {k: row for row, k in enumerate(own)}
    return found[[at[same] for same in work.same]]


def _base(
    work: Work, standings: Sequence[Standing], now_ms: int, beside: Beside | None
) -> tuple[int, tuple[float, ...], Array] | None:
    """Start, levels and quantiles `[nodes, levels, H]` over the steps that all base forecasts cover; None without."""
    pasts, trusted = [work.pasts[k] for k in work.sums], [standings[k] for k in work.sums]
    said = {work.sums[k]: one for k, one in retrospect.said(pasts, trusted, work.target, now_ms, beside).items()}
    series = {row.series_id: k for k, row in enumerate(work.rows) if row.series_id}
    for row in IssuedForecast.objects.filter(series_id__in=list(series), is_current=True):
        said[series[row.series_id]] = unpack(row)
    said = {k: said[same] for k, same in enumerate(work.same) if same in said}
    if len(said) < len(work.rows) or len({(one.step_s, one.levels) for one in said.values()}) != 1:
        return None
    start, end = max(one.start_ms for one in said.values()), min(one.end_ms for one in said.values())
    if end <= start:
        return None
    step_ms = work.target.step_s * 1000
    cut = [
        one.values[:, (start - one.start_ms) // step_ms : (end - one.start_ms) // step_ms]
        for one in (said[k] for k in range(len(work.rows)))
    ]
    return start, said[0].levels, np.stack(cut)


def _store(made: list[NodeForecast], insist: Callable[[], None]) -> None:
    """As issued, never overwritten. Of single series only the newest: what they said before is IssuedForecast's."""
    with transaction.atomic():
        insist()
        old = NodeForecast.objects.filter(node__in=[row.node_id for row in made])
        old.filter(issued_at__gte=made[0].issued_at).delete()
        old.filter(node__series__isnull=False).delete()
        old.filter(is_current=True).update(is_current=False)
        NodeForecast.objects.bulk_create(made)
