# SPDX-License-Identifier: Apache-2.0
"""What an operator does in the console: overrides, tags, modes, alarms, and everything back to local at the end."""

from __future__ import annotations

import re

from playwright.sync_api import expect

SOON_MS = 20_000


def test_a_lamp_on_the_map_opens_its_panel_and_an_override_can_be_cancelled(console):
    page = console.home()
    uid = console.lamp()
    console.click_on_map(uid)
    panel = page.locator("asset-panel")
    expect(panel.locator("h2")).to_contain_text(uid)
    assert f"asset={uid}" in page.url
    page.get_by_role("button", name=f"Override {uid}…").click()
    sheet = page.locator("dialog[open]")
    sheet.get_by_role("button", name="Check the limits…").click()
    expect(sheet.get_by_role("alert")).to_contain_text("Give a value")
    sheet.locator("input[type=number]").fill("70")
    sheet.get_by_label("Reason").fill("tried and cancelled")
    sheet.get_by_role("button", name="Check the limits…").click()
    expect(sheet.get_by_role("heading", name="Limit checks")).to_be_visible()
    sheet.get_by_role("button", name="Close").click()
    expect(sheet).to_have_count(0)
    assert all(o["asset"] != uid for o in console.api("overrides/?standing=1"))
    page.reload()
    expect(panel.locator("h2")).to_contain_text(uid)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert "asset=" not in page.url


def test_an_override_is_sent_confirmed_by_the_lamp_and_ended(console):
    page = console.home()
    uid = console.lamp()
    page = console.home(f"?asset={uid}")
    page.get_by_role("button", name=f"Override {uid}…").click()
    sheet = page.locator("dialog[open]")
    sheet.locator("input[type=number]").fill("85")
    sheet.get_by_label("Reason").fill("crew at work")
    sheet.get_by_role("button", name="Check the limits…").click()
    send = sheet.get_by_role("button", name=f"Send to {uid}")
    expect(send).to_be_disabled()
    expect(send).to_be_enabled(timeout=3000)
    send.click()
    panel = page.locator("asset-panel")
    expect(panel.locator(".standing")).to_contain_text("crew at work")
    line = panel.locator(".commands-list li", has_text="crew at work").first
    expect(line.locator(".command-state")).to_contain_text("confirmed", timeout=SOON_MS)
    panel.get_by_role("button", name=f"End on {uid}…").click()
    page.locator("dialog[open]").get_by_role("button", name=f"End on {uid}").click()
    expect(panel.locator(".standing")).to_have_count(0)


def test_a_tag_refuses_everybody_until_its_owner_lifts_it(console):
    page = console.home()
    uid = console.lamp()
    page = console.home(f"?asset={uid}")
    page.get_by_role("button", name=f"Lock out {uid}").click()
    sheet = page.locator("dialog[open]")
    sheet.get_by_label("Reason").fill("cabinet open")
    sheet.get_by_role("button", name=f"Lock out {uid}").click()
    panel = page.locator("asset-panel")
    expect(panel.locator(".standing.locked")).to_contain_text("Locked out by")
    expect(panel.get_by_role("button", name=f"Override {uid}…")).to_have_count(0)
    panel.locator(".standing.locked button").click()
    page.locator("dialog[open]").get_by_label("Reason").fill("cabinet closed")
    page.locator("dialog[open]").get_by_role("button", name=f"Lift from {uid}").click()
    expect(panel.get_by_role("button", name=f"Override {uid}…")).to_be_visible()


def test_a_mode_is_changed_with_a_reason(console):
    page = console.open("/lighting/")
    loop = page.locator(".loop:not(.loop-head)").first
    loop.get_by_role("button", name="Advise").click()
    sheet = page.locator("dialog[open]")
    expect(sheet.get_by_role("button", name="Set to Advise")).to_be_disabled()
    sheet.get_by_label("Reason").fill("looking first")
    sheet.get_by_role("button", name="Set to Advise").click()
    expect(loop.get_by_role("button", name="Advise")).to_have_attribute("aria-pressed", "true")
    expect(loop).to_contain_text("looking first")


def test_alarms_are_in_sight_acknowledged_and_shelved(console, an_alarm):
    page = console.open("/alarms/")
    row = page.locator(".alarm-row", has_text=an_alarm["text"])
    expect(row).to_be_visible()
    expect(page.locator("alarm-bar li").first).to_be_visible()
    row.get_by_role("button", name=re.compile("^Acknowledge")).click()
    sheet = page.locator("dialog[open]")
    sheet.get_by_label("Note").fill("crew is told")
    sheet.get_by_role("button", name=re.compile("^Acknowledge")).click()
    expect(row).to_have_count(0)
    page.get_by_role("tab", name="All standing").click()
    expect(row).to_contain_text("crew is told")
    row.get_by_role("button", name=re.compile("^Shelve")).click()
    sheet.get_by_label("Reason").fill("known, repaired tomorrow")
    sheet.get_by_role("button", name=re.compile("^Shelve")).click()
    page.get_by_role("tab", name="Shelved").click()
    expect(row).to_contain_text("repaired tomorrow")
    row.get_by_role("button", name=re.compile("^Unshelve")).click()
    expect(row).to_have_count(0)


def test_return_all_to_local_says_where_everything_lands_and_who_confirmed(console):
    page = console.home()
    page.locator("header [data-return-to-local]").first.click()
    sheet = page.locator("dialog[open]")
    expect(sheet.locator(".lands")).to_contain_text("luminaires")
    expect(sheet.locator(".ends")).to_contain_text(re.compile("override"))
    send = sheet.get_by_role("button", name="Return all to local")
    expect(send).to_be_disabled()
    sheet.get_by_label("Reason").fill("end of the test")
    send.click()
    expect(sheet.locator(".big")).to_contain_text(re.compile(r"[1-9]\d* of \d+ confirmed"), timeout=SOON_MS)
    sheet.get_by_role("button", name="Close").first.click()
    modes = console.api("modes/")
    assert {mode["mode"] for mode in modes} == {"local"}
