# SPDX-License-Identifier: Apache-2.0
"""The pictures of the README, made by the product: the demo on an autumn morning, as `script/screenshots` runs it."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from smartcity.kernel.clock import save
from tests.browser.conftest import FLAGS, SIZES
from tests.city import ROOT, City, start, wait_until_it_answers

BEFORE_SUNRISE = datetime(2026, 11, 19, 4, 5, tzinfo=UTC)  # 6:05 in Helsinki: lamps lit, trucks leave, traffic grows
SPEED = 10.0
HISTORY_DAYS = 15.0  # enough for forecasts and for what is normal at an hour; the demo itself writes eight weeks
DEMO_MAP = "Helsinki.osm.pbf"
PATIENCE_S = 900.0
HEAVIEST_KB = 400
DOMAINS = ("traffic", "waste", "lighting", "energy")
QUICK = ("traffic", "lighting", "energy")  # a route is proven hours later, by the last container it emptied
CHOSEN = {"traffic": "intersection", "waste": "container", "lighting": "luminaire", "energy": "connection_point"}
PAGES = {name: f"/{name}/" for name in (*DOMAINS, "ledger", "alarms", "commands", "settings/notifications")}
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")


@dataclass(slots=True)
class Photographer:
    """Takes pictures of a running city as its administrator, and notes what the consoles complained of."""

    browser: Browser
    city: City
    signed_in: StorageState
    complaints: list[str] = field(default_factory=list)

    def take(self, path: str, size: str, theme: Theme, file: Path, *, whole: bool = False) -> None:
        context = self.browser.new_context(
            viewport=SIZES[size], locale="en-GB", color_scheme=theme, storage_state=self.signed_in
        )
        page = context.new_page()
        page.on("console", lambda m: self._heard(path, m.type, m.text))
        page.on("pageerror", lambda error: self._heard(path, "error", str(error)))
        page.goto(self.city.url + path)
        page.wait_for_selector(".pip[data-state=live]", state="attached", timeout=60_000)
        _settle(page, is_map=path.startswith("/?") or path == "/")
        page.screenshot(path=file, full_page=whole)
        context.close()

    def _heard(self, path: str, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(f"{path}: {kind}: {text}")


def _settle(page: Page, *, is_map: bool) -> None:
    """Until the map is drawn and nothing says that it is still loading."""
    if is_map:
        page.wait_for_selector("html[data-ready=map]", state="attached", timeout=60_000)
        page.wait_for_selector(".leaflet-tile-loaded", state="attached", timeout=30_000)
        page.wait_for_selector(".leaflet-tile:not(.leaflet-tile-loaded)", state="detached", timeout=60_000)
    page.wait_for_selector("main .waiting, asset-panel .waiting", state="detached", timeout=60_000)
    page.wait_for_timeout(2500)  # tiles fade in, streets and marks settle


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=ROOT / "docs" / "images", metavar="FOLDER")
    parser.add_argument("--every", type=Path, metavar="FOLDER", help="all pages into this folder instead")
    parser.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.prepare:
        prepare()
        return 0
    folder = chosen.every or chosen.into
    folder.mkdir(parents=True, exist_ok=True)
    with demo() as city, sync_playwright() as playwright:
        wait_until_loops_have_acted(city)
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        photographer = Photographer(browser, city, sign_in(browser, city))
        files = every_page(photographer, folder) if chosen.every else front_page(photographer, folder)
        browser.close()
    return verdict(files, photographer.complaints, most_kb=None if chosen.every else HEAVIEST_KB)


@contextlib.contextmanager
def demo() -> Iterator[City]:
    """The whole demo in a data folder of its own, its clock set to an early morning."""
    with tempfile.TemporaryDirectory(prefix="smartcity-pictures-") as folder:
        var = Path(folder)
        shutil.copy(ROOT / "var" / DEMO_MAP, var)
        given = {name: value for name, value in os.environ.items() if not name.startswith("SMARTCITY_")}
        given |= {"SMARTCITY_VAR": folder, "DJANGO_SETTINGS_MODULE": "smartcity.settings"}
        command = [sys.executable, "-m", "tests.browser.screenshots", "--prepare"]
        subprocess.run(command, cwd=ROOT, env=given | {"SMARTCITY_SECRET_KEY": "to prepare only"}, check=True)
        city = start(var=var)
        try:
            wait_until_it_answers(city, PATIENCE_S)
            yield city
        finally:
            city.stop()


def prepare() -> None:
    """The city and its history in the data folder of SMARTCITY_VAR, as a first start makes them."""
    import django

    django.setup()
    from django.conf import settings

    from smartcity import firstrun
    from smartcity.devices import importer
    from smartcity.kernel.clock import clock
    from smartcity.twin.backfill import backfill

    firstrun.write_secrets(settings.VAR / "secrets")
    firstrun.migrate(print)
    importer.import_city(settings.VAR / DEMO_MAP, demo=True, say=print)
    now_ms = int(BEFORE_SUNRISE.timestamp() * 1000)
    clock.start_simulation(now_ms, SPEED)
    done = backfill(now_ms, days=HISTORY_DAYS).words()
    (settings.VAR / "history-written").write_text(done)
    save(clock.anchor, settings.VAR / "clock.json")


def wait_until_loops_have_acted(city: City) -> None:
    """A command of each was verified by what its device measured; raises AssertionError when none is."""
    deadline = time.monotonic() + PATIENCE_S
    waiting = list(QUICK)
    with city.sign_in("admin", city.password) as browser:
        while waiting and time.monotonic() < deadline:
            waiting = [domain for domain in waiting if not _verified(browser, domain)]
            time.sleep(2)
    assert not waiting, f"no verified command in {', '.join(waiting)}"


def _verified(browser: httpx.Client, domain: str) -> bool:
    answer = browser.get("/api/v1/commands/", params={"domain": domain, "state": "verified", "limit": 1})
    return bool(answer.raise_for_status().json()["results"])


def sign_in(browser: Browser, city: City) -> StorageState:
    context = browser.new_context()
    page = context.new_page()
    page.goto(city.url + "/sign-in/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", city.password)
    page.press("input[name=password]", "Enter")
    page.wait_for_selector("html[data-ready=map]")
    state = context.storage_state()
    context.close()
    return state


def front_page(photographer: Photographer, folder: Path) -> list[Path]:
    """The map with a junction's panel on a desk, the map alone on a phone."""
    junction = one_of(photographer.city, "traffic", photographer.signed_in)
    files = []
    for size, path in (("desk", f"/?asset={junction}"), ("phone", "/")):
        for theme in THEMES:
            files.append(folder / f"{size}-{theme}.png")
            photographer.take(path, size, theme, files[-1])
            _in_few_colours(files[-1])
    return files


