// SPDX-License-Identifier: Apache-2.0
// <forecasts-page>: the record of all forecasts, a line per kind of series with its methods, the series that do worst, the model cards.

import "#city/forecast-tree";
import { beside, byDay, counted, firstScore, lean, mase, methodsOf, percent, plural } from "#city/accuracy-words";
import { get, list } from "#city/api";
import { bandMark } from "#city/band-mark";
import { config, titleOf } from "#city/config";
import { loadInto } from "#city/dialog";
import { fill, h } from "#city/dom";
import { events } from "#city/events";
import { kindHistory, showMethods } from "#city/method-history";
import { liftPin, pin } from "#city/pin";
import { sortable } from "#city/table";
import { cityNow, when } from "#city/time";
import { number, quantity } from "#city/words";

class ForecastsPage extends HTMLElement {
  connectedCallback() {
    const domain = h("select", { name: "domain" }, h("option", { value: "" }, "All domains"), config.domains.map((d) => h("option", { value: d.label }, d.title)));
    domain.addEventListener("change", () => this.load());
    this.domain = domain;
    this.place = h("div");
    this.events = h("section.events", { "aria-labelledby": "events-title" });
    fill(this, this.events, meaning(), h("form.filters", { "aria-label": "Which forecasts" }, h("label", {}, "Domain", domain)), this.place, h("forecast-tree"));
    this.load();
    this.loadEvents();
  }

  loadEvents() {
    return loadInto(this.events, async () => events(await get("forecasts/events"), () => this.loadEvents()), "Loading what is coming…");
  }

  load() {
    return loadInto(this.place, async () => {
      const [found, pins, every] = await Promise.all([get("forecasts/accuracy", { domain: this.domain.value }), list("forecasts/pins"), list("forecasts/cards")]);
      const ofDomain = (one) => !this.domain.value || one.metric.startsWith(`${this.domain.value}.`);
      const [shown, cards] = [pins.filter(ofDomain), every.filter(ofDomain)];
      return [board(found, cityNow(), () => this.load()), shown.length ? pinned(shown, found.may_pin, () => this.load()) : null, cards.length ? cardList(cards) : null];
    }, "Loading the record…");
  }
}

const MEANING = [
  ["Beside a season before", "How much smaller the mean error is than that of the value one season before (a week where a series has one). It is what anybody could say without a forecast."],
  ["MASE", "The mean error over the usual change from one day to the next. Below 1 the forecast misses by less than days differ."],
  ["80 % and 95 % band", "How many values came inside. The tick is where the bar should end: a shorter one means a band too narrow to trust."],
  ["Lean", "What was said, on average, beside what came: too low or too high."],
];
const meaning = () => h("details.meaning", {}, h("summary", {}, "What the figures mean"), h("dl", {}, MEANING.map(([word, text]) => [h("dt", {}, word), h("dd", {}, text)])));

function board({ lines, drifting, worst, waiting, methods, may_pin: mayPin }, now, again) {
  if (!lines.length) return empty(waiting, now);
  const known = config.domains.map((d) => d.label);
  const order = [...new Set([...known, ...lines.map((one) => one.domain)])].filter((domain) => lines.some((one) => one.domain === domain));
  return [
    ...order.map((domain) => h("section", {}, h("h2", {}, titleOf(domain)), h("div.accuracy", {}, lines.filter((one) => one.domain === domain).map((one) => line(one, methods, again))))),
    waiting.length ? h("section", {}, h("h2", {}, "Not scored yet"), coming(waiting, now)) : null,
    drifting.length ? h("section", {}, h("h2", {}, "Worse than they were"), h("p.lead", {}, "Each backtest looks whether errors or misses have risen for good."), h("ul.coming", {}, drifting.map((one) => worse(one, now)))) : null,
    worst.length ? h("section", {}, h("h2", {}, worst.length < 20 ? "From the worst to the best" : "The worst twenty"), h("p.lead", {}, "By how far they are from the value one season before. A series needs four scored forecasts to be here."), table(worst, mayPin ? (one) => pin(one, methods, again) : null)) : null,
  ];
}

function empty(waiting, now) {
  if (!waiting.length) return h("p.empty", {}, "Nothing is foreseen here yet. A forecast is issued within minutes of a series' first readings, and scored when its horizon has passed.");
  return h("div", {}, h("p.empty", {}, "No forecast has run its course yet. It is scored once its last hour is over, beside what came:"), coming(waiting, now));
}

const coming = (waiting, now) => h("ul.coming", {}, waiting.map((one) => h("li", {}, firstScore(one, now))));

