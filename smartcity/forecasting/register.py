# SPDX-License-Identifier: Apache-2.0
"""A model card as an entry for a public algorithm register.

Fields and their names are those of the Algorithmic Transparency Standard, version 0.3.1 (a draft of Dutch cities and
Eurocities, https://standaard.algoritmeregister.org). What only the city can know stays empty, and `remark` says which
fields these are. Pure.
"""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from smartcity.forecasting import cards
from smartcity.forecasting.cards import Card
from smartcity.kernel.metrics import DataClass

STANDARD = "0.3.1"
REVISED_EVERY = timedelta(days=365)
OF_THE_CITY = ("country", "contact_email", "risk_category", "lawful_basis", "objection_procedure", "DPIA_description")
HOW = (
    "Once a day the past of each series is foreseen anew from eight earlier instants by each method, which sees only "
    "what was known then. What a method lost beside seasonal naive (the value of a day or a week ago) gives it a "
    "share of the forecast, for each day of the horizon apart. Where the mix is no better than seasonal naive, that "
    "stays alone. The band is the mean of the methods' own, wider where they disagree or the tests ask for it; once "
    "twelve forecasts have met what came, their record stretches it. Every hour the shares foresee the coming hours as "
    "quantiles. Every forecast is kept as it was issued, names its methods, and is scored when its time is over."
)
NOBODY = (
    "Nobody is decided about. Operators see the forecast with its band; loops that use it act within limit checks, "
    "and the devices keep their own protection."
)
PERSONS = "It is made of personal data, which the city must assess; only those with their own grant see it."


def entry(card: Card, *, city: str, simulated: bool, approved_on: date | None, first_on: date | None) -> dict[str, str]:
    """The standard's properties in its own order; dates are those of the first and the newest approval."""
    approval, name = card.approval, f"{card.metric.title} of {card.kind.replace('_', ' ')}: forecast"
    found = {
        "standard_version": STANDARD,
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"smartcity/{city}/{card.metric.name}/{card.kind}")),
        "lang": "en",
        "publication_date": first_on.isoformat() if first_on else "",
        "last_change_date": approved_on.isoformat() if approved_on else "",
        "revision_date": (approved_on + REVISED_EVERY).isoformat() if approved_on else "",
        "revision_note": "yearly, and when the methods change",
        "keywords": f"forecast, {card.domain}, {card.metric.title.lower()}, prediction interval",
        "name": name,
        "organization": city,
        "department": approval.owner if approval else "",
        "country": "",
        "contact_email": approval.contact if approval else "",
        "description_short": _cut(f"{card.metric.title} a little ahead: {card.target.purpose}", 150),
        "status": _status(card, simulated=simulated),
        "remark": "",
        "decision_making_process": card.target.purpose,
        "domain": "generic",
        "area": city,
        "goal": f"{card.target.purpose} {card.metric.purpose}".strip(),
        "impact": PERSONS if card.metric.data_class is DataClass.PERSONAL else NOBODY,
        "risks": " ".join(card.limits),
        "risk_category": "",
        "proportionality": f"{cards.measured(card)} Seasonal naive always runs beside it as the guard.",
        "lawful_basis": approval.basis if approval else "",
        "training_data": " ".join(card.data),
        "source_data": " ".join(card.data),
        "data_bias": "Spikes, hanging sensors and impossible values are left out, and each forecast says what was.",
        "connected_data_sources": "No register of persons is connected.",
        "DPIA_description": "",
        "description": HOW,
        "algorithm_type": "self-learning",
        "methods_and_models": f"A mix of {', '.join(card.methods)}; code {cards.code()}.",
        "performance": cards.measured(card),
        "alternatives_considered": "Each method stands against seasonal naive every day, and the loser is left out.",
        "type": "predictive",
        "monitoring": "Every forecast kept is scored by what came; error, band and lean stand on the page Forecasts.",
        "human_intervention": "An operator can pin a series to one method with a reason; whoever administers the "
        "domain approves this card. Both are in the audit.",
        "objection_procedure": "",
        "rollback": "A pin to seasonal naive takes effect within five minutes, and lifting it with the next forecast.",
    }
    open_ = [field for field in OF_THE_CITY if not found[field]]
    return found | {"remark": f"For the city to fill in: {', '.join(open_)}." if open_ else ""}


def _status(card: Card, *, simulated: bool) -> str:
    if simulated:
        return "evaluation"
    return "operational" if card.approval else "pilot"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
