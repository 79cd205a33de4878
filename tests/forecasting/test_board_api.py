# SPDX-License-Identifier: Apache-2.0
"""The accuracy board over REST: what it says, and to whom."""

from __future__ import annotations

import dataclasses

import pytest
from django.contrib.auth import get_user_model

from smartcity import declared
from smartcity.api.models import Grant
from smartcity.forecasting.models import Calibration, Champion, Drift, IssuedForecast
from smartcity.kernel.clock import Anchor, clock, wall_ms
from smartcity.kernel.metrics import DataClass
from tests.forecasting.conftest import DAY, METRICS, NOW
from tests.forecasting.test_board import a_series, scored

pytestmark = [pytest.mark.both_engines, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def at_now(monkeypatch):
    monkeypatch.setattr(declared, "metrics", lambda: METRICS)
    before = clock.anchor
    clock.adopt(Anchor(NOW, wall_ms(), 0.0, 1.0, simulated=True))
    yield
    clock.adopt(before)


def ask(client, *grants, **query):
    user = get_user_model()._default_manager.create_user("anna")
    for action, domain, zone in grants:
        Grant.objects.create(user=user, action=action, domain=domain, zone=zone)
    client.force_login(user)
    return client.get("/api/v1/forecasts/accuracy", query)


def test_a_line_says_it_in_figures_and_in_words(client):
    scored(a_series(), count=4)
    found = ask(client, ("view", "", "")).json()
    (line,) = found["lines"]
    assert (line["domain"], line["metric"], line["kind"]) == ("test", "test.load", "meter")
    assert (line["title"], line["unit"], line["series"], line["forecasts"]) == ("Load", "kW", 1, 4)
    assert line["mase"] == 0.5 and line["skill"] == pytest.approx(0.2) and line["coverage95"] == 0.95
    assert line["words"].startswith("Off by 4 kW on average, 20 % closer") and line["band80"] == "as it says"
    assert line["methods"] == [{"method": "mix", "title": "a mix of methods", "share": 1.0}]
    assert found["may_pin"] is False and {"method": "prophet", "title": "Prophet"} in found["methods"]
    assert line["first_day"] is None and found["to"] - found["from"] == 28 * DAY
    (worst,) = found["worst"]
    assert (worst["asset"], worst["name"], worst["title"]) == ("M-1", "Name of M-1", "Load") and worst["method"] is None


def test_an_empty_board_says_when_the_first_scores_come(client):
    start = NOW - DAY // 2
    IssuedForecast.objects.create(series_id=a_series(), issued_at=start, start=start, end=start + DAY, step_s=900,
                                  levels=[0.5], values=b"", is_kept=True)  # fmt: skip
    found = ask(client, ("view", "", "")).json()
    assert found["lines"] == [] and found["worst"] == []
    (waiting,) = found["waiting"]
    assert waiting["title"] == "Load" and waiting["series"] == 1 and waiting["first_at"] == start + DAY + 300_000


def test_series_that_have_become_worse_are_told_to_those_who_may_see_them(client):
    for uid, zone, ended in (("M-1", "", None), ("M-2", "north", None), ("M-3", "north", NOW)):
        Drift.objects.create(series_id=a_series(uid, zone=zone), what="error", since=NOW - 5 * DAY, noticed_at=NOW,
                             before=0.5, after=1.1, ended_at=ended)  # fmt: skip
    (found,) = ask(client, ("view", "", "north")).json()["drifting"]
    assert (found["asset"], found["title"], found["since"]) == ("M-2", "Load", NOW - 5 * DAY)
    assert found["words"] == "off by 1.10 of what a day differs from the next, 0.50 before"


@pytest.mark.parametrize(
    ("grant", "sees"),
    [
        (("view", "", ""), ["M-1", "M-2", "P-1"]),
        (("view", "test", ""), ["M-1", "M-2"]),
        (("view", "", "north"), ["M-2"]),
        (("view", "pumping", ""), ["P-1"]),
        (("view", "traffic", ""), []),
    ],
)
def test_everybody_sees_the_figures_of_what_he_may_see(client, grant, sees):
    scored(a_series("M-1"), count=4)
    scored(a_series("M-2", zone="north"), count=4)
    scored(a_series("P-1", domain="pumping"), count=4)
    found = ask(client, grant).json()
    assert sorted(one["asset"] for one in found["worst"]) == sees
    assert sum(line["series"] for line in found["lines"]) == len(sees)


def test_whoever_may_only_act_elsewhere_is_refused(client):
    assert ask(client, ("crew", "", "")).status_code == 403


def test_one_domain_can_be_asked_for(client):
    scored(a_series("M-1"))
    scored(a_series("P-1", domain="pumping"))
    assert [line["domain"] for line in ask(client, ("view", "", ""), domain="pumping").json()["lines"]] == ["pumping"]


@pytest.mark.parametrize(("grants", "count"), [([("view", "", "")], 0), ([("view", "", ""), ("personal", "", "")], 1)])
def test_forecasts_of_personal_data_need_their_own_grant(client, monkeypatch, grants, count):
    household = dataclasses.replace(METRICS["test.load"], data_class=DataClass.PERSONAL)
    monkeypatch.setattr(declared, "metrics", lambda: {"test.load": household})
    scored(a_series(), count=4)
    found = ask(client, *grants).json()
    assert len(found["lines"]) == len(found["worst"]) == count


def test_who_foresaw_a_series_and_since_when_can_be_asked(client):
    series = a_series()
    Calibration.objects.create(series_id=series, made_at=NOW, ladder=["closed_form"], skill=0.2, windows=8)
    Champion.objects.create(series_id=series, since=NOW - DAY, shares={"seasonal_naive": 1.0}, is_current=False)
    Champion.objects.create(series_id=series, since=NOW, shares={"prophet": 0.3, "closed_form": 0.7}, skill=0.2)
    assert ask(client, ("view", "", "")).status_code == 200
    found = client.get(f"/api/v1/series/{series}/forecast/methods").json()
    assert [row["since"] for row in found["champions"]] == [NOW, NOW - DAY]
    assert [one["method"] for one in found["champions"][0]["methods"]] == ["closed_form", "prophet"]
    assert found["champions"][1]["methods"][0]["title"] == "seasonal naive"
    assert found["backtest"] == {"at": NOW, "skill": 0.2, "windows": 8}
    Grant.objects.update(domain="traffic")
    assert client.get(f"/api/v1/series/{series}/forecast/methods").status_code == 404


def test_the_methods_of_a_kind_are_said_on_average_with_the_newest_changes(client):
    one, other = a_series("M-1"), a_series("M-2")
    for series, shares, since, is_current in (
        (one, {"profile": 1.0}, NOW - DAY, False),
        (one, {"prophet": 0.6, "profile": 0.4}, NOW - 5, True),
        (other, {"profile": 1.0}, NOW - 9, True),
    ):
        Champion.objects.create(series_id=series, since=since, shares=shares, is_current=is_current)
    ask(client, ("view", "", ""))
    found = client.get("/api/v1/forecasts/methods", {"metric": "test.load", "kind": "meter"}).json()
    assert found["series"] == 2 and [(one["method"], one["share"]) for one in found["methods"]] == [
        ("profile", 0.7), ("prophet", 0.3),
    ]  # fmt: skip
    assert [(one["asset"], one["since"]) for one in found["changes"]][:2] == [("M-1", NOW - 5), ("M-2", NOW - 9)]
    assert client.get("/api/v1/forecasts/methods", {"metric": "test.load"}).status_code == 400


def test_nothing_of_a_kind_is_said_to_whose_grants_lie_elsewhere(client):
    Champion.objects.create(series_id=a_series(), since=NOW, shares={"profile": 1.0}, is_current=True)
    ask(client, ("view", "energy", ""))
    found = client.get("/api/v1/forecasts/methods", {"metric": "test.load", "kind": "meter"}).json()
    assert (found["series"], found["methods"], found["changes"]) == (0, [], [])


@pytest.mark.parametrize(("zone", "may"), [("", True), ("centre", False)])
def test_all_of_a_kind_are_pinned_by_who_may_operate_them_in_every_zone(client, zone, may):
    scored(a_series(), count=4)
    (line,) = ask(client, ("view", "", ""), ("operate", "test", zone)).json()["lines"]
    assert line["may_pin"] is may
