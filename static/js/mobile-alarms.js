// SPDX-License-Identifier: Apache-2.0
// <mobile-alarms>: what stands, worst first, each a row a thumb can hit; it opens the alarm's own page.

import { subject } from "#city/alarm-acts";
import { subtitle } from "#city/alarm-words";
import { list } from "#city/api";
import { failure } from "#city/dialog";
import { fill, h, refill } from "#city/dom";
import { pulse } from "#city/mobile-shell";
import { severityMark } from "#city/severity";
import { isAcknowledged } from "#city/store";
import { cityNow } from "#city/time";
import { severityWord } from "#city/words";

const LISTS = [["unacknowledged", "To take"], ["active", "All standing"]];
const EMPTY = { unacknowledged: "No alarm waits to be taken.", active: "No alarm stands." };

class MobileAlarms extends HTMLElement {
  connectedCallback() {
    this.state = LISTS[0][0];
    this.choices = h("div.tabs", { role: "group", "aria-label": "Which alarms" }, LISTS.map(([state, word]) => h("button", { type: "button", "data-state": state, onclick: () => this.#choose(state) }, word)));
    this.rows = h("div", {}, h("p.waiting", { role: "status" }, "Loading the alarms…"));
    fill(this, this.choices, this.rows);
    pulse.addEventListener("beat", () => this.load());
    this.#choose(this.state);
  }

  #choose(state) {
    this.state = state;
    for (const button of this.choices.children) button.setAttribute("aria-pressed", button.dataset.state === state);
    return this.load();
  }

  async load() {
    const { state } = this;
    let found;
    try {
      found = await list("alarms/", { state, limit: 100 });
    } catch (problem) {
      if (!this.shown || problem.status) fill(this.rows, failure(problem, () => this.load()));
      return;
    }
    if (state !== this.state) return;
    this.shown = true;
    refill(this.rows, found.length ? h("ul.mobile-list", {}, found.map((alarm) => this.#row(alarm))) : h("p.empty", {}, EMPTY[state]));
    document.documentElement.dataset.ready = "alarms";
  }

  #row(alarm) {
    const taken = isAcknowledged(alarm) ? `taken by ${alarm.acknowledged_by || "somebody"}` : alarm.shelved_until ? "shelved" : "";
    const name = `${severityWord(alarm.severity)}: ${subject(alarm)} ${alarm.text}`;
    return h(`li${taken ? ".quiet" : ""}`, {}, h("a", { href: `/alarms/${alarm.id}/`, "aria-label": name }, severityMark(alarm.severity),
      h("span.what", {}, h("strong", {}, subject(alarm)), ` ${alarm.text}`),
      h("span.small", {}, [subtitle(alarm, cityNow()), taken, alarm.simulated ? "SIMULATION" : ""].filter(Boolean).join(" · "))));
  }
}

customElements.define("mobile-alarms", MobileAlarms);
