# SPDX-License-Identifier: Apache-2.0
"""Behind a forecast: other bands, what was said before, parts, chances, what it would be, and the model card."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.demo_stand import JUNCTION, POINT
from tests.browser.test_domains import drawn


@pytest.fixture
def panel(console):
    return console.home(f"?asset={JUNCTION}").locator("asset-panel")


def opened(panel, title):
    part = panel.locator("forecast-insight details", has_text=title).first
    part.locator("summary").first.click()
    return part


def test_the_other_bands_come_on_request_and_are_remembered(console, panel):
    chart = panel.locator("forecast-chart")
    toggle = chart.get_by_role("button", name="50 / 95 %")
    expect(toggle).to_have_attribute("aria-pressed", "false")
    assert drawn(console.page, "--band-50") == 0
    toggle.click()
    expect(chart.locator(".key-95")).to_have_text("95 %")
    assert drawn(console.page, "--band-50", at_least=50) >= 50
    chart.get_by_text("The chart as a table").click()
    expect(chart.get_by_role("columnheader", name="95 % to")).to_be_attached()
    console.home(f"?asset={JUNCTION}")
    expect(chart.get_by_role("button", name="50 / 95 %")).to_have_attribute("aria-pressed", "true")


def test_what_was_said_yesterday_and_a_week_ago_stands_beside_what_came(panel):
    chart = panel.locator("forecast-chart")
    chart.get_by_role("button", name="Yesterday").click()
    expect(chart).to_contain_text(
        re.compile(r"Said Wed 18 Nov 16:42 by seasonal naive\. Off by [\d.]+ veh/h on average")
    )
    expect(chart).to_contain_text(re.compile(r"\d+ of 9\d values came inside its 80 % band"))
    chart.get_by_text("The chart as a table").click()
    expect(chart.get_by_role("columnheader", name="then 80 % to")).to_be_attached()
    chart.get_by_role("button", name="A week ago").click()
    expect(chart).to_contain_text("Said Thu 12 Nov 16:42")
    expect(chart.get_by_role("button", name="Yesterday")).to_have_attribute("aria-pressed", "false")
    chart.get_by_role("button", name="A week ago").click()
    expect(chart).not_to_contain_text("Said ")


def test_the_forecast_is_taken_away_as_issued(console, panel):
    chart = panel.locator("forecast-chart")
    chart.get_by_text("The chart as a table").click()
    with console.page.expect_download() as taken:
        chart.get_by_role("link", name="CSV").click()
    assert taken.value.suggested_filename.startswith("SIMULATION-K-001-traffic.flow-forecast")
    assert "q0.975" in taken.value.path().read_text().splitlines()[0]


def test_a_forecast_is_taken_apart_on_request(panel):
    part = opened(panel, "Why this?")
    expect(part.locator(".parts")).to_contain_text(re.compile(r"Day .*\sveh/h · \d+\s% of the movement"))
    expect(part.get_by_role("img", name=re.compile("^Day: "))).to_be_visible()
    part.get_by_text("The parts as a table").click()
    expect(part.get_by_role("columnheader", name="Newest readings and the rest")).to_be_attached()
    part.get_by_text("Which methods, and since when").click()
    expect(part.locator(".methods")).to_contain_text("ast backtest")
    part.get_by_role("link", name="Model card").click()
    expect(panel.page.get_by_role("heading", level=1)).to_have_text("Traffic flow of intersections: model card")


def test_a_threshold_is_asked_for_and_the_hour_of_the_peak_is_said(console, panel):
    part = opened(panel, "How likely?")
    expect(part).to_contain_text("Nothing limits this series")
    expect(part).to_contain_text(re.compile(r"The highest hour lies between .* with (over )?\d+\s%"))
    part.get_by_label("Above, veh/h").fill("700")
    part.get_by_label("Above, veh/h").press("Enter")
    expect(part).to_contain_text(re.compile(r"Above 700\sveh/h at least once within a day: (over )?\d+\s%"))
    console.home(f"?asset={POINT}")
    panel.get_by_label("Series on the chart").select_option(label="Load, kW")
    contract = opened(panel, "How likely?")
    expect(contract).to_contain_text("The contracted limit in the engineering data.")
    expect(contract.get_by_label("Above, kW")).not_to_have_value("")


def test_what_would_be_is_answered_with_a_band_or_refused_in_words(panel):
    part = opened(panel, "What if?")
    part.get_by_label("What", exact=True).select_option("change")
    part.get_by_label("Change, %").fill("-50")
    part.get_by_role("button", name="Show").click()
    expect(part).to_contain_text(re.compile(r"At most −\d+\sveh/h, at .* \(80\s%: −\d+ to −\d+\)\."))
    expect(part.get_by_role("img", name=re.compile("^The difference"))).to_be_visible()
    part.get_by_label("What", exact=True).select_option("warmer")
    part.get_by_role("button", name="Show").click()
    expect(part).to_contain_text("Temperature is not among what this series is foreseen with")


def test_a_model_card_is_read_approved_with_a_reason_and_exported(console):
    page = console.open("/forecasts/")
    page.locator(".accuracy-line", has_text="feeders").get_by_role("link", name="Model card").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Feeder load of feeders: model card")
    expect(page.locator(".model-card")).to_contain_text("Peak of each feeder within a day, for the grid desk.")
    page.get_by_role("button", name="Approve…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Owner").fill("Grid desk")
    dialog.get_by_label("Reason").fill("eight good weeks")
    dialog.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator(".model-card")).to_contain_text(re.compile("anna, .*: eight good weeks"))
    with page.expect_download() as taken:
        page.get_by_role("link", name="Entry for a public register").click()
    found = json.loads(taken.value.path().read_text())
    assert found["department"] == "Grid desk" and found["standard_version"] == "0.3.1"
    assert taken.value.suggested_filename.startswith("SIMULATION-")
    console.open("/forecasts/")
    expect(page.locator("forecasts-page")).to_contain_text("Approved by anna")


def test_all_of_a_kind_are_pinned_and_left_to_their_backtest_again(console):
    page = console.open("/forecasts/")
    page.get_by_role("button", name="Pin all feeders…").click()
    page.get_by_role("dialog").get_by_label("Method").select_option("profile")
    page.get_by_role("dialog").get_by_label("Reason").fill("the grid is being rebuilt")
    page.get_by_role("dialog").get_by_role("button", name="Pin", exact=True).click()
    pinned = page.locator("section", has=page.get_by_role("heading", name="Pinned by a person"))
    expect(pinned).to_contain_text("All feeders")
    pinned.get_by_role("button", name="Lift…").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("it is done")
    page.get_by_role("dialog").get_by_role("button", name="Lift", exact=True).click()
    expect(pinned).to_have_count(0)


def test_which_methods_a_series_trusts_is_said_in_a_dialogue(console):
    page = console.open("/forecasts/")
    page.get_by_role("button", name=re.compile("^Methods of ")).first.click()
    expect(page.get_by_role("dialog")).to_contain_text("backtest")
