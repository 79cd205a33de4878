# SPDX-License-Identifier: Apache-2.0
"""The accuracy board: how the forecasts of the last four weeks did, per domain, metric and kind, and who did worst.

Everything is added up in the database: the same few queries for ten series as for a hundred thousand. Figures are
ratios of sums over all values of a line, so that no single near-constant series can blow one up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, FloatField, Min, Q, QuerySet, Sum
from django.db.models.expressions import Combinable

from smartcity.forecasting.methods import METHODS, MIX
from smartcity.forecasting.models import Drift, IssuedForecast, Score
from smartcity.forecasting.read import RECENT_MS
from smartcity.forecasting.scoring import SETTLED_MS

WORST = 20
FEWEST_SCORES = 4  # a day's worth: one bad quarter of a day is no verdict
ASSET = "series__device__asset"
LINE = (f"{ASSET}__domain", "series__metric", f"{ASSET}__kind")
IS_THERE = Q(series__device__retired_at=None, series__device__asset__missing_since=None)

Sums = Mapping[str, float | None]


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """Series of the same kind of thing: what a line of the board is about."""

    domain: str
    metric: str
    kind: str


@dataclass(frozen=True, slots=True)
class Figures:
    """`mae` and `bias` (mean of actual − median) in the metric's unit; the others have none.

    `mase`: mean error / mean change from one day to the next (Hyndman & Koehler 2006); `loss`: quantile loss by the
    same scale; `skill`: 1 − error / that of the value one season before; None: not measured.
    """

    n: int
    mae: float | None
    mase: float | None
    loss: float | None
    skill: float | None
    coverage80: float | None
    coverage95: float | None
    bias: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of series. `methods`: share of the forecasts by who made them, the largest first.

    `first` and `later` split the horizon after its first day, None where it is no longer than that.
    """

    of: Kind
    series: int
    forecasts: int
    whole: Figures
    first: Figures | None
    later: Figures | None
    methods: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Worst:
    """A series that does badly; `method` is the one in force."""

    series: int
    asset: str
    name: str
    of: Kind
    forecasts: int
    figures: Figures
    method: str


@dataclass(frozen=True, slots=True)
class Drifting:
    """A series whose forecasts have become worse; `what`, `before` and `after` as in Drift."""

    series: int
    asset: str
    name: str
    of: Kind
    what: str
    since_ms: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """A kind of series with forecasts on their way to a score; the first is due at `first_at_ms`."""

    of: Kind
    series: int
    first_at_ms: int


def title_of(method: str) -> str:
    """A method as a person reads it."""
    if method == MIX:
        return "a mix of methods"
    return METHODS[method].title if method in METHODS else method


def lines(visible: Q, now_ms: int) -> list[Line]:
    """One for each domain, metric and kind with a score that `visible` lets through. Two queries."""
    rows = _recent(visible, now_ms).values(*LINE).order_by(*LINE)
    methods: dict[Kind, dict[str, int]] = {}
    for row in rows.values(*LINE, "method").annotate(rows=Count("pk")):
        methods.setdefault(_kind(row), {})[row["method"]] = row["rows"]
    sums = {**_sums("whole"), **_sums("longer", only=Q(first_n__isnull=False)), **_sums("first", of="first_")}
    found = rows.annotate(rows=Count("pk"), of=Count("series", distinct=True), **sums)
    return [_line(row, methods[_kind(row)]) for row in found]


def worst(visible: Q, now_ms: int) -> list[Worst]:
    """The series that fall furthest behind seasonal naive, the worst first. Two queries."""
    named = ("series_id", f"{ASSET}__uid", f"{ASSET}__name", *LINE)
    rows = _recent(visible & IS_THERE, now_ms).values(*named).annotate(rows=Count("pk"), **_sums("whole"))
    rows = rows.filter(rows__gte=FEWEST_SCORES, whole_naive__gt=0)
    ranked = list(rows.order_by((F("whole_paired") / F("whole_naive")).desc(), "series_id")[:WORST])
    current = IssuedForecast.objects.filter(series_id__in=[row["series_id"] for row in ranked], is_current=True)
    method = dict(current.values_list("series_id", "method"))
    return [
        Worst(
            series=row["series_id"],
            asset=row[f"{ASSET}__uid"],
            name=row[f"{ASSET}__name"],
            of=_kind(row),
            forecasts=row["rows"],
            figures=figures(_part(row, "whole")),
            method=method.get(row["series_id"], ""),
        )
        for row in ranked
    ]


