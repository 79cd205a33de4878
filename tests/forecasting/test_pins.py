# SPDX-License-Identifier: Apache-2.0
"""A person's word over the backtest's: placed with a reason, heeded by the runner, lifted, in the audit."""

from __future__ import annotations

import numpy as np
import pytest
from django.contrib.auth import get_user_model

from smartcity import declared
from smartcity.api.audit import Actor
from smartcity.api.models import AuditEntry, Grant
from smartcity.devices.models import Series
from smartcity.forecasting import pins, read, runner
from smartcity.forecasting.methods import NAIVE
from smartcity.forecasting.models import Calibration, Pin
from tests.forecasting.conftest import HOUR, METER, METRICS, NOW, days
from tests.forecasting.test_board import a_series

ANNA = Actor("anna")
BOTH = pytest.mark.django_db(transaction=True, databases=["default", "telemetry"])
pytestmark = [pytest.mark.both_engines]


def pin(series, method=NAIVE, *, metric="test.load", kind="meter", at=NOW):
    return pins.place(metric, kind, series=series, method=method, reason="roadworks", by=ANNA, now_ms=at)


@BOTH
def test_a_pinned_series_is_foreseen_by_that_method_alone_and_says_why(grid):
    pinned, free = grid.meter(days(30)), grid.meter(days(30, seed=3))
    runner.refresh(NOW)
    assert read.latest([pinned])[pinned].method != NAIVE
    pin(pinned, at=NOW + 60_000)
    assert runner.refresh(NOW + 120_000).issued == 1
    found = read.latest([pinned, free])
    assert found[pinned].method == NAIVE and found[pinned].skill is None and found[pinned].basis == "model"
    assert found[pinned].note == "Seasonal naive, as anna wants it: roadworks."
    assert found[free].method != NAIVE and Calibration.objects.get(series_id=pinned).ladder[0] != NAIVE
    assert runner.refresh(NOW + 180_000).issued == 0


@BOTH
def test_what_is_lifted_goes_back_to_its_backtest(grid):
    meter = grid.meter(days(30))
    placed = pin(meter, at=NOW - 60_000)
    runner.refresh(NOW)
    assert read.latest([meter])[meter].method == NAIVE
    pins.lift(placed, by=ANNA, reason="over", now_ms=NOW + 60_000)
    runner.refresh(NOW + HOUR)
    assert read.latest([meter])[meter].method != NAIVE


@BOTH
def test_where_the_pinned_method_has_no_answer_seasonal_naive_stands_in(grid, monkeypatch):
    monkeypatch.setattr("smartcity.forecasting.methods.closed_form.predict",
                        lambda model, horizon, levels: np.full((1, len(levels), horizon), np.nan))  # fmt: skip
    meter = grid.meter(days(30))
    pin(meter, "closed_form")
    runner.refresh(NOW)
    found = read.latest([meter])[meter]
    assert found.method == NAIVE and found.basis == "fallback"
    assert found.note.startswith("Seasonal naive in place of harmonic ridge") and "anna wants" in found.note


def test_its_own_pin_goes_before_that_of_its_kind():
    own, kind = Pin(series_id=1, method="prophet"), Pin(metric="a.b", kind="meter", method=NAIVE)
    gone = Pin(series_id=3, method="one that was removed")
    rows = [(1, "a.b", "meter"), (2, "a.b", "meter"), (3, "a.b", "pump"), (4, "a.b", "pump")]
    assert pins.by_series(rows, [own, kind, gone]) == {1: own, 2: kind}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "says"),
    [({"method": "oracle"}, "no method 'oracle'"), ({"reason": " "}, "Say why")],
)
def test_what_cannot_be_pinned_is_refused_in_words(asked, says):
    with pytest.raises(pins.Refused, match=says):
        pins.place("test.load", "meter", series=None, by=ANNA, now_ms=NOW, **{"method": NAIVE, "reason": "x", **asked})


@pytest.mark.django_db
def test_a_kind_with_very_many_series_is_not_pinned_to_a_costly_method(monkeypatch):
    monkeypatch.setattr(pins, "MOST_HEAVY", 1)
    a_series("M-1"), a_series("M-2")
    with pytest.raises(pins.Refused, match="too costly for 2 series"):
        pin(None, "prophet")
    assert pin(None, "closed_form").pk


