# SPDX-License-Identifier: Apache-2.0
"""The ledger's page: a baseline is drawn from measured days, looked at, stored, and withdrawn again."""

from __future__ import annotations

import re

from playwright.sync_api import expect


def test_a_baseline_is_stored_after_a_look_at_its_mean_and_withdrawn_again(console):
    page = console.open("/ledger/")
    stored = page.locator("section.baselines")
    expect(stored).to_contain_text("measured figures stand without a comparison")
    stored.get_by_role("button", name="Store a baseline…").click()
    sheet = page.locator("dialog[open]")
    expect(sheet.get_by_label("First day")).to_have_value("2026-11-16")
    sheet.get_by_label("Last day").fill("2026-11-17")
    look = sheet.get_by_role("button", name="Work out the mean…")
    look.click()
    expect(sheet.get_by_role("alert")).to_contain_text("Give it a name")
    for label, text in {"Name": "programme only", "How it was drawn": "before/after", "Reason": "trial"}.items():
        sheet.get_by_label(label, exact=True).fill(text)
    look.click()
    expect(sheet.locator(".big")).to_have_text("700 kWh a day")
    expect(sheet).to_contain_text("2 whole days")
    sheet.get_by_role("button", name="Store the baseline").click()
    row = stored.locator("tbody tr", has_text="programme only")
    expect(row).to_contain_text("in force")
    row.get_by_role("button", name=re.compile("Withdraw")).click()
    sheet.get_by_label("Reason").fill("the wrong weeks")
    sheet.get_by_role("button", name="Withdraw the baseline").click()
    expect(row).to_contain_text("withdrawn")
    expect(row.get_by_role("button")).to_have_count(0)


def test_days_without_a_measurement_are_refused_in_words_and_nothing_is_stored(console):
    page = console.open("/ledger/")
    before = console.api("baselines/")["results"]
    page.get_by_role("button", name="Store a baseline…").click()
    sheet = page.locator("dialog[open]")
    sheet.get_by_label("First day").fill("2026-10-01")
    sheet.get_by_label("Last day").fill("2026-10-02")
    for label in ("Name", "How it was drawn", "Reason"):
        sheet.get_by_label(label, exact=True).fill("tried")
    sheet.get_by_role("button", name="Work out the mean…").click()
    expect(sheet.get_by_role("alert")).to_contain_text("Nothing was measured in that span")
    expect(sheet.get_by_role("button", name="Store the baseline")).to_be_disabled()
    sheet.get_by_role("button", name="Back").click()
    expect(sheet.get_by_label("Name", exact=True)).to_have_value("tried")
    assert console.api("baselines/")["results"] == before
