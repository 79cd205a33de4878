# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium, driven by Playwright; each test gets a fresh profile and fails on any error the console shows."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, StorageState, ViewportSize, sync_playwright

from tests.browser.demo_stand import PASSWORD
from tests.city import ROOT, City, city
from tests.migrated import give_tables

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
            item.add_marker(pytest.mark.timeout(300))  # the first test waits for a whole city


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


@pytest.fixture(scope="session")
def lit_city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The demo's city on a lit evening, with the street of lamps alone: everything real, nothing slow."""
    city_map = ROOT / "var" / "Helsinki.osm.pbf"
    if not city_map.exists():
        pytest.skip("the demo's map is not there; script/bootstrap --demo brings it")
    var = tmp_path_factory.mktemp("lit")
    give_tables(var)
    given = {name: value for name, value in os.environ.items() if not name.startswith("SMARTCITY_")}
    given |= {"SMARTCITY_VAR": str(var), "DJANGO_SETTINGS_MODULE": "smartcity.settings"}
    prepare = [sys.executable, "-m", "tests.browser.demo_stand", str(city_map)]
    subprocess.run(prepare, cwd=ROOT, env=given | {"SMARTCITY_SECRET_KEY": "to prepare only"}, check=True)
    with city("--no-twin", var=var) as running, lamps(running, var):
        yield running


@contextlib.contextmanager
def lamps(running: City, var: Path) -> Iterator[None]:
    """The simulated lamps, each on its own connection; they end when their input closes."""
    doors = ["--mqtt", f"127.0.0.1:{running.mqtt_port}", "--http", running.url, "--only", "lighting"]
    command = [sys.executable, "-m", "smartcity.twin", "--street", str(var / "street.json"), *doors]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True) as street:
        try:
            yield
        finally:
            street.terminate()


@pytest.fixture(scope="session")
def session_state(chromium: Browser, lit_city: City) -> StorageState:
    """The cookies of somebody who signed in, so that not every test has to."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{lit_city.url}/sign-in/")
    page.fill("input[name=username]", "anna")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_selector("html[data-ready=map]")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def console(page: Page, lit_city: City, session_state: StorageState) -> Console:
    """The signed-in page of the lit city."""
    page.context.add_cookies([{**cookie} for cookie in session_state["cookies"]])  # type: ignore[typeddict-item]
    return Console(page, lit_city)


class Console:
    """What an operator does, in steps of more than one call."""

    def __init__(self, page: Page, running: City) -> None:
        self.page, self.city = page, running

    def home(self, query: str = "") -> Page:
        self.page.goto(f"{self.city.url}/{query}")
        self.page.wait_for_selector("html[data-ready=map]")
        self.page.wait_for_selector(".pip[data-state=live]", state="attached")
        return self.page

    def open(self, path: str) -> Page:
        self.page.goto(self.city.url + path)
        self.page.wait_for_selector(".pip[data-state=live]", state="attached")
        return self.page

    def api(self, path: str) -> Any:
        return self.page.request.get(f"{self.city.url}/api/v1/{path}").json()

    def lamp(self) -> str:
        """A luminaire that is in sight at the first view and far from other marks."""
        return str(self.page.evaluate(FREE_LAMP))

    def click_on_map(self, uid: str) -> None:
        x, y = self.page.evaluate(WHERE, uid)
        self.page.mouse.click(x, y)


WHERE = """(uid) => {
  const element = document.querySelector("city-map");
  const [lon, lat] = element.scene.byUid.get(uid).asset.geometry.coordinates;
  const box = element.ground.getBoundingClientRect();
  const point = element.map.latLngToContainerPoint([lat, lon]);
  return [box.x + point.x, box.y + point.y];
}"""
FREE_LAMP = """() => {
  const element = document.querySelector("city-map");
  const size = element.map.getSize();
  const points = element.scene.items.filter((i) => !i.place.lines).map((i) => {
    const [lon, lat] = i.asset.geometry.coordinates;
    const p = element.map.latLngToContainerPoint([lat, lon]);
    return [i.asset, p.x, p.y];
  });
  const free = points.find(([a, x, y]) => a.kind === "luminaire"
    && x > 120 && y > 90 && x < size.x * 0.6 && y < size.y * 0.7
    && points.every(([b, u, v]) => a === b || Math.hypot(x - u, y - v) > 16));
  return free[0].uid;
}"""


@pytest.fixture
def an_alarm(console: Console, lit_city: City) -> dict[str, object]:
    """A transformer over its rating for twenty minutes: it speaks through the front door like any device."""
    street = json.loads((lit_city.var / "street.json").read_text())
    others = (d for d in street["devices"] if d["kind"] == "transformer")  # one that has not had its alarm yet
    device = next(d for d in others if not console.api(f"alarms/?asset={d['uid']}")["results"])
    now_s = json.loads(lit_city.get("/clock")[1])["at"] / 1000
    for ago_s in (1300, 900, 500, 100, 0):
        _measure(lit_city.url, device, now_s - ago_s)
        time.sleep(1.2)  # one tick of the alarms
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = console.api(f"alarms/?state=unacknowledged&asset={device['uid']}")
        if found["results"]:
            return dict(found["results"][0])
        time.sleep(0.5)
    raise AssertionError(f"no alarm: {lit_city.said()}")


def _measure(url: str, device: dict[str, str], at_s: float) -> None:
    body = json.dumps([{"n": "energy.loading", "v": 131.0, "t": at_s}]).encode()
    key = base64.b64encode(f"{device['uid']}:{device['secret']}".encode()).decode()
    headers = {"Authorization": f"Basic {key}", "Content-Type": "application/senml+json"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/ingest", body, headers), timeout=10) as answer:
        assert answer.status == 200
