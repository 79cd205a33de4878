# SPDX-License-Identifier: Apache-2.0
"""What a loop is worth: one entry per day and figure, simulated and measured apart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from smartcity.api.audit import Actor
from smartcity.control import baselines, ledger
from smartcity.control.instants import ms_of
from smartcity.control.models import Baseline, LedgerEntry
from smartcity.control.refusals import Refused
from smartcity.kernel.worth import Evidence, Worth

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]

HELSINKI = ZoneInfo("Europe/Helsinki")
DAY = 86_400_000


def at(*parts):
    return ms_of(datetime(*parts).replace(tzinfo=HELSINKI))  # noqa: DTZ001


def figure(value=80.0, baseline=100.0, *, day=0, evidence=Evidence.SIMULATED, kpi="energy_kwh"):
    start = at(2026, 11, 1) + day * DAY
    return Worth(
        kpi=kpi,
        value=value,
        baseline=baseline,
        baseline_name="all night",
        from_ms=start,
        to_ms=start + DAY,
        evidence=evidence,
    )


def test_simulated_worth_never_touches_the_measured_columns():
    ledger.write("lighting", [figure()])
    entry = LedgerEntry.objects.get()
    assert (entry.simulated_value, entry.simulated_baseline) == (80.0, 100.0)
    assert (entry.measured_value, entry.measured_baseline) == (None, None)


def test_measured_worth_without_a_stored_baseline_is_a_figure_without_a_comparison():
    ledger.write("lighting", [figure(evidence=Evidence.MEASURED)])
    entry = LedgerEntry.objects.get()
    assert (entry.measured_value, entry.measured_baseline, entry.simulated_value) == (80.0, None, None)
    assert entry.note == ledger.NO_BASELINE


def test_a_stored_baseline_is_what_was_measured_and_how_it_was_drawn():
    ledger.write(
        "lighting",
        [figure(value, day=day, evidence=Evidence.MEASURED, kpi="energy") for day, value in enumerate((90, 110))],
    )
    span = at(2026, 11, 1), at(2026, 11, 1) + 2 * DAY
    by = Actor("eva")
    with pytest.raises(Refused, match="how the baseline was drawn"):
        baselines.store("lighting", "energy", "before", *span, design=" ", by=by)
    with pytest.raises(Refused, match="Nothing was measured"):
        baselines.store("lighting", "below_class", "before", *span, design="before/after", by=by)
    stored = baselines.store("lighting", "energy", "before", *span, design="before/after", by=by)
    assert (stored.value, stored.stored_by) == (100.0, "eva")
    ledger.write("lighting", [figure(70, day=5, evidence=Evidence.MEASURED, kpi="energy")])
    entry = LedgerEntry.objects.latest("from_at")
    assert (entry.measured_value, entry.measured_baseline, entry.baseline_name) == (70.0, 100.0, "before")
    assert Baseline.objects.count() == 1


def test_the_running_day_is_brought_up_to_date_not_repeated():
    ledger.write("lighting", [figure(40.0, 50.0)])
    ledger.write("lighting", [figure(60.0, 75.0)])
    assert [entry.simulated_value for entry in LedgerEntry.objects.all()] == [60.0]


def test_a_figure_that_is_no_number_is_not_written():
    assert ledger.write("lighting", [figure(float("nan"))]) == 0


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        ((2026, 11, 25, 14), [14]),
        ((2026, 11, 25, 3), [24, 3]),
        ((2026, 3, 29, 12), [11]),  # 23-hour day
        ((2026, 3, 30, 1), [23, 1]),
        ((2026, 10, 26, 1), [25, 1]),  # 25-hour day
        ((2026, 11, 25, 0), [24]),
    ],
)
def test_days_are_the_citys_days(now, hours):
    found = ledger.spans(at(*now), HELSINKI)
    assert [(span.to_ms - span.from_ms) / 3_600_000 for span in found] == hours


def test_one_domain_that_fails_keeps_no_other_from_its_entry(inline, monkeypatch):
    from smartcity.control.ledger import Bookkeeper
    from tests.control.line import done

    def broken(from_ms, to_ms):
        raise RuntimeError("no such series")

    monkeypatch.setattr(ledger, "rooms", lambda: {"energy": broken, "lighting": lambda a, b: [figure()]})
    keeper = Bookkeeper(cast("Any", None), inline)
    done(keeper._write(ms_of(datetime(2026, 11, 25, 12, tzinfo=UTC))))
    assert (keeper.failures, LedgerEntry.objects.get().domain) == (1, "lighting")


def test_a_domains_figures_carry_its_own_titles():
    ledger.write("lighting", [figure(kpi="never_heard_of")])
    assert LedgerEntry.objects.get().title == "never heard of"
