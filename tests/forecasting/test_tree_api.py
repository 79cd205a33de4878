# SPDX-License-Identifier: Apache-2.0
"""Sums over REST: who sees which, and what they say."""

from __future__ import annotations

import numpy as np
import pytest
from django.contrib.auth import get_user_model

from smartcity import declared
from smartcity.api.models import Grant
from smartcity.forecasting.models import ForecastNode, NodeForecast
from tests.forecasting.conftest import METRICS, NOW

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]
HOUR = 3_600_000


@pytest.fixture(autouse=True)
def town(monkeypatch):
    """A city of two districts with a street each."""
    monkeypatch.setattr(declared, "metrics", lambda: METRICS)
    city = node("The whole city", "city", None, ["centre", "north"], 30, 300.0)
    centre = node("Centre", "district", city, ["centre"], 20, 200.0)
    north = node("North", "district", city, ["north"], 10, 100.0)
    node("High Street", "street", centre, ["centre"], 20, 200.0)
    node("Quay", "street", north, ["north"], 10, 100.0)
    return city


def node(label, level, parent, zones, members, mean):
    made = ForecastNode.objects.create(
        metric="test.load", kind="meter", key=label, level=level, label=label, parent=parent, zones=zones,
        members=members,
    )  # fmt: skip
    means = np.array([mean, 2 * mean])
    band = np.array([0.8 * means, means, 1.2 * means])
    NodeForecast.objects.create(
        node=made, issued_at=NOW, start=NOW, step_s=3600, levels=[0.1, 0.5, 0.9], note="Added up.",
        means=means.tobytes(), values=band.astype("<f4").tobytes(),
    )  # fmt: skip
    return made


def ask(client, *grants, **query):
    user = get_user_model()._default_manager.create_user("anna")
    for action, domain, zone in grants:
        Grant.objects.create(user=user, action=action, domain=domain, zone=zone)
    client.force_login(user)
    return client.get("/api/v1/forecasts/tree", query)


def test_the_city_and_what_it_is_made_of(client):
    found = ask(client, ("view", "", ""), metric="test.load").json()
    assert (found["title"], found["unit"], found["node"]["label"], found["node"]["members"]) == (
        "Load", "kW", "The whole city", 30,
    )  # fmt: skip
    assert found["node"]["points"] == [[NOW, 300, 300, 240, 360], [NOW + HOUR, 600, 600, 480, 720]]
    assert found["node"]["note"] == "Added up." and found["node"]["issued_at"] == NOW
    assert [(one["label"], one["mean"], one["peak"]["at"]) for one in found["children"]] == [
        ("Centre", 300, NOW + HOUR), ("North", 150, NOW + HOUR),
    ]  # fmt: skip


def test_one_goes_down_by_the_number_of_a_node(client):
    centre = ForecastNode.objects.get(label="Centre")
    found = ask(client, ("view", "", ""), metric="test.load", node=centre.pk).json()
    assert [one["label"] for one in found["path"]] == ["The whole city", "Centre"]
    assert [one["label"] for one in found["children"]] == ["High Street"]


def test_without_a_metric_it_says_which_trees_there_are(client):
    (found,) = ask(client, ("view", "test", "")).json()["trees"]
    assert (found["metric"], found["kind"], found["title"], found["nodes"]) == ("test.load", "meter", "Load", 5)


def test_who_may_see_one_zone_sees_its_figures_and_no_others(client):
    found = ask(client, ("view", "", "north"), metric="test.load").json()
    assert [one["label"] for one in found["roots"]] == ["North"] == [one["label"] for one in found["path"]]
    assert found["node"]["points"][0][1] == 100 and [one["label"] for one in found["children"]] == ["Quay"]
    city, centre = (ForecastNode.objects.get(label=label) for label in ("The whole city", "Centre"))
    for hidden in (city, centre):
        answer = client.get("/api/v1/forecasts/tree", {"metric": "test.load", "node": hidden.pk})
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"metric": "test.none"}, 404),
        ({"metric": "test.load", "node": "x"}, 400),
        ({"metric": "test.load", "node": "999999"}, 404),
    ],
)
def test_what_is_not_there_is_said(client, query, status):
    assert ask(client, ("view", "", ""), **query).status_code == status


def test_whoever_may_see_another_domain_only_sees_nothing(client):
    assert ask(client, ("view", "waste", "")).json() == {"trees": []}
