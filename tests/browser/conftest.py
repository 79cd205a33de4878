# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium, driven by Playwright; each test gets a fresh profile and fails on any error the console shows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, sync_playwright

FLAGS = [
    "--no-sandbox",  # tests run as root too, where Chromium's own sandbox refuses to start
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES: dict[str, ViewportSize] = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parent.parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = os.environ.get("SMARTCITY_CHROMIUM") or shutil.which("chromium")
    assert program, "chromium is not installed; script/bootstrap --test installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the page's console and scripts complained of; the `page` fixture wants it empty at the end."""
    return []


@pytest.fixture(params=["desk"])
def page(request: pytest.FixtureRequest, chromium: Browser, complaints: list[str]) -> Iterator[Page]:
    """A new page; `@pytest.mark.parametrize("page", ["desk", "phone"], indirect=True)` chooses its size."""
    context = chromium.new_context(viewport=SIZES[request.param], locale="en-GB", reduced_motion="reduce")
    page = context.new_page()

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
    yield page
    context.close()
    assert complaints == []
