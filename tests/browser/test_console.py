# SPDX-License-Identifier: Apache-2.0
"""What an operator does in the console, clicked through on a real, small city. The console must stay silent."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

PAGES = [
    "/",
    "/alarms/",
    "/commands/",
    "/ledger/",
    "/lighting/",
    "/energy/",
    "/traffic/",
    "/waste/",
    "/settings/notifications/",
]
SOON_MS = 20_000


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_simulation_on_screen_and_on_paper(console, path):
    page = console.open(path)
    expect(page.locator(".badge").first).to_contain_text("SIMULATION")
    assert "SIMULATION" in page.title()
    page.emulate_media(media="print")
    expect(page.locator(".print-frame")).to_be_visible()
    expect(page.locator(".print-frame")).to_contain_text("SIMULATION: not the real city")


@pytest.mark.parametrize("page", ["phone"], indirect=True)
@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_wider_than_a_phone(console, path):
    page = console.open(path)
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_pages_carry_a_strict_policy_and_no_inline_style(console):
    answer = console.page.request.get(console.city.url + "/")
    policy = answer.headers["content-security-policy"]
    assert "style-src 'self'" in policy and "unsafe" not in policy
    assert " style=" not in answer.text()


def test_a_wrong_password_is_answered_with_what_to_do(page, lit_city):
    page.goto(f"{lit_city.url}/alarms/")
    assert "/sign-in/" in page.url
    page.fill("input[name=username]", "anna")
    page.fill("input[name=password]", "wrong")
    page.press("input[name=password]", "Enter")
    expect(page.get_by_role("alert")).to_contain_text("do not match")


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


def test_layers_are_switched_and_the_address_keeps_them(console):
    page = console.home()
    group = page.get_by_role("group", name="Layers")
    lighting = group.get_by_role("button", name="Lighting")
    expect(lighting).to_have_attribute("aria-pressed", "true")
    lighting.click()
    expect(lighting).to_have_attribute("aria-pressed", "false")
    assert "layers=" in page.url and "lighting" not in page.url.split("layers=")[1].split("&")[0]
    expect(page.locator(".legend")).not_to_contain_text("lamp")
    page.reload()
    page.wait_for_selector("html[data-ready=map]")
    expect(group.get_by_role("button", name="Lighting")).to_have_attribute("aria-pressed", "false")


def test_the_map_is_walked_with_the_keyboard_and_is_also_a_table(console):
    page = console.home()
    page.locator(".walker").focus()
    expect(page.locator(".walker")).to_contain_text("Enter opens it")
    before = page.locator(".walker").inner_text()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".walker")).not_to_have_text(before)
    page.keyboard.press("Enter")
    expect(page.locator("asset-panel h2")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Table").click()
    expect(page.locator(".map-table tbody tr").first).to_be_visible()


def test_search_finds_an_asset_by_its_number(console):
    page = console.home()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("L-100")
    expect(page.get_by_role("option").first).to_contain_text("L-100")
    page.keyboard.press("Enter")
    expect(page.locator("asset-panel h2")).to_contain_text("L-100")


def test_the_theme_is_chosen_and_kept(console):
    page = console.home()
    page.locator("details.menu summary").click()
    page.locator(".theme").get_by_text("Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.evaluate("cityTheme.choose('light')")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_the_speed_of_the_simulation_is_set_and_shown(console):
    page = console.home()
    speeds = page.get_by_role("group", name="Speed of the city clock")
    speeds.get_by_role("button", name="1×", exact=True).click()
    expect(speeds.get_by_role("button", name="1×", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("mode-badge")).to_contain_text("1×")
    speeds.get_by_role("button", name="10×").click()
    expect(speeds.get_by_role("button", name="10×")).to_have_attribute("aria-pressed", "true")


def test_silence_of_the_server_is_said_within_three_seconds_and_the_page_recovers(console, complaints):
    page = console.page
    lines: list[object] = []

    def between(browser):
        server = browser.connect_to_server()
        lines.append(server)
        server.on_message(lambda message: None if state["silent"] else browser.send(message))

    state = {"silent": False}
    page.route_web_socket(re.compile("/live$"), between)
    console.home()
    banner = page.locator("stale-banner")
    expect(banner).to_be_hidden()
    state["silent"] = True
    expect(banner).to_be_visible(timeout=4000)
    expect(banner).to_contain_text("server is silent")
    held = page.locator("city-clock time").inner_text()
    page.wait_for_timeout(700)
    assert page.locator("city-clock time").inner_text() == held
    state["silent"] = False
    expect(banner).to_be_hidden(timeout=4000)


def test_a_lost_connection_is_said_and_made_again(console, complaints):
    page = console.page
    sockets = []
    state = {"down": False}

    def between(browser):
        if state["down"]:
            browser.close()
            return
        sockets.append(browser)
        browser.connect_to_server()

    page.route_web_socket(re.compile("/live$"), between)
    console.home()
    state["down"] = True
    sockets[-1].close()
    banner = page.locator("stale-banner")
    expect(banner).to_contain_text("connection to the server is lost", timeout=4000)
    state["down"] = False
    expect(banner).to_be_hidden(timeout=20_000)
    expect(page.locator(".pip")).to_have_attribute("data-state", "live")


def test_the_chart_of_a_lamp_shows_history_and_the_same_as_a_table(console):
    page = console.home()
    page = console.home(f"?asset={console.lamp()}")
    chart = page.locator("asset-panel forecast-chart")
    expect(chart.locator("canvas").first).to_be_visible()
    chart.get_by_text("The chart as a table").click()
    expect(chart.locator(".chart-table tbody tr").first).to_be_visible()
    page.get_by_text(re.compile("Latest values")).click()
    expect(page.locator(".part-readings dd").first).to_contain_text(re.compile("ago · good"))


def test_the_lighting_page_has_worth_modes_lamps_and_commands(console):
    page = console.open("/lighting/")
    card = page.locator(".card", has_text="last winter")
    expect(card).to_contain_text("412")
    expect(card).to_contain_text("−41")
    expect(card).to_contain_text("SIMULATION")
    expect(page.locator(".loops").first).to_contain_text("Programme")
    page.get_by_label("Filter the assets").fill("L-010")
    expect(page.locator("#asset-rows tbody tr").first).to_contain_text("L-010")


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


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_on_a_phone_the_panel_is_a_sheet_over_the_map(console):
    page = console.home()
    uid = console.lamp()
    console.click_on_map(uid)
    expect(page.locator("asset-panel h2")).to_contain_text(uid)
    box = page.locator("asset-panel").bounding_box()
    assert box and box["x"] == 0 and box["width"] == 390 and box["y"] > 150
    button = page.get_by_role("button", name=f"Override {uid}…").bounding_box()
    assert button and button["height"] >= 40
    page.get_by_role("button", name="Close panel").click()
    expect(page.locator("asset-panel")).to_be_hidden()


def test_return_all_to_local_says_where_everything_lands_and_who_confirmed(console):
    page = console.home()
    page.locator("header [data-return-to-local]").first.click()
    sheet = page.locator("dialog[open]")
    expect(sheet.locator(".lands")).to_contain_text("luminaires")
    send = sheet.get_by_role("button", name="Return all to local")
    expect(send).to_be_disabled()
    sheet.get_by_label("Reason").fill("end of the test")
    send.click()
    expect(sheet.locator(".big")).to_contain_text(re.compile(r"[1-9]\d* of \d+ confirmed"), timeout=SOON_MS)
    sheet.get_by_role("button", name="Close").first.click()
    modes = console.api("modes/")
    assert {mode["mode"] for mode in modes} == {"local"}
