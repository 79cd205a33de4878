# SPDX-License-Identifier: Apache-2.0
"""What a figure usually is at this hour, from the days that rollups remember."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.db import connections

from smartcity.telemetry import buckets, normal, read
from tests.telemetry.conftest import ALL, MINUTE

HELSINKI = ZoneInfo("Europe/Helsinki")
HOUR = 3_600_000
THURSDAY = datetime(2026, 11, 19, 16, 42, tzinfo=HELSINKI)
NOW = int(THURSDAY.timestamp() * 1000)


def hours_before(days):
    """(back, start of the same hour) of the days before that Thursday."""
    return [
        (back, int((THURSDAY - timedelta(days=back)).replace(minute=0).timestamp() * 1000))
        for back in range(1, days + 1)
    ]


def keep(values):
    """Hour rollups from (bucket, series, value)."""
    with connections["telemetry"].cursor() as cursor:
        for bucket, series, value in values:
            cursor.execute(
                "INSERT INTO rollup_1h(bucket, series, n, n_good, total, low, high, last) "
                "VALUES (%s, %s, 1, 1, %s, %s, %s, %s)",
                [bucket, series, value, value, value, value],
            )


def total(grid):
    return np.where(np.isnan(grid).all(axis=0), np.nan, np.nansum(grid, axis=0))


def weekday(back):
    return (THURSDAY - timedelta(days=back)).weekday()


@pytest.mark.both_engines
@pytest.mark.django_db(databases=["default", "telemetry"])
def test_the_same_hour_of_working_days_is_what_a_thursday_is_compared_with(telemetry):
    keep((at, ALL, 100.0 if weekday(back) < 5 else 10.0) for back, at in hours_before(28))
    keep((at + HOUR, ALL, 9999.0) for _, at in hours_before(28))
    found = normal.of_hour([ALL], NOW, total, zone=HELSINKI)
    assert found is not None and (found.low, found.usual, found.high) == (100.0, 100.0, 100.0)
    assert found.basis == "this hour on 20 working days"


@pytest.mark.both_engines
@pytest.mark.django_db(databases=["default", "telemetry"])
def test_many_series_take_one_query_and_a_silent_one_is_no_zero(telemetry, django_assert_num_queries):
    keep((at, ALL, float(back)) for back, at in hours_before(14))
    series = [ALL, MINUTE, *range(1000, 1100)]
    with django_assert_num_queries(1, using="telemetry"):
        found = normal.of_hour(series, NOW, total, zone=HELSINKI)
    working = [back for back in range(1, 15) if weekday(back) < 5]
    assert found is not None and found.usual == np.median(working)
    assert (found.low, found.high) == (np.percentile(working, 10), np.percentile(working, 90))
    grid = read.grid_at([MINUTE, ALL], "1h", normal.same_hours(NOW, HELSINKI, days=3))
    assert np.isnan(grid[0]).all() and grid[1].tolist() == [3.0, 2.0, 1.0]


@pytest.mark.django_db(databases=["default", "telemetry"])
def test_a_city_without_series_has_no_normal(telemetry):
    assert normal.of_hour([], NOW, total, zone=HELSINKI) is None
    assert normal.of_hour([ALL], NOW, total, zone=HELSINKI) is None


@pytest.mark.parametrize(
    ("days", "basis"),
    [(6, None), (7, "this hour on 7 days"), (9, "this hour on 7 working days"), (56, "this hour on 40 working days")],
)
def test_weekends_are_left_out_once_working_days_are_enough(days, basis):
    hours = np.array([at for _, at in reversed(hours_before(days))])
    found = normal.band(hours, np.arange(days, dtype=float), NOW, HELSINKI)
    assert (found.basis if found else None) == basis


def test_a_weekend_is_compared_with_weekends():
    saturday = NOW + 2 * 24 * HOUR
    hours = normal.same_hours(saturday, HELSINKI)
    values = np.array([10.0 if buckets.local_date(int(at), HELSINKI).weekday() >= 5 else 100.0 for at in hours])
    found = normal.band(hours, values, saturday, HELSINKI)
    assert found is not None and (found.usual, found.basis) == (10.0, "this hour on 16 days at weekends")


@pytest.mark.parametrize("zone", ["Europe/Helsinki", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_the_same_hour_is_the_same_on_the_citys_clocks_when_they_change(zone):
    here = ZoneInfo(zone)
    for month, day in ((4, 10), (11, 10)):
        now = datetime(2026, month, day, 16, 42, tzinfo=here)
        hours = normal.same_hours(int(now.timestamp() * 1000), here)
        assert len(set(hours.tolist())) == normal.DAYS
        for start in hours.tolist():
            shown = datetime.fromtimestamp(start / 1000, here)
            assert start % HOUR == 0 and shown.replace(tzinfo=None) <= shown.replace(hour=16, minute=42, tzinfo=None)
            assert shown.hour == 16 or (shown.hour, shown.minute >= 43) == (15, True)


def test_a_public_holiday_is_compared_with_days_off_and_is_none_of_the_working_days(settings):
    settings.HOLIDAYS = "FI"
    independence = datetime(2027, 12, 6, 12, tzinfo=HELSINKI)  # a Monday
    at = int(independence.timestamp() * 1000)
    off = normal._holidays(at, HELSINKI)
    hours = normal.same_hours(at, HELSINKI)
    values = np.array([10.0 if normal._is_off(int(hour), HELSINKI, off) else 100.0 for hour in hours])
    found = normal.band(hours, values, at, HELSINKI, off)
    assert found is not None and found.usual == 10 and found.basis.endswith("days at weekends or public holidays")
    later = at + 24 * HOUR
    hours = normal.same_hours(later, HELSINKI)
    values = np.where(hours == at // HOUR * HOUR, 10.0, 100.0)
    found = normal.band(hours, values, later, HELSINKI, off)
    assert found is not None and found.low == found.high == 100, "the holiday of yesterday is left out"
    settings.HOLIDAYS = ""
    plain = normal.band(hours, values, at, HELSINKI, normal._holidays(at, HELSINKI))
    assert plain is not None and plain.basis.endswith("working days")
