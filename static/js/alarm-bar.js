// SPDX-License-Identifier: Apache-2.0
// <alarm-bar>: unacknowledged alarms, worst first, always in sight: what, how old, Acknowledge, whom to call, Open.

import { acknowledge, callButton, subject } from "#city/alarm-acts";
import { instant } from "#city/api";
import { fill, h, say } from "#city/dom";
import { live } from "#city/live";
import { severityMark } from "#city/severity";
import { inSight } from "#city/store";
import { cityNow } from "#city/time";
import { duration } from "#city/words";

const ROWS = 2, ROWS_OF_THE_WORST = 3;

class AlarmBar extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", "region");
    this.list = h("ul");
    this.append(this.list);
    live.addEventListener("change", (event) => (event.detail.alarms || event.detail.everything) && this.draw());
    setInterval(() => this.#ages(), 1000);
  }

  draw() {
    const alarms = inSight(live.store.alarms.values(), cityNow());
    const rows = Math.max(ROWS, Math.min(ROWS_OF_THE_WORST, alarms.filter((a) => a.severity <= 2).length));
    const rest = alarms.length - rows;
    const kept = document.activeElement?.closest?.("alarm-bar li")?.dataset.id;
    fill(this.list, alarms.slice(0, rows).map((alarm) => this.#row(alarm)),
      rest > 0 && h("li.more", {}, h("a", { href: "/alarms/" }, `${rest} more unacknowledged ${rest === 1 ? "alarm" : "alarms"}`)));
    if (kept) this.list.querySelector(`[data-id="${CSS.escape(kept)}"] button`)?.focus();
    for (const place of document.querySelectorAll("[data-alarm-count]")) this.#count(place, alarms);
  }

  #row(alarm) {
    const button = h("button.button", { type: "button", "aria-label": `Acknowledge ${subject(alarm)}` }, "Acknowledge");
    button.addEventListener("click", async () => {
      button.disabled = true;
      button.disabled = await acknowledge(alarm);
    });
    const href = alarm.asset ? `/?asset=${encodeURIComponent(alarm.asset)}` : `/alarms/${alarm.id}/`;
    const open = h("a.link", { href, "aria-label": `Open ${subject(alarm)}` }, "Open");
    if (alarm.asset) open.addEventListener("click", (event) => {
      const request = new CustomEvent("open-asset", { bubbles: true, cancelable: true, detail: { uid: alarm.asset } });
      if (!open.dispatchEvent(request)) event.preventDefault();
    });
    const age = h("span.age", { "data-at": instant(alarm.raised_at) }, "");
    this.#age(age);
    return h("li", { "data-id": alarm.id }, severityMark(alarm.severity, true), h("strong.uid", {}, subject(alarm)), h("span.what", {}, alarm.text), age, button, callButton(alarm), open);
  }

  #count(place, alarms) {
    let badge = place.querySelector(".count");
    if (!alarms.length) return badge?.remove();
    if (!badge) place.append((badge = h("span.count")));
    badge.className = `count ${["", "critical", "high", "medium", "low"][alarms[0].severity]}`;
    say(badge, String(alarms.length));
    badge.setAttribute("aria-label", `${alarms.length} unacknowledged`);
  }

  #ages() {
    for (const age of this.list.querySelectorAll(".age")) this.#age(age);
  }

  #age(element) {
    const s = (cityNow() - Number(element.dataset.at)) / 1000;
    say(element, s < 10 ? `${Math.max(0, Math.round(s))}\u00a0s` : duration(s));
  }
}

customElements.define("alarm-bar", AlarmBar);
