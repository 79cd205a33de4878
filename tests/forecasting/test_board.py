# SPDX-License-Identifier: Apache-2.0
"""The accuracy board on hand-made numbers."""

from __future__ import annotations

import pytest
from django.contrib.gis.geos import Point
from django.db.models import Q
from django.utils import timezone

from smartcity.devices.models import Asset, Device, Series, Zone
from smartcity.forecasting import board
from smartcity.forecasting.models import IssuedForecast, Score
from tests.forecasting.conftest import DAY, HOUR, NOW

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]
PLAIN = {"method": "mix", "n": 100, "mae": 4.0, "loss": 2.0, "naive_mae": 5.0, "inside80": 80, "inside95": 95,
         "bias": 1.0, "scale": 8.0}  # fmt: skip


def a_series(uid="M-1", *, kind="meter", metric="test.load", domain="test", zone="centre") -> int:
    place, _ = Zone.objects.get_or_create(code=zone, defaults={"name": zone.title()})
    asset = Asset.objects.create(
        uid=uid, kind=kind, name=f"Name of {uid}", geom=Point(24.94, 60.17, srid=4326), zone=place, domain=domain
    )
    return Series.objects.create(device=Device.objects.create(uid=uid, asset=asset), metric=metric).pk


def scored(series, *, count=1, ago_ms=DAY, **values) -> None:
    rows = [{**PLAIN, **values, "issued_at": NOW - ago_ms - k * 6 * HOUR} for k in range(count)]
    Score.objects.bulk_create(Score(series_id=series, **row) for row in rows)


def test_figures_are_ratios_of_sums_so_that_long_forecasts_count_for_more():
    series = a_series()
    scored(series, ago_ms=DAY)
    scored(
        series, ago_ms=2 * DAY, n=300, mae=2.0, naive_mae=3.0, inside80=210, inside95=300, bias=-1.0, method="prophet"
    )
    (line,) = board.lines(Q(), NOW)
    assert line.of == board.Kind("test", "test.load", "meter") and (line.series, line.forecasts) == (1, 2)
    whole = line.whole
    assert whole.n == 400 and whole.mae == pytest.approx(2.5) and whole.mase == pytest.approx(1000 / 3200)
    assert whole.loss == pytest.approx(0.25) and whole.skill == pytest.approx(1 - 1000 / 1400)
    assert whole.coverage80 == pytest.approx(0.725) and whole.coverage95 == pytest.approx(395 / 400)
    assert whole.bias == pytest.approx(-0.5)
    assert line.methods == (("mix", 0.5), ("prophet", 0.5)) and line.first is None and line.later is None


def test_every_kind_has_a_line_of_its_own():
    scored(a_series("M-1"))
    scored(a_series("M-2"))
    scored(a_series("P-1", kind="pump"))
    scored(a_series("F-1", metric="test.flow"))
    found = [(line.of.metric, line.of.kind, line.series) for line in board.lines(Q(), NOW)]
    assert found == [("test.flow", "meter", 1), ("test.load", "meter", 2), ("test.load", "pump", 1)]


def test_the_first_day_and_the_later_ones_are_told_apart():
    scored(a_series(), n=200, mae=6.0, first_n=100, first_mae=4.0, first_naive_mae=5.0, first_inside80=90, inside80=160)
    (line,) = board.lines(Q(), NOW)
    assert line.first is not None and line.later is not None
    assert line.first.mase == pytest.approx(0.5) and line.later.mase == pytest.approx(1.0)
    assert line.first.coverage80 == pytest.approx(0.9) and line.later.coverage80 == pytest.approx(0.7)
    assert line.later.mae == pytest.approx(8.0) and line.later.skill == pytest.approx(1 - 8.0 / 5.0)


def test_scores_from_before_there_was_a_board_count_where_they_can():
    scored(a_series(), scale=None, bias=None, inside95=None, naive_mae=None)
    (line,) = board.lines(Q(), NOW)
    assert line.whole.mae == pytest.approx(4.0) and line.whole.coverage80 == pytest.approx(0.8)
    assert (line.whole.mase, line.whole.skill, line.whole.bias, line.whole.coverage95) == (None, None, None, None)


def test_only_the_last_four_weeks_of_this_clock_count():
    series = a_series()
    scored(series, ago_ms=29 * DAY)
    scored(series, ago_ms=-DAY)
    assert board.lines(Q(), NOW) == [] and board.worst(Q(), NOW) == []


def test_the_worst_come_first_and_a_handful_of_scores_is_no_verdict():
    good, bad, hasty = a_series("M-1"), a_series("M-2"), a_series("M-3")
    scored(good, count=4)
    scored(bad, count=4, mae=7.0)
    scored(hasty, count=3, mae=50.0)
    IssuedForecast.objects.create(
        series_id=bad, issued_at=NOW, start=NOW, end=NOW + DAY, step_s=900, levels=[0.5], values=b"", method="prophet"
    )
    found = board.worst(Q(), NOW)
    assert [(one.asset, one.method) for one in found] == [("M-2", "prophet"), ("M-1", "")]
    assert found[0].figures.skill == pytest.approx(-0.4) and found[0].forecasts == 4
    assert found[0].name == "Name of M-2" and found[0].series == bad


def test_what_is_gone_from_the_street_is_nobodys_worry():
    gone = a_series()
    scored(gone, count=5)
    Device.objects.update(retired_at=timezone.now())
    assert board.worst(Q(), NOW) == []


def test_what_is_on_its_way_says_when_its_first_score_comes():
    series = a_series()
    row = {"series_id": series, "step_s": 900, "levels": [0.5], "values": b"", "is_current": False, "is_kept": True}
    for k, span_ms in enumerate((DAY, 2 * DAY, 0)):
        start = NOW + k
        IssuedForecast.objects.create(issued_at=start, start=start, end=start + span_ms, **row)
    (found,) = board.waiting(Q())
    assert found.of == board.Kind("test", "test.load", "meter") and found.series == 1
    assert found.first_at_ms == NOW + DAY + 300_000


def test_who_may_see_one_zone_gets_the_figures_of_that_zone():
    scored(a_series("M-1"), mae=1.0)
    scored(a_series("M-2", zone="north"), mae=9.0)
    (line,) = board.lines(Q(series__device__asset__zone__code="north"), NOW)
    assert line.series == 1 and line.whole.mae == pytest.approx(9.0)


def test_the_number_of_queries_does_not_grow_with_the_city(django_assert_num_queries):
    for k in range(25):
        scored(a_series(f"M-{k}", kind=f"kind_{k % 5}"), count=4, mae=float(k))
    with django_assert_num_queries(6):
        assert len(board.lines(Q(), NOW)) == 5
        assert len(board.worst(Q(), NOW)) == 20
        board.waiting(Q())
        board.drifting(Q())


def test_methods_are_named_by_their_titles():
    assert board.title_of("prophet") == "Prophet" and board.title_of("mix") == "a mix of methods"
    assert board.title_of("one that was removed") == "one that was removed"
