# SPDX-License-Identifier: Apache-2.0
"""A crew's round on a phone: the next stop, a tap with and without a network."""

from __future__ import annotations

import json
import sqlite3

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def give_round(var, passing_by=0):
    """What a truck's unit would announce over MQTT: three containers to call at, after those it passes by."""
    with sqlite3.connect(var / "city.sqlite3", timeout=20) as city:
        (truck,) = city.execute("SELECT uid FROM devices_device WHERE uid LIKE 'RT-%' ORDER BY uid").fetchone()
        containers = "SELECT uid FROM devices_device WHERE uid LIKE 'C-%' ORDER BY uid LIMIT 3 OFFSET ?"
        bins = [uid for (uid,) in city.execute(containers, (passing_by,))]
        route = {"led_by": "centre", "next": bins[0], "left": bins[1:], "done": []}
        city.execute("UPDATE devices_device SET announced = ? WHERE uid = ?", (json.dumps({"route": route}), truck))
    return truck, bins


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_a_crew_taps_through_its_round_and_a_dead_spot_loses_nothing(console, lit_city, tmp_path):
    truck, bins = give_round(lit_city.var)
    page = console.page
    page.goto(f"{lit_city.url}/waste/crew/{truck}/")
    heading = page.locator(".crew-now h2")
    heading.wait_for()
    assert bins[0] in heading.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for button in page.locator(".crew-buttons button").all():
        box = button.bounding_box()
        assert box["height"] >= 60 and box["width"] >= 120
    page.screenshot(path=str(tmp_path / "crew.png"))
    page.get_by_role("button", name="Done").click()
    expect(heading).to_contain_text(bins[1])
    expect(page.locator(".crew-waiting")).to_have_count(0)
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('offline')); }")
    page.get_by_role("button", name="Blocked").click()
    expect(page.locator(".crew-waiting")).to_contain_text("1 report waits")
    page.reload()
    expect(heading).to_contain_text(bins[2])
    expect(page.locator(".crew-waiting")).to_have_count(0)
    with sqlite3.connect(lit_city.var / "city.sqlite3", timeout=20) as city:
        joined = "waste_stopreport r JOIN devices_asset a ON a.id = r.container_id"
        said = dict(city.execute(f"SELECT a.uid, r.outcome FROM {joined}").fetchall())
    assert said == {bins[0]: "done", bins[1]: "blocked"}
