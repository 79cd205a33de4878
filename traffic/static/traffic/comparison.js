// SPDX-License-Identifier: Apache-2.0
// <signal-comparison>: before and after, or what ran beside its fixed plan; what got worse beside what got better.

import { get } from "#city/api";
import { loadInto } from "#city/dialog";
import { fill, h } from "#city/dom";
import { cityNow, fromLocalInput, toLocalInput, when } from "#city/time";
import { number, unitText } from "#city/words";
import { sides } from "./measures-shapes.js";

const DAY = 86400_000;

class SignalComparison extends HTMLElement {
  connectedCallback() {
    const at = (ms) => h("input", { type: "datetime-local", required: true, value: toLocalInput(Math.round(ms / 900_000) * 900_000) });
    const now = cityNow();
    this.kind = h("select", {}, h("option", { value: "beside" }, "As it ran, beside the fixed plan"), h("option", { value: "spans" }, "Two spans: before and after"));
    this.from = at(now - DAY);
    this.to = at(now);
    this.beforeFrom = at(now - 8 * DAY);
    this.beforeTo = at(now - 7 * DAY);
    this.place = h("div.comparison");
    const before = [h("label", {}, "Before, from", this.beforeFrom), h("label", {}, "Before, until", this.beforeTo)];
    const show = () => before.forEach((label) => { label.hidden = this.kind.value === "beside"; });
    this.kind.addEventListener("change", show);
    const form = h("form.filters", { "aria-label": "What to compare", onsubmit: (event) => { event.preventDefault(); this.load(); } },
      h("label", {}, "Compare", this.kind), before, h("label", {}, "After, from", this.from), h("label", {}, "After, until", this.to),
      h("button.button.primary", { type: "submit" }, "Compare"), h("button.button", { type: "button", onclick: () => print() }, "Print"));
    fill(this, h("section", { "aria-labelledby": "comparison-title" }, h("h2", { id: "comparison-title" }, "Before and after"),
      h("p.lead", {}, "Quarter hours are compared in pairs, and the mean difference carries its 95 % interval. Less is better in every line."), form, this.place));
    show();
  }

  asked() {
    const [from, to] = [this.from, this.to].map((input) => fromLocalInput(input.value));
    if (this.kind.value === "beside") return { from, to };
    const [beforeFrom, beforeTo] = [this.beforeFrom, this.beforeTo].map((input) => fromLocalInput(input.value));
    return { from, to, before_from: beforeFrom, before_to: beforeTo };
  }

  load() {
    return loadInto(this.place, async () => report(await get(`traffic/intersections/${encodeURIComponent(this.dataset.uid)}/comparison`, this.asked())), "Comparing…");
  }
}

function report(found) {
  const known = found.rows.filter((row) => row.pairs);
  if (!known.length) return h("p.empty", {}, "No quarter hour is known on both sides. Rollups are written when a quarter is over; a fixed plan runs beside only in the demo’s street.");
  const { better, worse, open } = sides(found.rows);
  const against = found.before ? `${when(found.before[0])} to ${when(found.before[1])}` : "the fixed plan on the same traffic";
  return [
    h("p.lead", {}, `${when(found.after[0])} to ${when(found.after[1])} against ${against}${found.mode === "LIVE" ? "" : `, ${found.mode}`}.`),
    h("div.sides", {}, side("Better", "better", better), side("Worse", "worse", worse), side("No difference shown", "same", open)),
    h("p.small", {}, `Method: ${found.method}. A difference counts as better or worse only where its interval leaves out zero.`),
  ];
}

function side(title, kind, rows) {
  return h("div.card", {}, h(`h3.${kind}`, {}, title), rows.length ? h("ul", {}, rows.map((row) => h("li", {}, h("strong", {}, row.title), row.pairs ? words(row) : h("span.small", {}, row.verdict)))) : h("p.small", {}, "nothing"));
}

function words(row) {
  const sign = (value) => `${value > 0 ? "+" : ""}${number(value)}`;
  const interval = row.low === null ? "too few quarters for an interval" : `${sign(row.low)} to ${sign(row.high)}`;
  return [h("p", {}, `${sign(row.difference)} ${unitText(row.unit)}`, h("span.small", {}, ` (${interval})`)), h("p.small", {}, `${number(row.before)} → ${number(row.after)} ${unitText(row.unit)}, ${row.pairs} pairs`)];
}

customElements.define("signal-comparison", SignalComparison);
