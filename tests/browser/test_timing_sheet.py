# SPDX-License-Identifier: Apache-2.0
"""A signals engineer draws a timing sheet from the cabinet, spoils it, puts it right, signs and changes it."""

from __future__ import annotations

import json
import re
import sqlite3

import pytest
from playwright.sync_api import expect

JUNCTION = "K-001"


def announce(var):
    """What the cabinet would announce over MQTT: opposite approaches together, crossings at all of them."""
    with sqlite3.connect(var / "city.sqlite3", timeout=20) as city:
        arms = "SELECT a.uid FROM devices_asset a JOIN devices_asset k ON a.parent_id = k.id WHERE k.uid = ?"
        uids = [uid for (uid,) in city.execute(f"{arms} ORDER BY a.uid", (JUNCTION,))]
        assert len(uids) > 1
        stage = {uid: 1 + place % 2 for place, uid in enumerate(uids)}
        said = {
            "stages": [
                {"number": n, "name": f"stage {n}", "serves": {u: 1.0 for u in uids if stage[u] == n}} for n in (1, 2)
            ],
            "conflicts": [[1, 2]],
            "intergreen_s": {"1": {"2": 5.0}, "2": {"1": 5.0}},
            "min_green_s": 5.0, "max_red_s": 120.0, "yellow_s": 3.0, "all_red_s": 2.0,
            "plan": {"number": 1, "green_s": {"1": 40.0, "2": 40.0}},
            "approaches": {
                u: {"storage": 20.0, "saturation": 0.5, "crossing": True, "downstream": [],
                    "groups": [{"lanes": 1, "share": 1.0, "rates": {str(stage[u]): 1.0}}]}
                for u in uids
            },
        }  # fmt: skip
        city.execute("UPDATE devices_device SET announced = ? WHERE uid = ?", (json.dumps(said), JUNCTION))


def sheet_page(console, lit_city):
    announce(lit_city.var)
    page = console.open(f"/traffic/sheets/{JUNCTION}/")
    page.locator(".stage-diagram").first.wait_for()
    return page


def test_a_sheet_is_drawn_spoilt_put_right_signed_and_compared(console, lit_city):
    page = sheet_page(console, lit_city)
    findings, press = page.locator(".findings"), lambda name: page.get_by_role("button", name=name, exact=True).click()
    expect(page.locator(".sheet-state")).to_contain_text("a draft from the cabinet's announcement, not saved")
    expect(findings).to_contain_text("0 errors, 5 parts estimated: it cannot be signed.")

    press("Edit")
    page.get_by_role("group", name="Green in stage 1").get_by_role("button", name="V2", exact=True).click()
    expect(findings).to_contain_text("Stage 1 shows V1 and V2 green; they conflict.")
    press("Undo")
    expect(findings).to_contain_text("0 errors")
    cycle = page.get_by_label("Cycle of plan 1")
    cycle.fill("70")
    cycle.press("Tab")
    expect(findings).to_contain_text("Plan 1: greens and changes add up to 90 s, not to the cycle of 70 s.")
    expect(page.get_by_label("Offset of plan 1")).to_be_focused()
    cycle.fill("90")
    cycle.press("Tab")
    for _ in range(5):
        left = findings.get_by_role("button").count()
        findings.get_by_role("button").first.click()
        expect(findings.get_by_role("button")).to_have_count(left - 1)
    expect(findings).to_contain_text("Nothing keeps it from being signed.")
    save(page, "survey of 3 November")
    expect(page.locator(".sheet-state")).to_contain_text("a draft: nobody has signed it · survey of 3 November")

    press("Sign…")
    page.get_by_role("dialog").get_by_label("Reason").fill("compared with the cabinet")
    page.get_by_role("dialog").get_by_role("button", name="Sign").click()
    expect(page.locator(".sheet-state")).to_contain_text("signed by anna, valid 2026-11-19 to 2027-11-19")

    press("Edit")
    page.get_by_label("Min green of V1").fill("8")
    page.get_by_label("Min green of V1").press("Tab")
    save(page, "complaint of a cyclist")
    expect(page.locator(".sheet-state")).to_contain_text("nobody has signed it")
    press("Compare")
    expect(page.locator(".changes li")).to_have_text(["Group V1: min green was 5 s, is 8 s."])


def save(page, why):
    page.get_by_role("button", name="Save draft…").click()
    page.get_by_role("dialog").get_by_label("Reason").fill(why)
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_role("dialog").wait_for(state="detached")


def test_on_paper_it_is_one_page(console, lit_city):
    page = sheet_page(console, lit_city)
    paper = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_on_a_phone_nothing_is_wider_than_the_screen(console, lit_city):
    page = sheet_page(console, lit_city)
    page.get_by_role("button", name="Edit", exact=True).click()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_panel_of_a_junction_leads_to_its_sheet(console, lit_city):
    page = console.home(f"?asset={JUNCTION}")
    page.locator("asset-panel").get_by_role("link", name="Timing sheet").click()
    expect(page.locator("h1")).to_have_text(f"Timing sheet {JUNCTION}")
