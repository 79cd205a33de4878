# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from smartcity.control import retention
from smartcity.control.instants import instant
from smartcity.control.models import FastEvent
from smartcity.devices.models import Asset
from tests.control.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]


@pytest.fixture
def events(street):
    street.lamp()
    asset = Asset.objects.get(uid="L-1")
    ages = [0, 30, 89, 91, 120, 400]
    FastEvent.objects.bulk_create(
        FastEvent(at=instant(NOW - age * retention.DAY_MS), asset=asset, point="dim_level", value=age, outcome="asked")
        for age in ages
    )


def test_only_events_past_their_days_are_forgotten(events):
    assert retention.forget_events(NOW) == 3
    assert sorted(FastEvent.objects.values_list("value", flat=True)) == [0, 30, 89]
    assert retention.forget_events(NOW) == 0


def test_one_round_takes_no_more_than_it_may(events, monkeypatch):
    monkeypatch.setattr(retention, "CHUNK", 1)
    assert retention.forget_events(NOW, most=2) == 2
    assert not FastEvent.objects.filter(value=400).exists()
