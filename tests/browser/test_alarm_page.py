# SPDX-License-Identifier: Apache-2.0
"""From a device's reading to the alarm's own page on a phone, to a notification, and to a person who takes it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.city import ROOT, city
from tests.migrated import give_tables

SECRET = "ab" * 32
BEFORE_THE_WORDS = """() => {
  const words = performance.getEntriesByName("words")[0].startTime;
  const before = performance.getEntriesByType("resource").filter((r) => r.startTime < words);
  return before.reduce((sum, r) => sum + r.encodedBodySize, 0);
}"""
SETUP = f"""
from django.contrib.auth import get_user_model
from django.contrib.gis.geos import Point
from smartcity.devices.credentials import digest
from smartcity.devices.models import Asset, Device, Series, Zone
zone = Zone.objects.create(code="centre", name="Kluuvi")
asset = Asset.objects.create(uid="T-17", domain="energy", kind="transformer", name="Transformer 17", zone=zone,
                             geom=Point(24.94, 60.17, srid=4326), external_id="17")
device = Device.objects.create(uid="T-17", asset=asset, secret_sha256=digest("{SECRET}"))
Series.objects.create(device=device, metric="energy.loading")
get_user_model().objects.create_superuser("anna", "anna@city.invalid", "a long enough word")
"""


def manage(var: Path, *command: str) -> None:
    given = {name: value for name, value in os.environ.items() if not name.startswith("SMARTCITY_")}
    given |= {"SMARTCITY_VAR": str(var), "SMARTCITY_SECRET_KEY": "of this test only"}
    subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=given, check=True, capture_output=True)


def measure(url: str, value: float, at_s: float) -> None:
    body = json.dumps([{"n": "energy.loading", "v": value, "t": at_s}]).encode()
    key = base64.b64encode(f"T-17:{SECRET}".encode()).decode()
    headers = {"Authorization": f"Basic {key}", "Content-Type": "application/senml+json"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/ingest", body, headers), timeout=10) as answer:
        assert 200 <= answer.status < 300


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A LIVE city with one transformer that has been overloaded for twenty minutes."""
    var = tmp_path_factory.mktemp("city")
    give_tables(var)
    manage(var, "shell", "-c", SETUP)
    with city("--empty", var=var) as started:
        for ago_s in (1200, 600, 60, 1):
            measure(started.url, 118, time.time() - ago_s)
            time.sleep(1.5)  # one tick of the alarms
        yield started


@pytest.fixture
def signed_in(page, running):
    page.goto(f"{running.url}/sign-in/?next=/settings/notifications/")
    page.fill("input[name=username]", "anna")
    page.fill("input[name=password]", "a long enough word")
    page.press("input[name=password]", "Enter")
    page.wait_for_selector("push-settings section")
    return page


@pytest.fixture
def alarm(signed_in, running):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = signed_in.request.get(f"{running.url}/api/v1/alarms/").json()["results"]
        if found:
            return found[0]
        time.sleep(0.5)
    raise AssertionError(f"no alarm: {running.said()}")


@pytest.fixture
def without_a_map(page, complaints):
    """An empty city has no base map: that its file is missing is no fault of the page."""
    yield
    complaints[:] = [found for found in complaints if "/basemap/" not in found and "protomaps" not in found]


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_the_alarm_says_what_to_do_and_is_taken_with_one_press(without_a_map, signed_in, running, alarm):
    page = signed_in
    page.goto(f"{running.url}/alarms/{alarm['id']}/#take")
    page.wait_for_selector("html[data-ready=alarm]")
    text = page.inner_text("alarm-page")
    for part in ("Transformer 17: 118 % of rating", "High", "Kluuvi", "Move charging sessions", "Respond within"):
        assert part in text, text
    assert page.evaluate("document.activeElement.textContent") == "Taking it"
    assert page.evaluate(BEFORE_THE_WORDS) < 180_000, "the words do not wait for map and chart"
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    page.fill(".alarm-more input", "on my way")
    page.click("text=Taking it")
    page.wait_for_selector("text=by anna")
    assert "on my way" in page.inner_text(".alarm-rows")
    assert page.query_selector("text=Taking it") is None
    assert page.request.get(f"{running.url}/api/v1/alarms/{alarm['id']}").json()["acknowledged_by"] == "anna"


def test_a_push_becomes_a_notification_of_the_service_worker(without_a_map, signed_in, running, alarm):
    page = signed_in
    page.context.grant_permissions(["notifications"], origin=running.url)
    page.goto(f"{running.url}/settings/notifications/")
    page.wait_for_selector("push-settings section")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    said = {"id": alarm["id"], "title": "high · Energy", "body": f"Alarm {alarm['id']}: 118 %", "severity": 2}
    said |= {"url": f"/alarms/{alarm['id']}/", "tag": f"alarm-{alarm['id']}", "simulated": False}
    line = page.context.new_cdp_session(page)
    known: list[dict[str, str]] = []
    line.on("ServiceWorker.workerRegistrationUpdated", lambda event: known.extend(event["registrations"]))
    line.send("ServiceWorker.enable")
    page.wait_for_timeout(300)
    ours = next(found["registrationId"] for found in known if found["scopeURL"] == f"{running.url}/")
    line.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": running.url, "registrationId": ours, "data": json.dumps(said)},
    )
    all_shown = "navigator.serviceWorker.ready.then((worker) => worker.getNotifications())"
    shown = f"{all_shown}.then((all) => all.map((n) => [n.title, n.body]))"
    deadline = time.monotonic() + 30
    while not page.evaluate(shown) and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    assert page.evaluate(shown) == [["high · Energy", f"Alarm {alarm['id']}: 118 %"]]


def test_the_console_can_be_installed(without_a_map, signed_in, running):
    page = signed_in
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    line = page.context.new_cdp_session(page)
    errors = line.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [found["errorId"] for found in errors if found["errorId"] != "in-incognito"] == []


def test_without_a_server_the_page_says_so_and_shows_nothing_old(without_a_map, signed_in, running, complaints):
    page = signed_in
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    page.context.set_offline(True)
    page.goto(f"{running.url}/alarms/")
    assert "No connection" in page.inner_text("body")
    page.context.set_offline(False)
    complaints.clear()