def drifting(visible: Q) -> list[Drifting]:
    """Series that have been drifting, the newest first. One query."""
    rows = Drift.objects.filter(visible & IS_THERE, ended_at=None).order_by("-since", "series_id")
    named = ("series_id", f"{ASSET}__uid", f"{ASSET}__name", *LINE, "what", "since", "before", "after")
    return [
        Drifting(
            series=row["series_id"],
            asset=row[f"{ASSET}__uid"],
            name=row[f"{ASSET}__name"],
            of=_kind(row),
            what=row["what"],
            since_ms=row["since"],
            before=row["before"],
            after=row["after"],
        )
        for row in rows.values(*named)
    ]


def waiting(visible: Q) -> list[Waiting]:
    """When the first forecast of each kind can be held against what came. One query."""
    rows = IssuedForecast.objects.filter(visible & IS_THERE, is_kept=True, is_scored=False, end__gt=F("start"))
    found = rows.values(*LINE).annotate(of=Count("series", distinct=True), first=Min("end")).order_by(*LINE)
    return [Waiting(_kind(row), row["of"], row["first"] + SETTLED_MS) for row in found]


def figures(sums: Sums) -> Figures:
    """From sums over all values of some forecasts (see `_sums`). Pure."""
    skill = _ratio(sums["paired"], sums["naive"])
    return Figures(
        n=int(sums["steps"] or 0),
        mae=_ratio(sums["error"], sums["steps"]),
        mase=_ratio(sums["scaled"], sums["scale"]),
        loss=_ratio(sums.get("loss"), sums["scale"]),
        skill=None if skill is None else 1 - skill,
        coverage80=_ratio(sums["inside80"], sums["steps"]),
        coverage95=_ratio(sums.get("inside95"), sums.get("steps95")),
        bias=_ratio(sums.get("lean"), sums.get("steps_lean")),
    )


def _ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None


def _kind(row: Mapping[str, Any]) -> Kind:
    return Kind(*(row[name] for name in LINE))


def _line(row: Mapping[str, Any], methods: Mapping[str, int]) -> Line:
    whole, longer, first = (_part(row, name) for name in ("whole", "longer", "first"))
    later = {name: (longer[name] or 0.0) - (value or 0.0) for name, value in first.items()}
    has_later = bool(later["steps"])
    rows = row["rows"]
    shares = sorted(((name, count / rows) for name, count in methods.items()), key=lambda share: (-share[1], share[0]))
    return Line(
        of=_kind(row),
        series=row["of"],
        forecasts=rows,
        whole=figures(whole),
        first=figures(first) if has_later and first["steps"] else None,
        later=figures(later) if has_later else None,
        methods=tuple(shares),
    )


def _part(row: Mapping[str, Any], prefix: str) -> dict[str, float | None]:
    return {name.removeprefix(f"{prefix}_"): value for name, value in row.items() if name.startswith(f"{prefix}_")}


def _recent(visible: Q, now_ms: int) -> QuerySet[Score]:
    return Score.objects.filter(visible, issued_at__gt=now_ms - RECENT_MS, issued_at__lte=now_ms)


def _sums(prefix: str, *, of: str = "", only: Q | None = None) -> dict[str, Sum]:
    """What `figures` divides, over the columns that start with `of`: a mean is taken back to its sum by its `n`."""
    only = only or Q()
    scaled, naive = Q(scale__isnull=False), Q(**{f"{of}naive_mae__isnull": False})
    sums = {
        "steps": _sum(F(f"{of}n"), only),
        "error": _sum(F(f"{of}mae") * F(f"{of}n"), only),
        "scaled": _sum(F(f"{of}mae") * F(f"{of}n"), only & scaled),
        "scale": _sum(F("scale") * F(f"{of}n"), only & scaled),
        "paired": _sum(F(f"{of}mae") * F(f"{of}n"), only & naive),
        "naive": _sum(F(f"{of}naive_mae") * F(f"{of}n"), only & naive),
        "inside80": _sum(F(f"{of}inside80"), only),
    }
    if prefix == "whole":
        sums |= {
            "loss": _sum(F("loss") * F("n"), scaled),
            "inside95": _sum(F("inside95"), Q()),
            "steps95": _sum(F("n"), Q(inside95__isnull=False)),
            "lean": _sum(F("bias") * F("n"), Q()),
            "steps_lean": _sum(F("n"), Q(bias__isnull=False)),
        }
    return {f"{prefix}_{name}": each for name, each in sums.items()}


def _sum(what: Combinable, where: Q) -> Sum:
    return Sum(what, filter=where or None, output_field=FloatField())
