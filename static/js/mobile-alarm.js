// SPDX-License-Identifier: Apache-2.0
// <mobile-alarm>: one alarm, one screen, in words alone: what, where, why, what to do, whom to call, and one press to take it.

import { acknowledge, callButton, subject } from "#city/alarm-acts";
import { facts, subtitle } from "#city/alarm-words";
import { get } from "#city/api";
import { failure } from "#city/dialog";
import { fill, h } from "#city/dom";
import { pulse } from "#city/mobile-shell";
import { severityMark } from "#city/severity";
import { isAcknowledged } from "#city/store";
import { cityNow } from "#city/time";

class MobileAlarm extends HTMLElement {
  connectedCallback() {
    this.number = Number(this.dataset.number);
    this.load();
    pulse.addEventListener("beat", () => this.load());
  }

  async load() {
    let alarm;
    try {
      alarm = await get(`alarms/${this.number}`);
    } catch (problem) {
      if (!this.alarm || problem.status) fill(this, failure(problem, () => this.load()));
      return;
    }
    const isOther = JSON.stringify(alarm) !== JSON.stringify(this.alarm);
    this.alarm = alarm;
    if (isOther) this.draw();
    else this.#facts();
  }

  /** Anew, but what was typed into the note stays. */
  draw() {
    const { alarm } = this;
    const typed = this.querySelector("input")?.value ?? "";
    const isOpen = !isAcknowledged(alarm) && !alarm.cleared_at;
    const note = h("input", { type: "text", maxlength: "500", "aria-label": "Note", placeholder: "Note, if you like", value: typed });
    this.rows = h("dl.alarm-rows");
    fill(this,
      h("section.alarm-what", { "aria-live": "polite" }, severityMark(alarm.severity, true), h("h2", {}, alarm.text), h("p", {}, subtitle(alarm, cityNow())), alarm.simulated && h("p", {}, "SIMULATION: not in the real city")),
      this.rows, isOpen && h("div.alarm-more", {}, note),
      h("div.alarm-buttons", {}, isOpen && this.#take(note), h("div.pair", {}, callButton(alarm), this.#way())));
    this.#facts();
    if (location.hash === "#take") this.querySelector(".primary")?.focus();
    document.documentElement.dataset.ready = "alarm";
  }

  #facts() {
    fill(this.rows, facts(this.alarm, cityNow()).map(([label, text]) => h("div", {}, h("dt", {}, label), h("dd", {}, text))));
  }

  #way() {
    const { lat, lon } = this.alarm;
    return lat === null || lon === null ? null : h("a.button", { href: `geo:${lat},${lon}`, "aria-label": `Way to ${subject(this.alarm)}` }, "Navigate");
  }

  #take(note) {
    const take = h("button.button.primary", { type: "button", "aria-label": `Taking alarm ${this.number}` }, "Taking it");
    take.addEventListener("click", async () => {
      take.disabled = true;
      if (await acknowledge(this.alarm, note.value)) await this.load();
      else take.disabled = false;
    });
    return take;
  }
}

customElements.define("mobile-alarm", MobileAlarm);
