# SPDX-License-Identifier: Apache-2.0
"""The record of the forecasts as an operator reads it: lines in words and figures, and the way to the worst series."""

from __future__ import annotations

from playwright.sync_api import expect


def test_the_record_is_read_and_the_worst_series_is_opened(console):
    page = console.open("/forecasts/")
    expect(page.get_by_role("link", name="Forecasts")).to_have_attribute("aria-current", "page")
    energy = page.locator(".accuracy-line", has_text="feeders")
    expect(energy).to_contain_text("closer than the same time one season before")
    expect(energy).to_contain_text("a mix of methods")
    expect(energy.locator(".band-mark")).to_have_count(2)
    waste = page.locator(".accuracy-line", has_text="containers")
    expect(waste).to_contain_text("too narrow")
    expect(waste).to_contain_text("First day: MASE")
    worst = page.locator("section", has=page.get_by_role("heading", name="The worst twenty"))
    expect(worst.locator("tbody tr")).to_have_count(20)
    uid = worst.locator("tbody a").first.inner_text()
    worst.locator("tbody a").first.click()
    expect(page.locator("asset-panel h2")).to_contain_text(uid)


def test_one_domain_is_asked_for(console):
    page = console.open("/forecasts/")
    page.get_by_label("Domain").select_option("waste")
    expect(page.locator(".accuracy-line")).to_have_count(1)
    page.get_by_label("Domain").select_option("lighting")
    expect(page.locator("forecasts-page")).to_contain_text("Nothing is foreseen here yet")


def test_a_series_is_pinned_with_a_reason_and_left_to_its_backtest_again(console):
    page = console.open("/forecasts/")
    uid = page.locator("tbody a").first.inner_text()
    page.get_by_role("button", name=f"Pin {uid} to a method").first.click()
    page.get_by_role("dialog").get_by_label("Method").select_option("closed_form")
    page.get_by_role("dialog").get_by_label("Reason").fill("the engineer trusts it")
    page.get_by_role("dialog").get_by_role("button", name="Pin", exact=True).click()
    pinned = page.locator("section", has=page.get_by_role("heading", name="Pinned by a person"))
    expect(pinned).to_contain_text("the engineer trusts it")
    expect(pinned).to_contain_text(uid)
    pinned.get_by_role("button", name="Lift…").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("over")
    page.get_by_role("dialog").get_by_role("button", name="Lift", exact=True).click()
    expect(pinned).to_have_count(0)


def test_an_event_is_entered_changed_and_cancelled(console):
    page = console.open("/forecasts/")
    place = page.locator("section.events")
    expect(place).to_contain_text("No weather is set up; forecasts do without it.")
    expect(place).to_contain_text("No event is coming.")
    place.get_by_role("button", name="Enter an event…").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("button", name="Enter", exact=True).click()
    expect(sheet.get_by_role("alert")).to_contain_text("Give it a name")
    sheet.get_by_label("Name", exact=True).fill("Derby")
    sheet.get_by_label("Kind").select_option("match")
    sheet.get_by_label("Concerns").select_option("traffic")
    sheet.get_by_label("Expected change, %").fill("30")
    sheet.get_by_label("Reason").fill("the fixtures")
    sheet.get_by_role("button", name="Enter", exact=True).click()
    row = place.locator("li", has_text="Derby")
    expect(row).to_contain_text("whole city")
    expect(row).to_contain_text("Match, Traffic only; expected +30 % until others have been")
    row.get_by_role("button", name="Change Derby…").click()
    expect(sheet.get_by_label("Name", exact=True)).to_have_value("Derby")
    sheet.get_by_label("Name", exact=True).fill("Derby, postponed")
    sheet.get_by_label("Reason").fill("the club said so")
    sheet.get_by_role("button", name="Change", exact=True).click()
    row = place.locator("li", has_text="Derby, postponed")
    expect(row).to_contain_text("the club said so")
    expect(place.locator("li")).to_have_count(1)
    row.get_by_role("button", name="Cancel Derby, postponed…").click()
    sheet.get_by_label("Reason").fill("rain")
    sheet.get_by_role("button", name="Cancel the event").click()
    expect(place).to_contain_text("No event is coming.")
    expect(place).to_contain_text("Past and cancelled events (1)")


def test_one_goes_from_the_city_down_to_a_transformer_and_back(console):
    page = console.open("/forecasts/")
    parts = page.get_by_role("region", name="The city and its parts")
    expect(parts.locator("forecast-chart canvas")).to_have_count(1)
    expect(parts).to_contain_text("Made to add up by all levels together")
    parts.get_by_role("button", name="Feeder 1", exact=True).click()
    expect(parts.locator("tbody tr")).to_have_count(4)
    parts.get_by_role("button", name="Feeder 1, transformer 2").click()
    expect(parts.get_by_role("navigation")).to_contain_text("The whole city › Feeder 1 › Feeder 1, transformer 2")
    parts.get_by_role("button", name="The whole city").click()
    expect(parts.locator("tbody tr")).to_have_count(2)