function line(one, methods, again) {
  const apart = beside(one.skill);
  const split = byDay(one);
  return h("article.accuracy-line", {},
    h("header", {}, h("h3", {}, one.title), h("span.small", {}, `${counted(one.series, one.kind)} · ${number(one.forecasts)} forecasts`)),
    h("p", {}, one.words),
    h("dl.accuracy-figures", {},
      figure("Beside a season before", apart ? h(`strong.${apart.verdict}`, {}, apart.words) : "–"),
      figure("MASE", h("strong", {}, mase(one.mase))),
      band("80 % band", one.coverage80, 0.8, one.band80),
      band("95 % band", one.coverage95, 0.95, one.band95),
      figure("Lean", lean(one.bias, one.unit))),
    h("p.small", {}, [split, `By ${methodsOf(one.methods)}.`].filter(Boolean).join(" ")),
    h("div.line-more", {}, behind(one), h("a.link", { href: cardOf(one) }, "Model card"),
      one.may_pin ? h("button.link", { type: "button", onclick: () => pin({ ...one, method: null, isKind: true }, methods, again) }, `Pin all ${plural(one.kind)}…`) : null));
}

const worse = (one, now) => h("li", {}, h("a", { href: `/?asset=${encodeURIComponent(one.asset)}` }, one.asset), ` ${one.title}: ${one.words}. `, h("span.small", {}, `since ${when(one.since, now)}`));

/** Which methods the series of a kind trust, and the newest changes; asked for when it is opened. */
function behind({ metric, kind }) {
  const place = h("div");
  const part = h("details", {}, h("summary", {}, "Methods and their changes"), place);
  part.addEventListener("toggle", () => { if (part.open && !place.firstChild) loadInto(place, async () => kindHistory(await get("forecasts/methods", { metric, kind }))); });
  return part;
}

const cardOf = (one) => `/forecasts/cards/${encodeURIComponent(one.metric)}/${encodeURIComponent(one.kind)}/`;

function cardList(cards) {
  const word = (one) => (one.approval ? `Approved by ${one.approval.approved_by}${one.is_current ? "" : ", for methods that have changed since"}` : "Not approved by anybody");
  return h("section", {}, h("h2", {}, "Model cards"), h("p.lead", {}, "What each kind of forecast is for, from what it is made, where it fails and who approved it."), h("ul.coming", {}, cards.map((one) => h("li", {},
    h("a", { href: cardOf(one) }, `${one.title} of ${plural(one.kind)}`), ` ${one.purpose} `, h(one.is_current ? "span.small" : "span.small.worse", {}, word(one))))));
}

const figure = (name, ...what) => h("div", {}, h("dt", {}, name), h("dd", {}, what));

function band(name, covered, says, word) {
  if (typeof covered !== "number") return figure(name, "–");
  return figure(name, h("strong", {}, percent(covered)), h(word === "too narrow" ? "span.worse" : "span.same", {}, ` ${word}`), bandMark(covered, says, word === "too narrow"));
}

function pinned(pins, mayLift, again) {
  return h("section", {}, h("h2", {}, "Pinned by a person"), h("ul.coming", {}, pins.map((one) => h("li", {},
    one.asset ? h("a", { href: `/?asset=${encodeURIComponent(one.asset)}` }, one.asset) : h("strong", {}, `All ${plural(one.kind)}`),
    ` by ${one.title}: ${one.reason} `, h("span.small", {}, `${one.owner}, ${when(one.since, cityNow())} `),
    mayLift ? h("button.link", { type: "button", onclick: () => liftPin(one, again) }, "Lift…") : null))));
}

function table(worst, onPin) {
  const built = sortable({
    caption: "Series by how far their forecasts are from the value one season before",
    empty: "",
    key: (one) => one.series,
    columns: [
      { title: "Asset", name: true, value: (one) => one.asset, cell: (one) => [h("a", { href: `/?asset=${encodeURIComponent(one.asset)}` }, one.asset), one.name && one.name !== one.asset ? h("span.small", {}, ` ${one.name}`) : null] },
      { title: "Beside a season before", value: (one) => one.skill, cell: (one) => besideOf(one.skill) },
      { title: "Foreseen", value: (one) => one.title, numeric: false },
      { title: "MASE", value: (one) => one.mase, text: (one) => mase(one.mase) },
      { title: "Off by", sort: "high", value: (one) => one.mae, text: (one) => quantity(Number(one.mae.toPrecision(3)), { unit: one.unit }) },
      { title: "80 % band", value: (one) => one.coverage80, text: (one) => percent(one.coverage80) },
      { title: "Lean", value: (one) => one.bias, text: (one) => lean(one.bias, one.unit) },
      { title: "Forecasts", sort: "high", value: (one) => one.forecasts },
      { title: "Foreseen by", value: (one) => one.method?.title ?? null, numeric: false },
      { title: "", value: () => null, cell: (one) => h("button.link", { type: "button", "aria-label": `Methods of ${one.asset}`, onclick: () => showMethods(one) }, "Methods…") },
      ...(onPin ? [{ title: "", value: () => null, cell: (one) => h("button.link", { type: "button", "aria-label": `Pin ${one.asset} to a method`, onclick: () => onPin(one) }, "Pin…") }] : []),
    ],
    sort: 1,
  });
  built.set(worst);
  return built.element;
}

function besideOf(skill) {
  const apart = beside(skill);
  return apart ? h(`span.${apart.verdict}`, {}, apart.words) : "–";
}

customElements.define("forecasts-page", ForecastsPage);
