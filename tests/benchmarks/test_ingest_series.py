# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.ingest import packed, series
from benchmarks.ingest.__main__ import AT_LEAST, AT_MOST, SHOWN, report
from benchmarks.ingest.series import Series, Source
from smartcity.telemetry import packing

SOURCE = Source("homes", "homes", "at", ("kwh",), "home")


def test_a_file_of_short_floats_is_packed_as_the_decimals_that_were_sent(tmp_path):
    (tmp_path / "forecasting").mkdir()
    at = pd.to_datetime(["2024-01-01 10:00", "2024-01-01 09:00", "2024-01-01 09:00", "2024-01-02 00:00"])
    values = np.array([2.2758, 0.1, 0.3, np.nan], np.float32)
    frame = pd.DataFrame({"home": ["a"] * 4, "at": at, "kwh": values})
    frame.to_parquet(tmp_path / "forecasting" / "homes.parquet")
    (one,) = series.read(tmp_path, SOURCE)
    assert one.value.tolist() == [0.1, 2.2758]
    assert one.at.tolist() == [1_704_099_600_000, 1_704_103_200_000]


def test_a_missing_file_has_no_series(tmp_path):
    assert series.read(tmp_path, SOURCE) == []


def test_every_reading_is_in_exactly_one_sealed_day():
    at = np.arange(-3, 200) * 3_600_000 + 5
    one = Series(at, np.arange(len(at)) / 10)
    days = packed.sealed_days(one)
    back = [(day * 86_400_000 + packing.unpack(body).at, packing.unpack(body).value) for day, body in days]
    assert np.concatenate([part[0] for part in back]).tolist() == at.tolist()
    assert np.concatenate([part[1] for part in back]).tolist() == one.value.tolist()


def test_what_was_not_measured_says_so_and_has_no_verdict():
    made = report({"commit_p50_ms": 60.0, "sealed_homes_bytes_per_reading": 3.0})
    assert {name for name, value in made.results.items() if value == "not measured yet"} == (
        {*AT_MOST, *AT_LEAST, *SHOWN} - {"commit_p50_ms"}
    )
    assert {name: goal.met for name, goal in made.goals.items()} == {
        "commit_p50_ms": False,
        "sealed_homes_bytes_per_reading": True,
    }
