// SPDX-License-Identifier: Apache-2.0
// <ledger-page>: what each loop is worth, day by day; simulated and measured in columns of their own.

import { instant, list } from "#city/api";
import { baselines } from "#city/baselines";
import { config, titleOf } from "#city/config";
import { loadInto } from "#city/dialog";
import { fill, h } from "#city/dom";
import { cityNow, day, hm } from "#city/time";
import { number, unitText } from "#city/words";
import { difference } from "#city/worth";

const DAY = 86400_000;
const SPANS = [[2, "2 days"], [8, "week"], [31, "month"], [366, "year"]];

class LedgerPage extends HTMLElement {
  connectedCallback() {
    const domain = h("select", { name: "domain" }, h("option", { value: "" }, "All domains"), config.domains.map((d) => h("option", { value: d.label }, d.title)));
    const span = h("select", { name: "span" }, SPANS.map(([days, word]) => h("option", { value: String(days) }, `Last ${word}`)));
    span.value = "8";
    this.place = h("div");
    this.stored = h("section.baselines", { "aria-labelledby": "baselines-title" });
    this.asked = () => ({ domain: domain.value, from: Math.round(cityNow() - Number(span.value) * DAY) });
    for (const control of [domain, span]) control.addEventListener("change", () => this.load());
    domain.addEventListener("change", () => this.baselines());
    fill(this, h("form.filters", { "aria-label": "Which entries" }, h("label", {}, "Domain", domain), h("label", {}, "Span", span)), this.place, this.stored);
    this.load();
    this.baselines();
  }

  baselines() {
    return loadInto(this.stored, () => baselines(this.asked().domain, () => { this.baselines(); this.load(); }), "Loading the baselines…");
  }

  load() {
    return loadInto(this.place, async () => {
      const entries = await list("ledger/", this.asked());
      return entries.length ? ledger(entries) : h("p.empty", {}, "Nothing written in this span. Entries are written when a city hour is over, and brought up to date until the day ends.");
    }, "Loading the ledger…");
  }
}

function ledger(entries) {
  const head = h("thead", {},
    h("tr", {}, h("th", { colspan: 2, scope: "colgroup" }), h("th.group.evidence", { colspan: 3, scope: "colgroup" }, "SIMULATION"), h("th.group.evidence.of-measured", { colspan: 3, scope: "colgroup" }, "Measured"), h("th.group", { scope: "colgroup" })),
    h("tr", {}, ["Day", "Figure"].map((t) => h("th", { scope: "col" }, t)), ["simulated", "measured"].map((of) => ["with the loop", "baseline", "difference"].map((t, i) => h(`th.numeric.of-${of}${i ? "" : ".group"}`, { scope: "col" }, t))), h("th.group", { scope: "col" }, "Baseline")));
  const byDomain = new Map();
  for (const entry of entries) byDomain.set(entry.domain, [...(byDomain.get(entry.domain) ?? []), entry]);
  return [...byDomain].map(([domain, rows]) => h("section", {}, h("h2", {}, titleOf(domain)), h("div.table-box", {}, h(rows.some((entry) => typeof entry.measured_value === "number") ? "table.ledger-table" : "table.ledger-table.unmeasured", {}, h("caption.hidden", {}, `Ledger of ${titleOf(domain)}`), head.cloneNode(true), h("tbody", {}, rows.map(row))))));
}

function row(entry) {
  const [from, to] = [instant(entry.from_at), instant(entry.to_at)];
  const whole = to - from >= 22.9 * 3600_000;
  return h("tr", {}, h("td", {}, day(from), whole ? "" : h("span.small", {}, ` until ${hm(to)}`)), h("th", { scope: "row" }, entry.title, h("span.unit", {}, ` ${unitText(entry.unit)}`)),
    columns(entry, "simulated"), columns(entry, "measured"), h("td.group", {}, entry.baseline_name || h("span.none", {}, "none stored"), entry.note ? h("span.small", {}, ` ${entry.note}`) : null));
}

function columns(entry, evidence) {
  const [value, baseline] = [entry[`${evidence}_value`], entry[`${evidence}_baseline`]];
  const cell = `td.numeric.of-${evidence}`;
  if (typeof value !== "number") return [h(`${cell}.group.none`, {}, "–"), h(`${cell}.none`, {}, "–"), h(`${cell}.none`, {}, "–")];
  const apart = difference({ value, baseline }, entry.lower_is_better);
  return [h(`${cell}.group`, {}, number(value)), h(cell, {}, typeof baseline === "number" ? number(baseline) : "–"), h(cell, {}, apart ? h(`span.${apart.verdict}`, { title: apart.verdict }, apart.words) : "–")];
}

customElements.define("ledger-page", LedgerPage);
