# SPDX-License-Identifier: Apache-2.0
"""Parts, chances and what-if of one series over REST."""

from __future__ import annotations

import dataclasses
import time

import pytest

from smartcity import declared
from smartcity.devices.models import EngineeringRecord, Series
from smartcity.forecasting import chances, insight, limits, runner
from smartcity.kernel.alarms import AlarmRule, Severity
from tests.forecasting.conftest import DAY, HOUR, METER, NOW, days
from tests.forecasting.test_api import ask, at_now  # noqa: F401 the clock

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(transaction=True, databases=["default", "telemetry"])]
QUICK_S = 1.0  # a busy machine's; alone it is a twentieth


def rule(bad):
    return AlarmRule(
        name="test.high", metric="test.load", kinds=("meter",), severity=Severity.HIGH, is_bad=bad,
        is_good=lambda value, _: True, on_delay_s=0, off_delay_s=0, text="x", cause="x", consequence="x", response="x",
        respond_within_s=60,
    )  # fmt: skip


@pytest.fixture
def meter(grid, client, monkeypatch):
    monkeypatch.setattr(declared, "alarm_rules", lambda: (rule(lambda value, data: value > 150),))
    made = grid.meter(days(30))
    runner.refresh(NOW + DAY)
    ask(client, made)
    return made


def of(client, meter, what, **query):
    return client.get(f"/api/v1/series/{meter}/forecast/{what}", query)


def test_the_parts_add_up_to_the_median_of_the_forecast_in_force(meter, client):
    began = time.perf_counter()
    found = of(client, meter, "parts").json()
    assert time.perf_counter() - began < QUICK_S
    points = client.get(f"/api/v1/series/{meter}/forecast").json()["points"]
    assert found["at"] == [at for at, *_ in points] and {part["name"] for part in found["parts"]} >= {"day", "week"}
    for step in (0, 50, 95):
        assert sum(part["values"][step] for part in found["parts"]) == pytest.approx(points[step][1], abs=0.01)
    assert "mix of methods" in found["words"] or "is by" in found["words"]


def test_the_threshold_is_where_the_alarm_rings_unless_another_is_asked_for(meter, client):
    found = of(client, meter, "chances").json()
    assert found["limit"] == {"value": 150.0, "words": "alarm high"} and found["above"] == 150.0
    once, steps = found["crossing"]["once"], [share for _, share in found["crossing"]["steps"]]
    assert found["crossing"]["least"] <= once <= found["crossing"]["most"] and max(steps) <= once + 1e-6
    assert len(steps) <= 96 and "assumed until enough" in found["words"]
    assert sum(share for _, share in found["peak"]["hours"]) == pytest.approx(1, abs=0.01)
    assert found["peak"]["likeliest"]["to"] - found["peak"]["likeliest"]["from"] >= HOUR
    never = of(client, meter, "chances", above="900").json()
    assert never["above"] == 900 and never["crossing"]["once"] == 0
    assert of(client, meter, "chances", above="high").status_code == 400


def test_what_is_signed_goes_before_the_alarm(meter, monkeypatch):
    series = Series.objects.select_related("device__asset").get(pk=meter)
    EngineeringRecord.objects.create(asset=series.device.asset, data={"contracted_kw": 120})
    target = dataclasses.replace(METER, limit="contracted_kw")
    metric = declared.metrics()["test.load"]
    assert limits.of(series, target, metric) == limits.Limit(120.0, "contracted limit in the engineering data")
    assert limits.of(series, METER, metric) == limits.Limit(150.0, "alarm high")


@pytest.mark.parametrize(
    ("bad", "wanted"), [(lambda v, d: v >= 98, 98.0), (lambda v, d: v < 5, None), (lambda v, d: v > d["top"], 42.0)]
)
def test_where_an_alarm_rings_is_found_from_its_rule(bad, wanted):
    assert limits.rings_at(rule(bad), 0.0, 200.0, {"top": 42.0}) == wanted


def test_how_errors_go_together_is_learnt_from_forecasts_that_met_what_came(grid):
    meter = grid.meter(days(30))
    for hours in (0, 6, 12, 18):
        runner.refresh(NOW + hours * HOUR)
    later = days(33, seed=9)[-3 * 96 :]
    grid.measure(meter, later, NOW + 3 * DAY)
    runner.refresh(NOW + 3 * DAY)
    alike, judged = insight.persistence(meter, METER)
    assert judged == 4 and 0 <= alike <= chances.MOST_ALIKE


def test_a_closure_a_holiday_and_warmth_are_answered_or_refused_in_words(meter, client):
    points = client.get(f"/api/v1/series/{meter}/forecast").json()["points"]
    start = points[8][0]
    closed = of(client, meter, "what-if", case="change", percent=-40, **{"from": start, "to": start + HOUR}).json()
    assert closed["points"][8][1] == pytest.approx(points[8][1] * 0.6, abs=0.01)
    assert closed["difference"][8][2] <= closed["difference"][8][1] <= closed["difference"][8][3] < 0
    assert closed["difference"][0][1:] == [0, 0, 0]
    warm = of(client, meter, "what-if", case="warmer").json()
    assert warm["points"] == [] and warm["words"].startswith("Temperature is not among")
    holiday = of(client, meter, "what-if", case="holiday", on="2026-11-27")
    assert holiday.status_code == 200 and holiday.json()["words"].startswith("As a Sunday"), holiday.content
    assert of(client, meter, "what-if", case="holiday", on="soon").status_code == 400
    assert of(client, meter, "what-if", case="snow").status_code == 400
    assert of(client, meter, "what-if", case="change").status_code == 400


def test_a_series_that_is_not_foreseen_says_so_everywhere(grid, client):
    pump = grid.meter(days(2), kind="pump")
    ask(client, pump)
    assert of(client, pump, "parts").json()["words"] == "This series is not foreseen."
    assert of(client, pump, "chances").json()["words"] == "This series is not foreseen."
    assert of(client, pump, "what-if", case="warmer").json()["words"] == "This series is not foreseen."
    assert of(client, pump, "said").json()["words"] == "This series is not foreseen."