def _in_few_colours(file: Path) -> None:
    """256 colours weigh a third; chosen so that rare ones stay as they are, since those are what colour is for."""
    with Image.open(file) as picture:
        few = picture.convert("RGB").quantize(
            256, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE
        )
    few.save(file, optimize=True)


def every_page(photographer: Photographer, folder: Path) -> list[Path]:
    city, state = photographer.city, photographer.signed_in
    paths = {"map": "/"} | PAGES | {f"panel-{d}": f"/?asset={one_of(city, d, state)}" for d in DOMAINS}
    files = []
    for name, path in paths.items():
        for size in SIZES:
            for theme in THEMES:
                files.append(folder / f"{name.replace('/', '-')}-{size}-{theme}.png")
                photographer.take(path, size, theme, files[-1], whole=not path.startswith("/?"))
    return files


def one_of(city: City, domain: str, state: StorageState) -> str:
    """The asset that was commanded last, of the kind a picture of the domain should show where there is one."""
    cookies = {cookie.get("name", ""): cookie.get("value", "") for cookie in state["cookies"]}
    with httpx.Client(base_url=city.url, cookies=cookies, timeout=30) as browser:
        found: Any = browser.get(f"/api/v1/map/{domain}").raise_for_status().json()
    kinds = [f["properties"] for f in found["features"] if f["properties"]["kind"] == CHOSEN[domain]]
    uids = sorted(str(properties["uid"]) for properties in kinds)
    return uids[len(uids) // 2]


def verdict(files: list[Path], complaints: list[str], *, most_kb: int | None) -> int:
    for file in files:
        print(f"{file.stat().st_size / 1024:7.0f} kB  {file}")
    heavy = [file for file in files if most_kb is not None and file.stat().st_size > most_kb * 1024]
    for line in [*complaints, *(f"{file.name} is heavier than {most_kb} kB" for file in heavy)]:
        print(line, file=sys.stderr)
    print(json.dumps({"pictures": len(files), "complaints": len(complaints)}))
    return 1 if complaints or heavy else 0


if __name__ == "__main__":
    sys.exit(main())
