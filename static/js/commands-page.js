// SPDX-License-Identifier: Apache-2.0
// <commands-page>: commands with every step they took and why; the second-by-second log of an asset beside them.

import { instant, list, withQuery } from "#city/api";
import { config } from "#city/config";
import { loadInto } from "#city/dialog";
import { fill, h } from "#city/dom";
import { live } from "#city/live";
import { commandLine } from "#city/command-line";
import { hms, when } from "#city/time";
import { humanise } from "#city/words";

const STATES = [["", "Any"], ["proposed", "Proposed"], ["sent", "Sent"], ["applied", "Applied"], ["verified", "Effect confirmed"], ["refused", "Refused"], ["expired", "Expired"], ["failed", "Effect not confirmed"]];
const UID = /^[A-Za-z0-9_.-]{0,64}$/;

class CommandsPage extends HTMLElement {
  connectedCallback() {
    const given = new URLSearchParams(location.search);
    const select = (name, options) => { const s = h("select", { name }, options.map(([value, word]) => h("option", { value }, word))); s.value = options.some(([v]) => v === given.get(name)) ? given.get(name) : ""; return s; };
    this.domain = select("domain", [["", "All domains"], ...config.domains.map((d) => [d.label, d.title])]);
    this.state = select("state", STATES);
    this.asset = h("input", { name: "asset", type: "search", value: given.get("asset") ?? "", placeholder: "e.g. K-12", autocomplete: "off", spellcheck: "false", maxlength: 64 });
    this.commands = h("div");
    this.events = h("div");
    const form = h("form.filters", { "aria-label": "Which commands", onsubmit: (event) => { event.preventDefault(); this.load(); } }, h("label", {}, "Domain", this.domain), h("label", {}, "State", this.state), h("label", {}, "Asset", this.asset), h("button.button", {}, "Show"));
    for (const control of [this.domain, this.state]) control.addEventListener("change", () => this.load());
    fill(this, form, this.commands, h("section", { "aria-labelledby": "events-title" }, h("h2", { id: "events-title" }, "Event log"), h("p.small.lead", {}, "Second-by-second requests under a granted mode. Refusals are counted, reasons sampled."), this.events));
    live.addEventListener("change", (event) => event.detail.commands.length && this.#later());
    this.load();
  }

  #later() {
    this.due ??= setTimeout(() => { this.due = null; if (!this.contains(document.activeElement) && !this.querySelector("details[open]")) this.load(true); }, 3000);
  }

  async load(quietly = false) {
    const asset = this.asset.value.trim();
    if (!UID.test(asset)) return fill(this.commands, h("p.problem", { role: "alert" }, "A number such as K-12 has letters, digits, points and hyphens only."));
    const asked = { domain: this.domain.value, state: this.state.value, asset };
    history.replaceState(null, "", withQuery("/commands/", asked));
    const commands = async () => {
      const found = await list("commands/", { ...asked, limit: 100 });
      return found.length ? h("ol.commands-list", {}, found.map((c) => commandLine(c, { whole: true, may: true, done: () => this.load(true) }))) : h("p.empty", {}, "No such command. Loops send when a mode lets them; people through Override in an asset’s panel.");
    };
    const events = async () => {
      const found = await list("events/", { asset, limit: 100 });
      return found.length ? eventTable(found) : h("p.empty", {}, asset ? `No request to ${asset} under a granted mode.` : "No request under a granted mode yet.");
    };
    if (quietly) {
      try { fill(this.commands, await commands()); fill(this.events, await events()); } catch (problem) { console.warn(problem.message); }
      return;
    }
    await Promise.all([loadInto(this.commands, commands, "Loading the commands…"), loadInto(this.events, events, "Loading the event log…")]);
  }
}

function eventTable(events) {
  const shown = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value));
  return h("div.table-box", {}, h("table.events", {}, h("caption.hidden", {}, "Event log"), h("thead", {}, h("tr", {}, ["Time", "Asset", "Request", "Outcome"].map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", {}, events.map((e) => h("tr", {}, h("td", {}, h("time", { title: when(instant(e.at)) }, hms(instant(e.at)))), h("td", {}, h("a", { href: `/?asset=${encodeURIComponent(e.asset)}` }, e.asset)), h("td", {}, `${humanise(e.point)} `, h("span.unit.value", { title: shown(e.value) }, short(shown(e.value)))), h("td", {}, e.outcome, e.note ? h("span.small", {}, ` ${e.note}`) : null))))));
}

const short = (text) => (text.length > 80 ? `${text.slice(0, 79)}…` : text);

customElements.define("commands-page", CommandsPage);
