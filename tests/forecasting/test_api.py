# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from smartcity.api.models import Grant
from smartcity.forecasting import runner
from smartcity.kernel.clock import Anchor, clock, wall_ms
from tests.forecasting.conftest import DAY, HOUR, NOW, days

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(transaction=True, databases=["default", "telemetry"])]


@pytest.fixture(autouse=True)
def at_now():
    before = clock.anchor
    clock.adopt(Anchor(NOW + DAY + HOUR, wall_ms(), 0.0, 1.0, simulated=True))
    yield
    clock.adopt(before)


def ask(client, series, **query):
    client.force_login(get_user_model()._default_manager.get_or_create(username="boss", is_superuser=True)[0])
    return client.get(f"/api/v1/series/{series}/forecast", query)


def test_points_record_and_what_yesterday_said(grid, client):
    meter = grid.meter(days(20))
    runner.refresh(NOW)
    grid.measure(meter, days(21, seed=7)[-96:], NOW + DAY)
    runner.refresh(NOW + DAY + HOUR)
    found = ask(client, meter).json()
    assert found["issued_at"] == NOW + DAY + HOUR and found["step_s"] == 900 and len(found["points"]) == 96
    at, median, low, high = found["points"][0]
    assert at == NOW - NOW % 900_000 + DAY + HOUR and low <= median <= high
    assert found["record"]["n"] == 96 and found["record"]["mae"] > 0 and "80 % band held" in found["record"]["words"]
    assert found["record"]["words"].startswith(("Seasonal", "Harmonic", "Shared", "Direct")), found["record"]["words"]
    assert (
        "In 28 days off by" in found["record"]["words"] and "of 96 values, its 95 % band " in found["record"]["words"]
    )
    assert found["yesterday"][0][0] == NOW - NOW % 900_000
    assert all(at < NOW + DAY + HOUR for at, _ in found["yesterday"])


def test_a_forecast_of_ten_readings_is_answered_with_a_plain_message(grid, client):
    meter = grid.meter(days(1)[:10])
    runner.refresh(NOW)
    found = ask(client, meter).json()
    assert len(found["points"]) == 96 and "too short to test methods" in found["record"]["words"]


def test_no_readings_no_points_but_a_reason(grid, client):
    meter = grid.meter([])
    runner.refresh(NOW)
    found = ask(client, meter).json()
    assert found["points"] == [] and "no usable reading" in found["record"]["words"]


def test_a_series_nobody_asked_to_foresee_says_so(grid, client):
    found = ask(client, grid.meter(days(2), kind="pump")).json()
    assert found["points"] == [] and "not foreseen" in found["record"]["words"]


def test_the_forecast_that_stood_at_an_instant_can_be_asked_for(grid, client):
    meter = grid.meter(days(10))
    runner.refresh(NOW)
    runner.refresh(NOW + HOUR)
    assert ask(client, meter, at=NOW + 1000).json()["issued_at"] == NOW
    assert ask(client, meter, at="yesterday").status_code == 400


def test_who_may_not_see_the_asset_does_not_see_its_forecast(grid, client):
    meter = grid.meter(days(2))
    user = get_user_model()._default_manager.create_user("guest")
    Grant.objects.create(user=user, action="view", domain="traffic", zone="")
    client.force_login(user)
    assert client.get(f"/api/v1/series/{meter}/forecast").status_code == 404
    assert ask(client, 10**6).status_code == 404
