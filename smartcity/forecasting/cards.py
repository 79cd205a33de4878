# SPDX-License-Identifier: Apache-2.0
"""Model cards: of each metric and kind that is foreseen what for, from what, by what, how well, approved by whom."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from django.db import transaction
from django.db.models import Q

from smartcity import declared
from smartcity.api.audit import Actor, record
from smartcity.forecasting import board, city_beside
from smartcity.forecasting.board_words import band_word, in_words
from smartcity.forecasting.methods import METHODS, suited
from smartcity.forecasting.models import CardApproval
from smartcity.kernel.forecasts import Target, Tier
from smartcity.kernel.metrics import DataClass, Metric

WEATHER = {"temperature", "sunshine"}
HERE = Path(__file__).parent
WHAT_FORESEES = "backtest beside clean engine intervals mixture quantiles ranking seasons"


class Refused(Exception):
    """Why it cannot be approved, in a sentence for the person who asked."""


@dataclass(frozen=True, slots=True)
class Card:
    """One metric and kind. `line` is None while nothing of it has been scored; `approval` while nobody approved it."""

    target: Target
    metric: Metric
    kind: str
    line: board.Line | None
    approval: CardApproval | None
    beside: tuple[str, ...]

    @property
    def domain(self) -> str:
        return self.metric.domain

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(METHODS[name].title for name in suited(self.target.tier))

    @property
    def is_current(self) -> bool:
        """Whether the methods are still those that were approved."""
        return self.approval is not None and self.approval.code == code()

    @property
    def data(self) -> tuple[str, ...]:
        """What it is made from, its class and how long it is kept."""
        own = self.metric
        beside = f"Beside it: {', '.join(self.beside)}." if self.beside else "Nothing else: no weather, no holidays."
        return (
            f"Past values of the series itself ({own.title}, {own.unit}): {own.purpose}",
            f"Data class {own.data_class.value}; readings are kept {own.sealed_days} days, means of them "
            f"{own.keep_rollup_days} days; forecasts 60 days, their scores for good.",
            beside,
        )

    @property
    def limits(self) -> tuple[str, ...]:
        """Where it fails, as far as that is known; what was measured first."""
        return (*_measured_limits(self.line), *_known_limits(self.target, self.metric, self.beside))


def _measured_limits(line: board.Line | None) -> list[str]:
    if line is None:
        return ["Nothing of it has been measured yet."]
    figures, said = line.whole, []
    if figures.skill is not None and figures.skill < 0:
        said.append(f"It is {-figures.skill:.0%} further off than the value one season before: do not act on it.")
    for band, covered in (("80", figures.coverage80), ("95", figures.coverage95)):
        word = band_word(covered, band)
        if covered is not None and word.startswith("too"):
            said.append(f"Its {band} % band is {word}: it held {covered:.0%}.")
    return said


def _known_limits(target: Target, metric: Metric, beside: tuple[str, ...]) -> list[str]:
    hours = target.horizon_steps * target.step_s // 3600
    said = [
        f"It reaches {hours} hours ahead and no further.",
        "What did not happen in the last eight weeks (works, strikes) is not in it, unless entered as an event.",
        "A series younger than three days repeats its last day, or is not foreseen; a sensor that hangs is left out.",
    ]
    if not WEATHER & set(beside):
        said.append("It does not know the weather: a sudden change of it comes as a surprise.")
    if metric.data_class is DataClass.PERSONAL:
        said.append("Made of personal data: it is shown only to those with their own grant.")
    if target.tier is Tier.HEAVY:
        said.append("Where there are more than 60 series of it the costly methods are left out.")
    return said


@cache
def code() -> str:
    """Digest of the files that make a forecast: it changes whenever they do."""
    files = [*(HERE / f"{name}.py" for name in WHAT_FORESEES.split()), *sorted((HERE / "methods").glob("*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def gather(visible: Q, now_ms: int, *, only: tuple[str, str] | None = None) -> list[Card]:
    """Of all that is foreseen, or of one (metric, kind); figures of what `visible` lets through.

    Three queries, and up to two for each metric that asks for the weather.
    """
    lines = {(line.of.metric, line.of.kind): line for line in board.lines(visible, now_ms)}
    found = [pair for pair in _declared(lines) if only is None or pair[1:] == only]
    newest: dict[tuple[str, str], CardApproval] = {}
    for row in CardApproval.objects.filter(metric__in={metric for _, metric, _ in found}).order_by("approved_at"):
        newest[row.metric, row.kind] = row
    metrics = declared.metrics()
    return [
        Card(
            target,
            metrics[name],
            kind,
            lines.get((name, kind)),
            newest.get((name, kind)),
            city_beside.around(target, now_ms),
        )
        for target, name, kind in found
        if name in metrics
    ]


def _declared(lines: Iterable[tuple[str, str]]) -> list[tuple[Target, str, str]]:
    """Each target's kinds; where it names none, those that have been scored."""
    return [
        (target, target.metric, kind)
        for target in declared.targets()
        for kind in target.kinds or sorted(kind for metric, kind in lines if metric == target.metric)
    ]


def approve(card: Card, *, owner: str, contact: str, basis: str, reason: str, by: Actor, now_ms: int) -> CardApproval:
    """Put a name under what the card says now. Raises Refused."""
    if not owner.strip() or not reason.strip():
        raise Refused("Say who answers for it and why it may be used.")
    with transaction.atomic():
        row = CardApproval.objects.create(
            metric=card.metric.name,
            kind=card.kind,
            owner=owner,
            contact=contact,
            basis=basis,
            reason=reason,
            approved_by=by.name,
            approved_at=now_ms,
            code=code(),
            figures=asdict(card.line.whole) if card.line else None,
        )
        after = {"owner": owner, "contact": contact, "basis": basis, "code": row.code}
        record(by, "forecast.approve", f"{card.metric.name} of {card.kind}", after=after, reason=reason)
    return row


def measured(card: Card) -> str:
    """The board's sentence, with what it rests on."""
    if card.line is None:
        return "No forecast has run its course yet."
    counted = f"{card.line.forecasts:,} forecasts of {card.line.series:,} series in 28 days"
    return f"{in_words(card.line.whole, card.metric.unit)} From {counted}."
