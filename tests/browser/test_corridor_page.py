# SPDX-License-Identifier: Apache-2.0
"""The corridor page: greens and bands over time and distance, and who controls each junction."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_junction_panel import send

pytestmark = pytest.mark.browser


@pytest.fixture
def running_signals(console, lit_city):
    """A cycle of a minute at each signal of the longest street, over the last ten minutes of the city's clock."""
    longest = max(console.api("traffic/corridors")["results"], key=lambda one: len(one["junctions"]))
    now_s = json.loads(lit_city.get("/clock")[1])["at"] // 1000
    for number, uid in enumerate(longest["junctions"]):
        times = range(now_s - 600, now_s, 5)
        rows = [{"n": "traffic.stage", "v": _stage((at + 7 * number) % 60), "t": at} for at in times]
        send(lit_city, uid, json.dumps(rows).encode())


def _stage(second):
    return 1 if second < 30 else 2 if 35 <= second < 55 else 0


@pytest.mark.parametrize("page", ["desk", "phone"], indirect=True)
def test_a_street_is_drawn_with_its_greens_and_the_band_follows_the_speed(console, running_signals):
    page = console.open("/traffic/corridors/")
    diagram = page.get_by_role("img", name=re.compile("Time-space diagram of "))
    expect(diagram.locator(".lane").nth(2)).to_be_attached()
    expect(diagram.locator(".green").nth(20)).to_be_attached()
    page.get_by_label("Design speed").select_option("60")
    expect(page.locator(".key-wave")).to_have_text("band at 60 km/h")
    expect(page).to_have_url(re.compile("speed=60"))
    rows = page.locator(".rows-table tbody tr")
    expect(rows.nth(2)).to_contain_text("no advice")
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0


def test_the_page_of_traffic_leads_to_it(console):
    page = console.open("/traffic/")
    page.get_by_role("link", name="Corridors").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Corridors")
