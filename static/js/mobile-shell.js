// SPDX-License-Identifier: Apache-2.0
// The frame of the pages for phones: one beat asks for the time; who shows something asks for it on the same beat.
// Listen to "beat" on `pulse`. When no beat gets through, the page says how old it is.

import { config } from "#city/config";
import { say } from "#city/dom";
import { holdCityTime, setCityTime } from "#city/time";
import { duration } from "#city/words";

const EVERY_MS = 10_000;
const STALE_AFTER_MS = 25_000;

class Pulse extends EventTarget {
  heardAt = performance.now();

  start() {
    setInterval(() => this.beat(), EVERY_MS);
    addEventListener("online", () => this.beat());
    document.addEventListener("visibilitychange", () => this.beat());
  }

  get silence() {
    return performance.now() - this.heardAt;
  }

  async beat() {
    if (document.hidden) return;
    try {
      const { at, speed, mode } = await (await fetch("/clock", { cache: "no-store" })).json();
      if (mode !== config.mode) return location.reload(); // whether this is the real city stands on every page
      this.heardAt = performance.now();
      setCityTime(at, speed);
      this.dispatchEvent(new CustomEvent("beat"));
    } catch {
      holdCityTime();
    }
  }
}

export const pulse = new Pulse();

class StaleBanner extends HTMLElement {
  connectedCallback() {
    setInterval(() => this.draw(), 1000);
  }

  draw() {
    this.hidden = pulse.silence < STALE_AFTER_MS;
    if (!this.hidden) say(this, `No connection to the city. What you see is ${duration(pulse.silence / 1000)} old; trying again.`);
  }
}

customElements.define("stale-banner", StaleBanner);
const menu = document.querySelector("details.menu");
document.addEventListener("click", (event) => menu?.open && !menu.contains(event.target) && (menu.open = false));
pulse.start();
if ("serviceWorker" in navigator && isSecureContext) navigator.serviceWorker.register("/sw.js").catch((error) => console.warn("service worker:", error.message));
