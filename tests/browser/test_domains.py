# SPDX-License-Identifier: Apache-2.0
"""What the pages of traffic, waste and energy hold, and what an asset of each shows: figures, course, band, flags."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.demo_stand import CONTAINER, JUNCTION, POINT

COUNT = """(token) => {
  const wanted = getComputedStyle(document.documentElement).getPropertyValue(token).trim();
  const rgb = [1, 3, 5].map((i) => parseInt(wanted.slice(i, i + 2), 16));
  const canvas = document.querySelector("asset-panel forecast-chart canvas");
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (rgb.every((v, c) => data[i + c] === v) && data[i + 3] === 255) found += 1;
  }
  return found;
}"""


def drawn(page: Page, token: str, *, at_least: int = 0) -> int:
    """How many pixels of the chart have a token's colour, once there are so many or five seconds are over."""
    for _ in range(50):
        if (found := int(page.evaluate(COUNT, token))) >= at_least:
            break
        page.wait_for_timeout(100)
    return found


@pytest.mark.parametrize(
    ("domain", "card", "apart", "now", "asset"),
    [
        ("traffic", "Control delay, vehicles", "−24", r"Now: control delay\s*[\d.]+ s/veh", JUNCTION),
        ("waste", "Distance driven", "−50", r"Now: fill level\s*\d+ %", CONTAINER),
        ("energy", "Sum of site peaks", "−10", r"Now: import\s*[\d.]+ MW", POINT),
    ],
)
def test_the_page_of_a_domain_has_its_figures_modes_and_assets(console, domain, card, apart, now, asset):
    page = console.open(f"/{domain}/")
    figure = page.locator(".card", has_text="a day before the loop")
    expect(figure).to_contain_text(card)
    expect(figure).to_contain_text(apart)
    expect(figure).to_contain_text("SIMULATION")
    expect(page.locator("[data-part=kpis]")).to_contain_text(re.compile(now))
    expect(page.locator(".loops").first.get_by_role("button").first).to_be_visible()
    page.get_by_role("tab", name=re.compile(named(asset))).click()
    page.get_by_label("Filter the assets").fill(asset)
    expect(page.locator("#asset-rows tbody tr").first).to_contain_text(asset)


def named(asset):
    return {JUNCTION: "Junctions|Intersections", CONTAINER: "Containers", POINT: "Connection points"}[asset]


def test_a_junction_shows_its_flow_with_a_band_and_the_command_as_a_flag(console):
    page = console.home(f"?asset={JUNCTION}")
    panel = page.locator("asset-panel")
    chart = panel.locator("forecast-chart")
    expect(chart.get_by_role("img")).to_have_attribute(
        "aria-label", re.compile(r"Traffic flow: last [\d.]+\sveh/h, expected between .*\sveh/h, 1 command\.")
    )
    expect(chart.locator(".key-band")).to_have_text("80 %")
    assert drawn(page, "--band-80", at_least=100) >= 100
    assert drawn(page, "--flag", at_least=10) >= 10
    line = panel.locator(".commands-list li", has_text="parade on Mikonkatu")
    expect(line.locator(".command-state")).to_contain_text("effect confirmed")
    chart.get_by_text("The chart as a table").click()
    expect(chart.locator(".chart-table tbody tr").nth(5)).to_be_visible()


def test_a_container_shows_how_it_fills_and_no_flag_where_nothing_was_commanded(console):
    page = console.home(f"?asset={CONTAINER}")
    chart = page.locator("asset-panel forecast-chart")
    expect(chart.get_by_role("img")).to_have_attribute("aria-label", re.compile(r"Fill level: last \d.*0 commands\."))
    assert drawn(page, "--band-80", at_least=100) >= 100
    assert drawn(page, "--flag") == 0
    expect(page.locator("asset-panel .part-state")).to_contain_text(re.compile(r"\d"))


def test_another_series_of_a_connection_point_has_its_own_forecast(console):
    page = console.home(f"?asset={POINT}")
    chart = page.locator("asset-panel forecast-chart")
    expect(chart.get_by_role("img")).to_have_attribute("aria-label", re.compile(r"Import: last [\d.]+"))
    expect(chart.locator(".key-band")).to_have_count(0)
    chart.get_by_label("Series on the chart").select_option(label="Load, kW")
    expect(chart.get_by_role("img")).to_have_attribute("aria-label", re.compile(r"Load: last .* expected between"))
    assert drawn(page, "--band-80", at_least=100) >= 100
    expect(chart).to_contain_text("its record is still open")
