# SPDX-License-Identifier: Apache-2.0
"""The panel of a junction: what it shows and how long, for whom it is full, why, and what was asked."""

from __future__ import annotations

import base64
import json
import re
import urllib.request

import pytest
from playwright.sync_api import expect

from smartcity.kernel import senml
from tests.browser.demo_stand import JUNCTION, SILENT
from traffic import codecs
from traffic.codecs import Measured

pytestmark = pytest.mark.browser
GREEN = {"stage": 1, "green_s": 12, "next_stage": 2, "ends_in_s": 100, "longest_red_s": 20, "waiting_stage": 2}
CENTRE = {"plan": 0, "control_source": 1, "status": 0, "door": 0, "mains": 0}


def send(running, uid, payload):
    street = json.loads((running.var / "street.json").read_text())
    device = next(d for d in street["devices"] if d["uid"] == uid)
    key = base64.b64encode(f"{device['uid']}:{device['secret']}".encode()).decode()
    headers = {"Authorization": f"Basic {key}", "Content-Type": "application/json"}
    message = {"device": uid, "payload": base64.b64encode(payload).decode()}
    body = json.dumps({"messages": [message]}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{running.url}/ingest", body, headers), timeout=10) as answer:
        assert answer.status == 200, answer.read()


def say(running, **values):
    """The controller of the junction reports now."""
    now_ms = json.loads(running.get("/clock")[1])["at"]
    said = {f"traffic.{name}": float(value) for name, value in values.items()}
    send(running, JUNCTION, senml.write(said, now_ms))


def count(running, uid, queue, flow=300.0):
    now_ms = json.loads(running.get("/clock")[1])["at"]
    seen = Measured(flow=flow, queue=queue, occupancy=queue * 5, speed=18.0, congestion=0.4)
    send(running, uid, codecs.write(seen, now_ms))


@pytest.fixture
def approaches(console):
    found = console.api(f"traffic/junctions/{JUNCTION}")
    return [one["uid"] for one in found["approaches"]]


@pytest.fixture
def panel(console, lit_city, approaches):
    say(lit_city, **GREEN, **CENTRE)
    for number, uid in enumerate(approaches):
        count(lit_city, uid, queue=4.0 + 6 * number)
    return console.home(f"?asset={JUNCTION}").locator("junction-panel")


def test_the_panel_says_who_controls_what_is_green_for_how_long_and_who_waits(panel, approaches):
    expect(panel.locator(".junction-control")).to_contain_text("Control: Centre · stages by request")
    expect(panel.locator(".stage")).to_contain_text(re.compile(r"Stage 1 green \d+ s"))
    expect(panel.locator(".until")).to_contain_text(re.compile(r"\d+ s to stage 2"))
    expect(panel.locator(".junction-now")).to_contain_text("may end now · at most")
    expect(panel.get_by_role("img", name=re.compile("Stage 1: green for "))).to_be_visible()
    rows = panel.locator(".approaches tbody tr")
    expect(rows).to_have_count(len(approaches))
    expect(rows.first).to_contain_text(re.compile(r"from [a-z-]+"))
    expect(panel.locator(".approaches")).to_contain_text("4 of 20")
    expect(panel.locator(".lamp.full").first).to_be_visible()


def test_it_says_why_and_what_the_alternatives_would_have_cost(panel):
    why = panel.locator(".junction-why")
    expect(why).to_contain_text("7 vehicles on Main")
    expect(why.locator(".cost-row")).to_have_text(
        [re.compile(r"Stage 2\s*96"), re.compile(r"Stage 1, held\s*140\s*\+44")]
    )
    requests = panel.locator(".junction-requests li")
    expect(requests.first).to_contain_text(re.compile(r"stage 2, stage 1 25 s later.*confirmed"))
    expect(requests.nth(1)).to_contain_text("minimum green of stage 1 has 3 s to go")


def test_trouble_comes_first(panel, lit_city):
    say(lit_city, **GREEN, **CENTRE | {"control_source": 3, "plan": 1, "door": 1})
    line = panel.locator(".junction-control.strong")
    expect(line).to_contain_text("Door open · Control: Fallback · fixed plan 1", timeout=15_000)
    say(lit_city, **GREEN, **CENTRE)
    expect(panel.locator(".junction-control")).to_contain_text("Centre", timeout=15_000)


def test_what_the_server_cannot_say_is_said_and_asked_again(console, lit_city, approaches, complaints):
    say(lit_city, **GREEN, **CENTRE)
    console.page.route("**/api/v1/traffic/junctions/*", lambda route: route.fulfill(status=404, json={"title": "Gone"}))
    page = console.home(f"?asset={JUNCTION}")
    part = page.locator(".junction-approaches")
    expect(part.get_by_role("alert")).to_contain_text("Gone")
    page.unroute("**/api/v1/traffic/junctions/*")
    part.get_by_role("button", name="Try again").click()
    expect(part.locator("tbody tr")).to_have_count(len(approaches))
    assert complaints and all("404" in words for words in complaints)
    complaints.clear()


def test_a_junction_that_never_spoke_says_so(console):
    page = console.home(f"?asset={SILENT}")
    expect(page.locator("junction-panel .junction-now")).to_contain_text("has not reported yet")
    expect(page.locator("junction-panel .junction-requests")).to_contain_text("No switch request")
