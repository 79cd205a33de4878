# SPDX-License-Identifier: Apache-2.0
"""A small city whose meters are added up: stored, coherent, and never fewer than k households at once."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from smartcity import declared
from smartcity.devices.models import Device, Zone
from smartcity.forecasting import places, runner, trees
from smartcity.forecasting.models import ForecastNode, IssuedForecast, NodeCalibration, NodeForecast
from smartcity.forecasting.past import Shelf
from smartcity.kernel.metrics import DataClass
from tests.forecasting.conftest import HOUR, METER, METRICS, NOW, days

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db(transaction=True, databases=["default", "telemetry"])]
SUMMED = dataclasses.replace(METER, adds_up=("district",))


@pytest.fixture
def town(grid, monkeypatch):
    """`town({"centre": 3})` puts so many meters into each zone; their target adds up by district."""
    monkeypatch.setattr(declared, "targets", lambda: (SUMMED,))

    def put(sizes, **asset):
        found: dict[str, list[int]] = {}
        for code, size in sizes.items():
            zone, _ = Zone.objects.get_or_create(code=code, defaults={"name": code.title()})
            found[code] = [grid.meter(days(12, seed=len(found) * 20 + k), zone=zone, **asset) for k in range(size)]
        return found

    return put


def means(node):
    return np.frombuffer(NodeForecast.objects.get(node=node, is_current=True).means, "<f8")


def test_districts_and_the_city_are_foreseen_and_their_means_add_up_exactly(town):
    series = town({"centre": 3, "north": 2})
    report = runner.refresh(NOW)
    assert report.failed == [] and report.summed == 1 + 2 + 5
    city = ForecastNode.objects.get(parent=None)
    assert (city.members, city.zones, city.level) == (5, ["centre", "north"], "city")
    assert 300 < means(city).mean() < 700
    for node in ForecastNode.objects.filter(children__isnull=False).distinct():
        below = sum(means(child) for child in node.children.all())
        assert below == pytest.approx(means(node), rel=1e-12)
    leaves = ForecastNode.objects.exclude(series=None)
    assert sorted(leaves.values_list("series_id", flat=True)) == sorted(series["centre"] + series["north"])
    assert "add" in NodeForecast.objects.filter(node=city)[0].note.lower()


def test_it_is_done_once_an_hour_and_learnt_once_a_day(town):
    town({"centre": 2})
    shelf = Shelf()
    assert runner.refresh(NOW, shelf=shelf).summed == 4
    learnt = NodeCalibration.objects.get(node__parent=None).made_at
    assert runner.refresh(NOW + HOUR // 2, shelf=shelf).summed == 0
    assert runner.refresh(NOW + HOUR, shelf=shelf).summed == 4
    assert NodeCalibration.objects.get(node__parent=None).made_at == learnt
    assert NodeForecast.objects.filter(node__parent=None).count() == 2
    assert NodeForecast.objects.filter(node__parent=None, is_current=True).get().issued_at == NOW + HOUR


def test_a_place_that_is_no_more_goes(town):
    series = town({"centre": 2, "north": 1})
    runner.refresh(NOW)
    assert ForecastNode.objects.filter(level="district", label="North").exists()
    Device.objects.filter(series__pk__in=series["north"]).delete()
    runner.refresh(NOW + HOUR)
    assert not ForecastNode.objects.filter(label="North").exists()
    assert ForecastNode.objects.get(parent=None).members == 2


def test_what_does_not_add_up_is_not_added_up(grid):
    grid.meter(days(5))
    assert runner.refresh(NOW).summed == 0 and not ForecastNode.objects.exists()


def test_what_is_too_much_for_one_process_is_counted_and_not_read(town, monkeypatch):
    town({"centre": 3})
    monkeypatch.setattr(trees, "MOST_LEAVES", 2)
    monkeypatch.setattr(places, "leaves", lambda target: pytest.fail("all of them were read"))
    report = runner.refresh(NOW)
    assert report.failed == [] and report.summed == 0 and not ForecastNode.objects.exists()


def test_a_series_without_a_past_is_in_no_sum(town, grid):
    town({"centre": 2})
    grid.meter([])
    runner.refresh(NOW)
    assert ForecastNode.objects.get(parent=None).members == 2


@pytest.fixture
def personal(monkeypatch):
    found = {"test.load": dataclasses.replace(METRICS["test.load"], data_class=DataClass.PERSONAL)}
    monkeypatch.setattr(declared, "metrics", lambda: found)


def test_households_are_foreseen_in_sums_of_at_least_k_only(town, personal, settings):
    settings.PERSONAL_AT_LEAST = 3
    town({"centre": 4, "north": 3, "south": 2})
    runner.refresh(NOW)
    assert not IssuedForecast.objects.exists()
    shown = {node.label: node.members for node in ForecastNode.objects.all()}
    assert shown == {"The whole city": 9, "Centre": 4, "Others": 5}  # the two in the south are not to be worked out
    assert not ForecastNode.objects.exclude(series=None).exists()


def test_fewer_households_than_k_are_not_foreseen_at_all(town, personal):
    town({"centre": 5})
    runner.refresh(NOW)
    assert not ForecastNode.objects.exists() and not IssuedForecast.objects.exists()


def test_a_purpose_that_needs_households_singly_gets_them(town, personal, monkeypatch):
    monkeypatch.setattr(declared, "targets", lambda: (dataclasses.replace(SUMMED, singly=True),))
    town({"centre": 2})
    runner.refresh(NOW)
    assert IssuedForecast.objects.filter(is_current=True).count() == 2
    assert ForecastNode.objects.exclude(series=None).count() == 2
