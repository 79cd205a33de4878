# SPDX-License-Identifier: Apache-2.0
"""The measures of a junction as a signals engineer reads them, and what its plan was worth."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.demo_stand import JUNCTION


def test_from_the_map_to_the_measures_of_a_junction(console):
    page = console.home(f"?asset={JUNCTION}")
    page.locator("asset-panel").get_by_role("link", name="Measures").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Measures of {JUNCTION}")
    expect(page.locator(".card", has_text="Arrivals on green").first).to_contain_text("%")
    expect(page.locator("svg.pcd")).to_have_attribute("aria-label", re.compile(r"\d+ cycles, \d+ arrivals"))
    splits = page.get_by_role("table", name="Split monitor")
    expect(splits.locator("tbody tr")).to_have_count(3)
    expect(splits.locator("tbody tr").first).to_contain_text("force-off 100 %")
    expect(page.get_by_role("table", name="Crossings").locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("table", name="Detectors").locator("tbody tr")).to_have_count(9)


def test_another_phase_has_its_own_diagram_and_a_span_without_events_says_so(console):
    page = console.open(f"/traffic/measures/{JUNCTION}/")
    expect(page.locator("svg.pcd .pcd-met")).to_have_attribute("d", re.compile("M"))
    page.get_by_label("Phase of the diagram").select_option("3")
    expect(page.get_by_label("Phase of the diagram")).to_have_value("3")
    expect(page.locator("svg.pcd .pcd-green")).to_have_attribute("d", re.compile("M"))
    page.get_by_label("Until (empty: now)").fill("2026-11-01T12:00")
    expect(page.locator("signal-measures")).to_contain_text("No event was logged in this span")


def test_what_got_worse_stands_beside_what_got_better(console):
    page = console.open(f"/traffic/measures/{JUNCTION}/")
    place = page.locator("signal-comparison")
    place.get_by_role("button", name="Compare").click()
    expect(place.locator(".card", has=page.get_by_role("heading", name="Better"))).to_contain_text(
        "Control delay, vehicles"
    )
    expect(place.locator(".card", has=page.get_by_role("heading", name="Worse"))).to_contain_text("Wait on foot")
    expect(place).to_contain_text("moving-block bootstrap")


def test_on_a_phone_the_page_does_not_scroll_sideways(console):
    console.page.set_viewport_size({"width": 390, "height": 844})
    page = console.open(f"/traffic/measures/{JUNCTION}/")
    expect(page.locator("svg.pcd")).to_be_visible()
    assert page.evaluate("document.querySelector('main').scrollWidth <= document.querySelector('main').clientWidth")
