# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcity.telemetry import buckets

ZONES = ["Europe/Helsinki", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana", "Asia/Beirut", "UTC"]
YEARS = st.integers(int(datetime(2015, 1, 1, tzinfo=UTC).timestamp() * 1000), 2_500_000_000_000)


def ms(year: int, month: int, day: int, zone: str = "UTC") -> int:
    return int(datetime(year, month, day, tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize("zone", ZONES)
@given(at=st.lists(YEARS, min_size=1, max_size=20))
def test_a_day_bucket_starts_where_the_local_date_of_the_instant_starts(zone, at):
    found = buckets.day(np.array(at), ZoneInfo(zone))
    for instant, start in zip(at, found.tolist(), strict=True):
        assert start <= instant < buckets.end(start, "1d", ZoneInfo(zone))
        assert buckets.local_date(start, ZoneInfo(zone)) == buckets.local_date(instant, ZoneInfo(zone))
        assert buckets.local_date(start - 1, ZoneInfo(zone)) < buckets.local_date(instant, ZoneInfo(zone))


@pytest.mark.parametrize("zone", ZONES)
@given(at=YEARS)
def test_every_day_starts_with_a_quarter_so_that_quarters_add_up_to_days(zone, at):
    assert buckets.midnight(buckets.local_date(at, ZoneInfo(zone)), ZoneInfo(zone)) % buckets.QUARTER_MS == 0


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Helsinki", date(2026, 3, 29), 23),
        ("Europe/Helsinki", date(2026, 10, 25), 25),
        ("Europe/Helsinki", date(2026, 7, 1), 24),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Asia/Kathmandu", date(2026, 4, 5), 24),
        ("Asia/Beirut", date(2026, 3, 29), 23),
        ("America/Havana", date(2026, 11, 1), 25),
    ],
)
def test_days_are_as_long_as_the_city_lives_them(zone, day, hours):
    start = buckets.midnight(day, ZoneInfo(zone))
    assert buckets.end(start, "1d", ZoneInfo(zone)) - start == hours * 3_600_000


def test_the_buckets_of_a_span_are_those_that_begin_in_it():
    helsinki = ZoneInfo("Europe/Helsinki")
    from_ms, to_ms = ms(2026, 3, 28, zone="Europe/Helsinki"), ms(2026, 3, 31, zone="Europe/Helsinki")
    days = buckets.starts(from_ms, to_ms, "1d", helsinki)
    assert [buckets.local_date(start, helsinki) for start in days] == [
        date(2026, 3, 28) + timedelta(days=n) for n in range(3)
    ]
    assert len(buckets.starts(from_ms, to_ms, "15m", helsinki)) == 71 * 4
    assert len(buckets.starts(from_ms + 1, to_ms + 1, "1h", helsinki)) == 71
    assert len(buckets.starts(to_ms, from_ms, "1h", helsinki)) == 0
