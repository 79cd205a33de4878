# SPDX-License-Identifier: Apache-2.0
"""What an operator sees in the console, clicked through on a real, small city. The console must stay silent."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

PAGES = [
    "/",
    "/alarms/",
    "/commands/",
    "/ledger/",
    "/forecasts/",
    "/forecasts/cards/energy.feeder_kw/feeder/",
    "/lighting/",
    "/energy/",
    "/traffic/",
    "/waste/",
    "/settings/notifications/",
]


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
    page.evaluate("async () => (await import('#city/api')).post('clock/speed', { speed: 3 })")  # as the stand began
    expect(speeds.get_by_role("button", name="3×", exact=True)).to_have_attribute("aria-pressed", "true")


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
