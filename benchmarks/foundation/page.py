# SPDX-License-Identifier: Apache-2.0
"""What a browser sees and how soon: the live view's first fresh values, first paint, bytes, sensor to pixel."""

from __future__ import annotations

import json
import shutil
import statistics
import time
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright
from websockets.sync.client import connect
from websockets.typing import Origin

from benchmarks.report import Report
from tests.browser.conftest import FLAGS
from tests.city import City

DOMAINS = ("traffic", "waste", "lighting", "energy")
PATIENCE_S = 300.0
SAMPLES = 40

# Runs in the page: when a frame with the value has been handled and the next picture is drawn, note the wall clock.
WATCH = """
(series) => {
  window.drawn = {};
  const socket = new WebSocket(`ws://${location.host}/live`);
  socket.onmessage = ({ data }) => {
    const hit = (JSON.parse(data).values ?? []).find(([id]) => id === series);
    if (hit) requestAnimationFrame(() => requestAnimationFrame(() => { window.drawn[hit[1]] = Date.now(); }));
  };
  return new Promise((resolve) => { socket.onopen = () => resolve(true); });
}
"""


class Live:
    """Somebody signed in, reading the same frames as the page."""

    def __init__(self, city: City, password: str = "") -> None:
        self.city = city
        self.http = httpx.Client(base_url=city.url, timeout=30)
        token = self.http.get("/sign-in/").cookies.get("csrftoken", "")
        form = {"username": "admin", "password": password or city.password, "csrfmiddlewaretoken": token}
        answer = self.http.post("/sign-in/", data=form, headers={"Referer": city.url + "/sign-in/"})
        assert answer.status_code == 302, answer.status_code

    def get(self, path: str) -> Any:
        return self.http.get(path).raise_for_status().json()

    def health(self) -> Any:
        return self.get("/api/v1/health")

    def series_of(self, domain: str) -> set[int]:
        features = self.get(f"/api/v1/map/{domain}")["features"]
        return {pk for feature in features for pk in feature["properties"]["series"].values()}

    def first_fresh_values(self) -> float:
        """Monotonic instant at which every domain has sent a value measured after we began to look."""
        waiting = {domain: self.series_of(domain) for domain in DOMAINS}
        cookie = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        deadline = time.monotonic() + PATIENCE_S
        with connect(
            self.city.url.replace("http", "ws") + "/live",
            additional_headers={"Cookie": cookie},
            origin=Origin(self.city.url),
            max_size=2**24,
        ) as socket:
            while waiting and time.monotonic() < deadline:
                frame = json.loads(socket.recv(timeout=10))
                if frame["t"] == "delta":
                    seen = {value[0] for value in frame.get("values", ())}
                    waiting = {domain: ids for domain, ids in waiting.items() if not ids & seen}
        assert not waiting, f"no live value of {', '.join(waiting)} within {PATIENCE_S:.0f} s"
        return time.monotonic()


def measure(report: Report, city: City, password: str) -> None:
    program = shutil.which("chromium")
    if not program:
        report.add("page", "skipped: no chromium")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(city.url + "/sign-in/")
        page.fill("input[name=username]", "admin")
        page.fill("input[name=password]", password)
        page.click("button[type=submit]")
        page.wait_for_url(city.url + "/")
        first_paint(report, page, city)
        sensor_to_pixel(report, page, city, Live(city, password))
        browser.close()


def first_paint(report: Report, page: Page, city: City) -> None:
    """Median of five loads with an empty cache: first contentful paint and bytes over the wire."""
    client = page.context.new_cdp_session(page)
    paints, sizes = [], []
    for _ in range(5):
        client.send("Network.clearBrowserCache")
        page.goto(city.url + "/", wait_until="load")
        page.wait_for_timeout(1500)
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        entries = "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        sizes.append(page.evaluate(f"{entries}.reduce((sum, entry) => sum + entry.transferSize, 0)"))
    report.add("home_first_contentful_paint_ms", statistics.median(paints), at_most=1000)
    report.add("home_transferred_kb", statistics.median(sizes) / 1024)


def sensor_to_pixel(report: Report, page: Page, city: City, live: Live) -> None:
    """From the moment a device sends until the picture after the frame that carries its value; wall clock."""
    street = json.loads((city.var / "street.json").read_text())
    device = next(entry for entry in street["devices"] if entry["kind"] == "luminaire")
    asset = live.get(f"/api/v1/assets/{device['uid']}")
    series = next(row["id"] for row in asset["series"] if row["metric"] == "lighting.power_w")
    page.evaluate(WATCH, series)
    took = []
    for number in range(SAMPLES):
        value = round(10 + number / 100, 2)
        at = live.get("/api/v1/clock")["at"]
        record = [{"n": "lighting.power_w", "v": value, "t": at / 1000}]
        sent = time.time() * 1000
        answer = httpx.post(city.url + "/ingest", json=record, auth=(device["uid"], device["secret"]))
        answer.raise_for_status()
        page.wait_for_function("(value) => window.drawn[value]", arg=value, timeout=10_000)
        took.append(page.evaluate("(value) => window.drawn[value]", value) - sent)
        time.sleep(0.13)
    took.sort()
    report.add("sensor_to_pixel_p50_ms", statistics.median(took))
    report.add("sensor_to_pixel_p95_ms", took[int(0.95 * len(took))], at_most=1500)