@pytest.mark.django_db
def test_one_pin_at_a_time_and_each_step_is_in_the_audit():
    series = a_series()
    first = pin(series)
    with pytest.raises(pins.Refused, match="pinned already"):
        pin(series, "closed_form")
    pin(None)
    pins.lift(first, by=ANNA, reason="over", now_ms=NOW)
    with pytest.raises(pins.Refused, match="lifted already"):
        pins.lift(first, by=ANNA, reason="", now_ms=NOW)
    assert pin(series, "closed_form").method == "closed_form"
    actions = AuditEntry.objects.filter(subject=f"series {series}").order_by("pk").values_list("action", "reason")
    assert list(actions) == [("forecast.pin", "roadworks"), ("forecast.unpin", "over"), ("forecast.pin", "roadworks")]


@pytest.fixture
def asked(client, monkeypatch):
    monkeypatch.setattr(declared, "metrics", lambda: METRICS)
    monkeypatch.setattr(declared, "targets", lambda: (METER,))

    def post(path="", *, grants=(("view", "", ""), ("operate", "", "")), **body):
        user, _ = get_user_model()._default_manager.get_or_create(username="anna")
        Grant.objects.filter(user=user).delete()
        for action, domain, zone in grants:
            Grant.objects.create(user=user, action=action, domain=domain, zone=zone)
        client.force_login(user)
        return client.post(f"/api/v1/forecasts/pins{path}", body, content_type="application/json")

    return post


@pytest.mark.django_db
def test_an_operator_pins_and_lifts_and_everybody_reads_it(asked, client):
    series = a_series()
    answer = asked(series=series, method="prophet", reason="the engineer trusts it")
    assert answer.status_code == 201 and answer.json()["title"] == "Prophet" and answer.json()["owner"] == "anna"
    assert asked(series=series, method=NAIVE, reason="me too").status_code == 409
    (listed,) = client.get("/api/v1/forecasts/pins").json()["results"]
    assert (listed["series"], listed["asset"], listed["reason"]) == (series, "M-1", "the engineer trusts it")
    assert client.get("/api/v1/forecasts/accuracy").json()["may_pin"] is True
    assert client.get(f"/api/v1/series/{series}/forecast/methods").json()["pin"]["method"] == "prophet"
    assert asked(f"/{listed['id']}/lift", reason="enough").json()["lifted_by"] == "anna"
    assert client.get("/api/v1/forecasts/pins").json()["results"] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("grants", "of_series", "of_kind"),
    [
        ([("view", "", "")], 403, 403),
        ([("view", "", ""), ("operate", "traffic", "")], 404, 404),
        ([("view", "", ""), ("operate", "test", "north")], 404, 404),
        ([("view", "", ""), ("operate", "test", "centre")], 201, 404),
        ([("view", "", ""), ("operate", "test", "")], 201, 201),
        ([("operate", "test", "")], 404, 201),
    ],
)
def test_who_may_pin_what(asked, grants, of_series, of_kind):
    wish = {"method": NAIVE, "reason": "a test"}
    assert asked(grants=grants, series=a_series(), **wish).status_code == of_series
    assert asked(grants=grants, metric="test.load", kind="meter", **wish).status_code == of_kind


@pytest.mark.django_db
def test_whoever_may_not_operate_it_does_not_lift_it(asked):
    placed = pin(a_series())
    assert asked(f"/{placed.pk}/lift", grants=[("operate", "test", "north")]).status_code == 404
    assert asked("/999/lift").status_code == 404 and Pin.objects.get().lifted_at is None


@pytest.mark.django_db
def test_a_wish_that_names_nothing_foreseen_is_answered_with_what_to_do(asked):
    assert "metric and a kind" in asked(method=NAIVE, reason="x").json()["errors"]["series"]
    answer = asked(metric="test.load", kind="pump", method=NAIVE, reason="x")
    assert answer.status_code == 400 and "not foreseen" in str(answer.json()["errors"])
    assert Series.objects.count() == 0
