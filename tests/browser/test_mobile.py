# SPDX-License-Identifier: Apache-2.0
"""The pages of `runmobile` on a phone: an alarm is read and taken, a crew's round is worked, by day and by night."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.demo_stand import PASSWORD
from tests.browser.test_crew_page import give_round
from tests.mobile.front import front

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("page", ["phone"], indirect=True)]
WIDE = "document.documentElement.scrollWidth <= window.innerWidth"
SMALL = """() => [...document.querySelectorAll("a, button, summary, input:not([type=hidden])")]
  .filter((e) => e.checkVisibility() && !e.closest(".skip, label, .toasts"))
  .map((e) => [e.textContent.trim(), e.getBoundingClientRect()])
  .filter(([, box]) => box.height < 44 || box.width < 44).map(([text, box]) => `${text} ${box.width}x${box.height}`)"""


@pytest.fixture(scope="module")
def phones(lit_city):
    """Beside the lit city, on the same data."""
    with front(lit_city.var) as started:
        yield started


@pytest.fixture
def mobile(page, phones):
    page.goto(f"{phones.url}/alarms/")
    page.fill("input[name=username]", "anna")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_selector("html[data-ready=alarms]")
    return page


def looked_at(page, tmp_path, name):
    """Nothing sticks out, everything is large enough for a thumb, on both themes; pictures lie in pytest's folder."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_selector(f"html[data-theme={theme}]")
        page.screenshot(path=str(tmp_path / f"{name}-{theme}.png"))
    assert page.evaluate(WIDE)
    assert page.evaluate(SMALL) == []


def test_an_alarm_is_found_read_and_taken(an_alarm, mobile, phones, tmp_path):
    page = mobile
    row = page.locator(f".mobile-list a[href='/alarms/{an_alarm['id']}/']")
    expect(row).to_contain_text(an_alarm["asset"])
    looked_at(page, tmp_path, "alarms")
    row.click()
    page.wait_for_selector("html[data-ready=alarm]")
    for part in ("of rating", "SIMULATION", "Respond within", "Move charging sessions"):
        expect(page.locator("mobile-alarm")).to_contain_text(part)
    looked_at(page, tmp_path, "alarm")
    page.fill(".alarm-more input", "on my way")
    page.click("text=Taking it")
    expect(page.locator(".alarm-rows")).to_contain_text("on my way")
    expect(page.get_by_text("Taking it")).to_have_count(0)
    page.click("a.back")
    expect(page.locator("mobile-alarms")).not_to_contain_text("Loading")
    expect(row).to_have_count(0)
    page.click("text=All standing")
    expect(row).to_contain_text("taken by anna")
    looked_at(page, tmp_path, "standing")


def test_a_crew_works_its_round(mobile, phones, lit_city, tmp_path):
    truck, bins = give_round(lit_city.var, passing_by=5)
    page = mobile
    page.click(".mobile-tabs >> text=Crews")
    looked_at(page, tmp_path, "crews")
    page.click(f"text={truck}")
    heading = page.locator(".crew-now h2")
    expect(heading).to_contain_text(bins[0])
    looked_at(page, tmp_path, "crew")
    page.get_by_role("button", name="Done").click()
    expect(heading).to_contain_text(bins[1])


def test_the_rest_of_the_frame(mobile, phones, tmp_path):
    page = mobile
    page.click("summary")
    looked_at(page, tmp_path, "menu")
    page.click("text=Notifications")
    page.wait_for_selector("push-settings section")
    looked_at(page, tmp_path, "notifications")
    page.goto(f"{phones.url}/offline/")
    looked_at(page, tmp_path, "offline")
    page.goto(f"{phones.url}/alarms/")
    page.click("summary")
    page.click("text=Sign out")
    page.wait_for_selector("text=Sign in")
    looked_at(page, tmp_path, "door")


def test_without_a_connection_the_page_says_how_old_it_is(mobile, phones, complaints):
    page = mobile
    page.clock.install()
    page.reload()
    page.wait_for_selector("html[data-ready=alarms]")
    page.context.set_offline(True)
    page.clock.run_for(40_000)
    expect(page.locator("stale-banner")).to_contain_text("No connection to the city")
    page.context.set_offline(False)
    page.clock.run_for(12_000)
    expect(page.locator("stale-banner")).to_be_hidden()
    complaints.clear()
