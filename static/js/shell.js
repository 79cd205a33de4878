// SPDX-License-Identifier: Apache-2.0
// What every page's frame does: clock, mode, connection truth, alarms, theme, palette, return to local.

import "#city/alarm-bar";
import { config, isSimulation } from "#city/config";
import { fill, h, say } from "#city/dom";
import { live } from "#city/live";
import { openPalette, openShortcuts, shortcutsOn } from "#city/palette";
import { returnToLocal } from "#city/return-to-local";
import { cityNow, day, hms, iso, zoneName } from "#city/time";
import { duration, number } from "#city/words";

class CityClock extends HTMLElement {
  connectedCallback() {
    this.time = this.querySelector("time");
    this.zone = this.querySelector(".unit");
    this.day = this.time.querySelector(".day");
    this.hms = this.time.querySelector(".hms");
    this.tick();
    setInterval(() => this.tick(), 250);
    live.addEventListener("connection", () => this.tick()); // held when the banner says so, not a moment later
  }

  tick() {
    const now = cityNow();
    say(this.day, `${day(now)} · `);
    say(this.hms, hms(now));
    say(this.zone, zoneName(now));
    this.time.dateTime = iso(now);
    this.title = `${iso(now)} (${config.zone})`;
  }
}

class ModeBadge extends HTMLElement {
  connectedCallback() {
    live.addEventListener("change", () => this.draw());
  }

  draw() {
    document.body.dataset.mode = config.mode;
    const small = this.closest(".alarm-top");
    const said = isSimulation() ? `${config.mode} ${small ? "" : number(live.store.speed)}` : "";
    if (this.dataset.said === said) return;
    this.dataset.said = said;
    const held = live.store.ceiling > live.store.speed + 0.01;
    fill(this, isSimulation() && h("span.badge", { title: held ? `The city yields: ${number(live.store.ceiling)}× was asked for` : null }, config.mode, small ? null : ` ${number(live.store.speed)}×`));
  }
}

class ConnectionTruth extends HTMLElement {
  connectedCallback() {
    this.pip = this.querySelector(".pip");
    this.said = this.querySelector(".said");
    this.setAttribute("aria-live", "off");
    live.addEventListener("change", () => this.draw());
    live.addEventListener("connection", () => this.draw());
  }

  draw() {
    const { rate } = live.store;
    this.pip.dataset.state = live.state;
    const words = { connecting: "connecting…", stale: "no news", down: "not connected", refused: "refused" };
    say(this.said, live.isFresh ? (rate ? `${number(Math.round(rate.readings_s))} readings/s · ${duration(rate.lag_s)}` : "connected") : words[live.state]);
    this.title = live.isFresh && rate ? "Readings stored per second · from the device's clock to this page's server" : "";
  }
}

class StaleBanner extends HTMLElement {
  connectedCallback() {
    live.addEventListener("connection", (event) => this.draw(event.detail));
    live.addEventListener("change", () => live.store.notice !== this.notice && this.draw(this.detail));
    setInterval(() => this.detail && !this.hidden && this.draw(this.detail), 1000);
  }

  draw(detail) {
    this.detail = detail;
    this.notice = live.store.notice;
    const isCutOff = !live.isFresh && live.state !== "connecting";
    this.hidden = !isCutOff && !this.notice;
    document.body.classList.toggle("stale", !this.hidden);
    if (this.hidden) return;
    if (!isCutOff) return say(this, this.notice);
    const since = duration((performance.now() - live.lastFrameAt) / 1000);
    const reason = { stale: "The server is silent", down: "The connection to the server is lost", refused: `The live view is closed: ${detail.reason}` }[live.state];
    say(this, `${reason}. What you see is ${since} old${live.state === "refused" ? "." : "; trying again."}`);
  }
}

function menus() {
  const theme = globalThis.cityTheme;
  for (const radio of document.querySelectorAll("input[name=theme]")) {
    radio.checked = radio.value === theme.chosen();
    radio.addEventListener("change", () => theme.choose(radio.value));
  }
  for (const button of document.querySelectorAll("[data-return-to-local]")) button.addEventListener("click", (event) => { event.preventDefault(); returnToLocal(); });
  document.querySelector("[data-palette]")?.addEventListener("click", openPalette);
  document.querySelector("[data-shortcuts]")?.addEventListener("click", openShortcuts);
  const menu = document.querySelector("details.menu");
  document.addEventListener("click", (event) => menu?.open && !menu.contains(event.target) && (menu.open = false));
  menu?.addEventListener("keydown", (event) => { if (event.key === "Escape") { menu.open = false; menu.querySelector("summary").focus(); } });
}

function shortcuts(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); return openPalette(); }
  const typing = event.target.closest?.("input, textarea, select, [contenteditable], dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !shortcutsOn()) return;
  if (event.key === "?") openShortcuts();
  if (event.key === "/") { event.preventDefault(); openPalette(); }
}

customElements.define("city-clock", CityClock);
customElements.define("mode-badge", ModeBadge);
customElements.define("connection-truth", ConnectionTruth);
customElements.define("stale-banner", StaleBanner);
menus();
document.addEventListener("keydown", shortcuts);
live.start();
if ("serviceWorker" in navigator && isSecureContext) navigator.serviceWorker.register("/sw.js").catch((error) => console.warn("service worker:", error.message));
