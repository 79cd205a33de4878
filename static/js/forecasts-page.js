// SPDX-License-Identifier: Apache-2.0
// <forecasts-page>: the record of all forecasts, a line per kind of series, and the series that do worst.

import { beside, byDay, counted, firstScore, lean, methodsOf, percent } from "#city/accuracy-words";
import { get } from "#city/api";
import { bandMark } from "#city/band-mark";
import { config, titleOf } from "#city/config";
import { loadInto } from "#city/dialog";
import { fill, h } from "#city/dom";
import { sortable } from "#city/table";
import { cityNow } from "#city/time";
import { number, quantity } from "#city/words";

class ForecastsPage extends HTMLElement {
  connectedCallback() {
    const domain = h("select", { name: "domain" }, h("option", { value: "" }, "All domains"), config.domains.map((d) => h("option", { value: d.label }, d.title)));
    domain.addEventListener("change", () => this.load());
    this.domain = domain;
    this.place = h("div");
    fill(this, h("form.filters", { "aria-label": "Which forecasts" }, h("label", {}, "Domain", domain)), this.place);
    this.load();
  }

  load() {
    return loadInto(this.place, async () => board(await get("forecasts/accuracy", { domain: this.domain.value }), cityNow()), "Loading the record…");
  }
}

function board({ lines, worst, waiting }, now) {
  if (!lines.length) return empty(waiting, now);
  const byDomain = grouped(lines);
  return [
    ...[...byDomain].map(([domain, rows]) => h("section", {}, h("h2", {}, titleOf(domain)), h("div.accuracy", {}, rows.map(line)))),
    waiting.length ? h("section", {}, h("h2", {}, "Not scored yet"), coming(waiting, now)) : null,
    worst.length ? h("section", {}, h("h2", {}, worst.length < 20 ? "From the worst to the best" : "The worst twenty"), h("p.lead", {}, "By how far they are from the value one season before. A series needs four scored forecasts to be here."), table(worst)) : null,
  ];
}

function grouped(lines) {
  const found = new Map();
  for (const one of lines) found.set(one.domain, [...(found.get(one.domain) ?? []), one]);
  return found;
}

function empty(waiting, now) {
  if (!waiting.length) return h("p.empty", {}, "Nothing is foreseen here yet. A forecast is issued within minutes of a series' first readings, and scored when its horizon has passed.");
  return h("div", {}, h("p.empty", {}, "No forecast has run its course yet. It is scored once its last hour is over, beside what came:"), coming(waiting, now));
}

const coming = (waiting, now) => h("ul.coming", {}, waiting.map((one) => h("li", {}, firstScore(one, now))));

function line(one) {
  const apart = beside(one.skill);
  const split = byDay(one);
  return h("article.accuracy-line", {},
    h("header", {}, h("h3", {}, one.title), h("span.small", {}, `${counted(one.series, one.kind)} · ${number(one.forecasts)} forecasts`)),
    h("p", {}, one.words),
    h("dl.accuracy-figures", {},
      figure("Beside a season before", apart ? h(`strong.${apart.verdict}`, {}, apart.words) : "–"),
      figure("MASE", h("strong", {}, number(rounded(one.mase)))),
      band("80 % band", one.coverage80, 0.8, one.band80),
      band("95 % band", one.coverage95, 0.95, one.band95),
      figure("Lean", lean(one.bias, one.unit))),
    h("p.small", {}, [split, `By ${methodsOf(one.methods)}.`].filter(Boolean).join(" ")));
}

const rounded = (value) => (typeof value === "number" ? Number(value.toFixed(2)) : value);
const figure = (name, ...what) => h("div", {}, h("dt", {}, name), h("dd", {}, what));

function band(name, covered, says, word) {
  if (typeof covered !== "number") return figure(name, "–");
  return figure(name, h("strong", {}, percent(covered)), h(word === "too narrow" ? "span.worse" : "span.same", {}, ` ${word}`), bandMark(covered, says, word === "too narrow"));
}

function table(worst) {
  const built = sortable({
    caption: "Series by how far their forecasts are from the value one season before",
    empty: "",
    key: (one) => one.series,
    columns: [
      { title: "Asset", name: true, value: (one) => one.asset, cell: (one) => [h("a", { href: `/?asset=${encodeURIComponent(one.asset)}` }, one.asset), one.name && one.name !== one.asset ? h("span.small", {}, ` ${one.name}`) : null] },
      { title: "Foreseen", value: (one) => one.title, numeric: false },
      { title: "Beside a season before", value: (one) => one.skill, cell: (one) => besideOf(one.skill) },
      { title: "MASE", value: (one) => rounded(one.mase) },
      { title: "Off by", sort: "high", value: (one) => one.mae, text: (one) => quantity(Number(one.mae.toPrecision(3)), { unit: one.unit }) },
      { title: "80 % band", value: (one) => one.coverage80, text: (one) => percent(one.coverage80) },
      { title: "Lean", value: (one) => one.bias, text: (one) => lean(one.bias, one.unit) },
      { title: "Forecasts", sort: "high", value: (one) => one.forecasts },
      { title: "Foreseen by", value: (one) => one.method?.title ?? null, numeric: false },
    ],
    sort: 2,
  });
  built.set(worst);
  return built.element;
}

function besideOf(skill) {
  const apart = beside(skill);
  return apart ? h(`span.${apart.verdict}`, {}, apart.words) : "–";
}

customElements.define("forecasts-page", ForecastsPage);
