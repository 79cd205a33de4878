// SPDX-License-Identifier: Apache-2.0
// <alarms-page>: every alarm with what it is, what to do and whom to call; unacknowledged first; shelved ones always counted.

import { instant, list, post } from "#city/api";
import { acknowledge, callButton, subject } from "#city/alarm-acts";
import { config, titleOf } from "#city/config";
import { dialog, failure, field, loadInto } from "#city/dialog";
import { fill, h, toast } from "#city/dom";
import { live } from "#city/live";
import { severityMark } from "#city/severity";
import { isAcknowledged } from "#city/store";
import { cityNow, when } from "#city/time";
import { duration, humanise, severityWord } from "#city/words";

const TABS = [["unacknowledged", "Unacknowledged"], ["active", "All standing"], ["shelved", "Shelved"], ["cleared", "Cleared"]];
const EMPTY = {
  unacknowledged: "Nothing waits for an acknowledgement.", active: "No alarm stands. The city is as it should be.",
  shelved: "Nothing is shelved.", cleared: "No alarm has been cleared yet.",
};
const SHELVES_H = [1, 2, 4, 8];

class AlarmsPage extends HTMLElement {
  connectedCallback() {
    const given = new URLSearchParams(location.search);
    this.state = TABS.some(([state]) => state === given.get("state")) ? given.get("state") : "unacknowledged";
    this.domain = h("select", { name: "domain" }, h("option", { value: "" }, "All domains"), config.domains.map((d) => h("option", { value: d.label }, d.title)));
    this.domain.value = config.domains.some((d) => d.label === given.get("domain")) ? given.get("domain") : "";
    this.domain.addEventListener("change", () => this.load());
    this.tabs = h("div.tabs", { role: "tablist", "aria-label": "Which alarms" }, TABS.map(([state, word]) => h("button", { type: "button", role: "tab", id: `tab-${state}`, "aria-controls": "alarm-rows", onclick: () => this.#show(state) }, word, h("span.unit", { "data-count": state }))));
    this.tabs.addEventListener("keydown", (event) => this.#turn(event));
    this.rows = h("div", { id: "alarm-rows", role: "tabpanel" });
    fill(this, h("div.tab-line", {}, this.tabs, h("label.inline", {}, h("span.hidden", {}, "Domain"), this.domain)), this.rows);
    live.addEventListener("change", (event) => { if (event.detail.alarms) { this.#counts(); this.#later(); } });
    this.#mark();
    this.load();
  }

  #turn(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = TABS.findIndex(([state]) => state === this.state);
    this.#show(TABS[(at + step + TABS.length) % TABS.length][0]);
    this.tabs.querySelector("[aria-selected=true]").focus();
  }

  #show(state) {
    this.state = state;
    this.#mark();
    this.load();
  }

  #mark() {
    for (const tab of this.tabs.children) { const on = tab.id === `tab-${this.state}`; tab.setAttribute("aria-selected", on); tab.tabIndex = on ? 0 : -1; }
    this.rows.setAttribute("aria-labelledby", `tab-${this.state}`);
    const query = new URLSearchParams(Object.entries({ state: this.state, domain: this.domain.value }).filter(([, v]) => v));
    history.replaceState(null, "", `/alarms/?${query}`);
    this.#counts();
  }

  #counts() {
    const standing = [...live.store.alarms.values()].filter((a) => !a.cleared_at);
    const now = cityNow();
    const shelved = standing.filter((a) => a.shelved_until && instant(a.shelved_until) > now);
    const counts = { unacknowledged: standing.filter((a) => !isAcknowledged(a) && !shelved.includes(a)).length, active: standing.length, shelved: shelved.length };
    for (const [state, count] of Object.entries(counts)) this.tabs.querySelector(`[data-count=${state}]`).textContent = live.isFresh ? ` ${count}` : "";
  }

  #later() {
    this.due ??= setTimeout(() => { this.due = null; this.load(true); }, 800);
  }

  load(quietly = false) {
    const { state } = this;
    const ask = async () => {
      const found = await list("alarms/", { state, domain: this.domain.value, limit: 200 });
      return found.length ? h("ul.alarm-rows-list", {}, found.map((alarm) => this.#row(alarm))) : h("p.empty", {}, EMPTY[state]);
    };
    this.#mark();
    if (!quietly) return loadInto(this.rows, ask, "Loading the alarms…");
    if (document.querySelector("dialog[open]")) return this.#later();
    const kept = document.activeElement?.closest?.("li")?.dataset.id;
    return ask().then((nodes) => {
      fill(this.rows, nodes);
      if (kept) this.rows.querySelector(`[data-id="${CSS.escape(kept)}"] button`)?.focus();
    }, (problem) => console.warn(problem.message));
  }

  #row(alarm) {
    const again = () => this.load(true);
    const acked = isAcknowledged(alarm);
    const out = alarm.shelved_until && instant(alarm.shelved_until) > cityNow();
    const head = h("p.what", {}, alarm.asset ? h("a", { href: `/?asset=${encodeURIComponent(alarm.asset)}` }, subject(alarm)) : subject(alarm), ` ${alarm.text}`);
    const facts = [humanise(severityWord(alarm.severity)), titleOf(alarm.domain), alarm.asset_name && alarm.asset_name !== alarm.asset ? alarm.asset_name : "", `since ${when(instant(alarm.raised_at))}`, alarm.occurrences > 1 ? `${alarm.occurrences} times` : "", alarm.simulated ? "SIMULATION" : ""];
    const standing = [acked && `Acknowledged by ${alarm.acknowledged_by || "somebody"} ${when(instant(alarm.acknowledged_at))}${alarm.note ? `: ${alarm.note}` : ""}`, out && `Shelved until ${when(instant(alarm.shelved_until))} by ${alarm.shelved_by || "somebody"}${alarm.shelved_why ? `: ${alarm.shelved_why}` : ""}`, alarm.cleared_at && `Cleared ${when(instant(alarm.cleared_at))}`].filter(Boolean);
    const meaning = [["Cause", alarm.cause], ["If nothing is done", alarm.consequence], ["Do", alarm.response], ["In time", alarm.respond_within_s ? `within ${duration(alarm.respond_within_s)}` : ""]].filter(([, text]) => text);
    return h(`li.alarm-row${acked || out || alarm.cleared_at ? ".quiet" : ""}`, { "data-id": alarm.id }, severityMark(alarm.severity),
      h("div", {}, head, h("p.small", {}, facts.filter(Boolean).join(" · ")), standing.map((text) => h("p.small.standing-text", {}, text)), meaning.length > 0 && h("dl.rows.do", {}, meaning.map(([label, text]) => [h("dt", {}, label), h("dd", {}, text)]))),
      h("div.buttons", {}, this.#buttons(alarm, acked, out, again)));
  }

  #buttons(alarm, acked, out, again) {
    if (alarm.cleared_at) return [h("a.button", { href: `/alarms/${alarm.id}/`, "aria-label": `Open alarm ${alarm.id}` }, "Open")];
    return [
      !acked && h("button.button.primary", { type: "button", "aria-haspopup": "dialog", "aria-label": `Acknowledge ${subject(alarm)}`, onclick: () => withNote(alarm, again) }, "Acknowledge…"),
      callButton(alarm),
      out ? h("button.button", { type: "button", "aria-label": `Unshelve ${subject(alarm)}`, onclick: () => unshelve(alarm, again) }, "Unshelve")
        : h("button.button", { type: "button", "aria-haspopup": "dialog", "aria-label": `Shelve ${subject(alarm)}`, onclick: () => shelve(alarm, again) }, "Shelve…"),
      h("a.button", { href: `/alarms/${alarm.id}/`, "aria-label": `Open alarm ${alarm.id}` }, "Open"),
    ];
  }
}

function withNote(alarm, done) {
  const box = dialog(`Acknowledge ${subject(alarm)}`);
  const note = h("input", { type: "text", maxlength: 500, autocomplete: "off" });
  const send = h("button.button.primary", { type: "submit" }, `Acknowledge ${subject(alarm)}`);
  const form = h("form", { method: "dialog", onsubmit: async (event) => { event.preventDefault(); send.disabled = true; if (await acknowledge(alarm, note.value.trim())) { box.close(); done(); } else send.disabled = false; } },
    h("p", {}, alarm.text), field("Note", note, "What you know and what you do; the next shift reads it. May stay empty."));
  send.setAttribute("form", (form.id = `ack-${alarm.id}`));
  fill(box.body, form);
  fill(box.foot, h("button.button", { type: "button", onclick: box.close }, "Cancel"), send);
  note.focus();
}

function shelve(alarm, done) {
  const box = dialog(`Shelve ${subject(alarm)}`);
  const note = h("input", { type: "text", maxlength: 500, required: true, autocomplete: "off" });
  const lasts = h("select", {}, SHELVES_H.map((hours) => h("option", { value: String(hours) }, duration(hours * 3600))));
  const send = h("button.button.primary", { type: "button", disabled: true }, `Shelve ${subject(alarm)}`);
  note.addEventListener("input", () => { send.disabled = note.value.trim().length < 3; });
  fill(box.body, h("p", {}, "Out of sight until then, but counted. It comes back by itself when the time is over."), field("For", lasts, "City time"), field("Reason", note));
  fill(box.foot, h("button.button", { type: "button", onclick: box.close }, "Cancel"), send);
  note.focus();
  send.addEventListener("click", async () => {
    if (send.disabled) return;
    send.disabled = true;
    try {
      await post(`alarms/${alarm.id}/shelve`, { note: note.value.trim(), until: String(Math.round(cityNow() + Number(lasts.value) * 3600_000)) });
      box.close();
      toast(`${subject(alarm)} is shelved for ${duration(Number(lasts.value) * 3600)}.`);
      done();
    } catch (problem) {
      box.body.querySelector("[role=alert]")?.remove();
      box.body.append(failure(problem));
      send.disabled = false;
    }
  });
}

async function unshelve(alarm, done) {
  try {
    await post(`alarms/${alarm.id}/unshelve`, { note: "" });
    done();
  } catch (problem) {
    toast(`${subject(alarm)} stays shelved. ${problem.words ?? problem.message}`, "problem");
  }
}

customElements.define("alarms-page", AlarmsPage);
