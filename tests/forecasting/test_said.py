# SPDX-License-Identifier: Apache-2.0
"""What was said then beside what came, and forecasts as issued as a file."""

from __future__ import annotations

import csv
import io
import sys

import numpy as np
import pytest

from smartcity.forecasting import carried, read, runner
from smartcity.forecasting.carried import Label
from smartcity.forecasting.forecast import Basis, Forecast
from smartcity.forecasting.said import came, said
from tests.forecasting.conftest import DAY, HOUR, METER, NOW, days
from tests.forecasting.test_api import ask, at_now  # noqa: F401 the clock

BOTH = pytest.mark.django_db(transaction=True, databases=["default", "telemetry"])
pytestmark = [pytest.mark.both_engines]
START = NOW - NOW % 900_000


def issued(*levels, at=0):
    values = np.array([np.arange(3.0) + level for level in levels])
    return Forecast(
        issued_at_ms=at, start_ms=at, step_s=900, levels=levels, values=values, method="mix", basis=Basis.MODEL, note=""
    )


@BOTH
def test_yesterday_s_forecast_stands_beside_what_came_and_how_far_off_it_was(grid, client):
    meter = grid.meter(days(20))
    runner.refresh(NOW)
    grid.measure(meter, days(21, seed=7)[-96:], NOW + DAY)
    ask(client, meter)
    found = client.get(f"/api/v1/series/{meter}/forecast/said").json()
    assert found["issued_at"] == NOW and found["points"][0][0] == START and len(found["points"]) == 96
    at, median, low, high, measured = found["points"][5]
    assert low <= median <= high and 0 < measured < 300 and at == START + 5 * 900_000
    assert found["n"] == 96 and 0 < found["mae"] < 30 and found["coverage80"] <= 1
    assert found["words"].startswith("Off by ") and "of 96 values came inside its 80 % band" in found["words"]


@BOTH
def test_what_is_still_to_come_is_not_measured(grid):
    meter = grid.meter(days(20))
    runner.refresh(NOW)
    grid.measure(meter, days(21, seed=7)[-96:], NOW + DAY)
    found = came(meter, METER, read.latest([meter])[meter], NOW + 2 * HOUR)
    assert np.isfinite(found[:8]).all() and np.isnan(found[8:]).all()


@BOTH
def test_a_forecast_of_another_time_of_day_is_not_passed_off_as_that_of_then(grid):
    meter = grid.meter(days(20))
    runner.refresh(NOW)
    assert said(meter, METER, "day", NOW + DAY + 5 * HOUR) is not None
    assert said(meter, METER, "day", NOW + DAY + 7 * HOUR) is None


@BOTH
def test_where_no_forecast_of_then_is_kept_it_says_so(grid, client):
    meter = grid.meter(days(20))
    runner.refresh(NOW)
    ask(client, meter)
    found = client.get(f"/api/v1/series/{meter}/forecast/said", {"ago": "week"}).json()
    assert found["points"] == [] and found["words"] == "No forecast of a week ago is kept."
    assert client.get(f"/api/v1/series/{meter}/forecast/said", {"ago": "year"}).status_code == 400


@BOTH
def test_the_bands_that_are_stated_are_there_and_no_other(grid, client):
    meter = grid.meter(days(20))
    runner.refresh(NOW)
    found = ask(client, meter).json()
    assert set(found["bands"]) == {"50", "95"} and len(found["bands"]["95"]) == len(found["points"])
    (low50, high50), (low95, high95) = found["bands"]["50"][0], found["bands"]["95"][0]
    assert low95 <= found["points"][0][2] <= low50 <= high50 <= found["points"][0][3] <= high95
    assert found["title"] and found["parquet"] is carried.may_parquet()


@BOTH
def test_the_file_holds_every_quantile_of_every_step_and_says_what_it_is(grid, client):
    meter = grid.meter(days(20))
    runner.refresh(NOW)
    runner.refresh(NOW + 7 * HOUR)
    ask(client, meter)
    answer = client.get(f"/api/v1/series/{meter}/forecast/file")
    assert answer["Content-Disposition"].startswith('attachment; filename="SIMULATION-')
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(rows) == 96 and rows[0]["mode"] == "SIMULATION" and rows[0]["unit"] == "kW"
    assert float(rows[0]["q0.025"]) <= float(rows[0]["q0.5"]) <= float(rows[0]["q0.975"])
    every = client.get(f"/api/v1/series/{meter}/forecast/file", {"from": NOW - HOUR, "to": NOW + DAY})
    assert len(every.content.decode().splitlines()) == 1 + 2 * 96


def test_a_level_that_one_forecast_does_not_state_is_empty_there():
    found = carried.columns(Label("M", "test.load", "kW", "LIVE"), [issued(0.1, 0.5), issued(0.5, at=9)])
    assert found["q0.1"] == [0.1, 1.1, 2.1, None, None, None] and found["q0.5"][3] == 0.5


def test_parquet_holds_the_same_rows_and_its_mode():
    pq = pytest.importorskip("pyarrow.parquet")
    body = carried.as_parquet(Label("M", "test.load", "kW", "SIMULATION"), [issued(0.1, 0.5, 0.9)])
    table = pq.read_table(io.BytesIO(body))
    assert table.num_rows == 3 and table.column("q0.9").to_pylist() == pytest.approx([0.9, 1.9, 2.9])
    assert table.schema.metadata[b"smartcity.mode"] == b"SIMULATION"


@BOTH
def test_without_pyarrow_parquet_is_refused_with_what_to_do(grid, client, monkeypatch):
    meter = grid.meter(days(2))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr(carried, "find_spec", lambda name: None)
    ask(client, meter)
    answer = client.get(f"/api/v1/series/{meter}/forecast/file", {"as": "parquet"})
    assert answer.status_code == 501 and "script/bootstrap --parquet" in answer.json()["detail"]
    assert client.get(f"/api/v1/series/{meter}/forecast/file", {"as": "xls"}).status_code == 400
