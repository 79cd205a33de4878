// SPDX-License-Identifier: Apache-2.0
// <kpi-strip>: four figures as deviation from expected: number, sparkline, bar with the normal band, one line of meaning.

import { city } from "#city/city";
import { fill, h, say } from "#city/dom";
import { layerOf } from "#city/layers";
import { live } from "#city/live";
import { number, unitText } from "#city/words";

/** The polyline of a sparkline within width x height; gaps are skipped. */
export function sparkPoints(values, width, height) {
  const known = values.filter((v) => typeof v === "number");
  if (known.length < 2) return "";
  const low = Math.min(...known);
  const span = Math.max(...known) - low || 1;
  return values.map((v, i) => (typeof v === "number" ? `${((i / (values.length - 1)) * width).toFixed(1)},${(height - 2 - ((v - low) / span) * (height - 4)).toFixed(1)}` : "")).filter(Boolean).join(" ");
}

/** Shares of the bar: {from, to, usual, tick}, 0..1; null without a range. */
export function barShares({ value, range, normal, expected }) {
  const known = [value, expected, ...(normal ?? [])].filter((v) => typeof v === "number");
  const [low, high] = range ?? (normal ? [Math.min(0, ...known), Math.max(...known) * 1.25] : [NaN, NaN]);
  if (!(high > low)) return null;
  const share = (v) => Math.min(1, Math.max(0, (v - low) / (high - low)));
  return { from: normal ? share(normal[0]) : 0, to: normal ? share(normal[1]) : 0, usual: typeof expected === "number" ? share(expected) : null, tick: typeof value === "number" ? share(value) : null };
}

/** In words, for those who do not see the bar. */
export function againstNormal({ value, normal, unit, basis }) {
  if (typeof value !== "number" || !normal) return "";
  const band = `${number(normal[0])} to ${number(normal[1])} ${unitText(unit)}${basis ? ` (${basis})` : ""}`;
  return value > normal[1] ? `above the normal ${band}` : value < normal[0] ? `below the normal ${band}` : `within the normal ${band}`;
}

class KpiStrip extends (globalThis.HTMLElement ?? Object) {
  connectedCallback() {
    this.draw();
    live.addEventListener("change", (event) => {
      const { kpis, modes, everything, series } = event.detail;
      if (kpis || modes || everything || series.size) this.draw();
    });
    live.addEventListener("connection", () => this.classList.toggle("stale", !live.isFresh && live.state !== "connecting"));
  }

  draw() {
    for (const card of this.querySelectorAll(".kpi")) this.#card(card, card.dataset.domain);
  }

  #card(card, domain) {
    const kpi = live.store.kpis[domain] ?? this.#own(domain);
    const mode = kpi?.word ?? [...live.store.modes.values()].find((m) => m.domain === domain)?.word;
    const word = card.querySelector(".mode-word");
    word.hidden = !mode;
    say(word, mode ?? "");
    word.classList.toggle("advise", kpi?.mode === "advise");
    if (!kpi) return say(card.querySelector(".kpi-note"), city.byDomain.has(domain) ? "no figure yet" : "waiting for data");
    const title = kpi.title && !kpi.unit?.includes(kpi.title) ? `${unitText(kpi.unit)} ${kpi.title}`.trim() : unitText(kpi.unit);
    this.#number(card.querySelector(".kpi-number"), kpi.digits === undefined || typeof kpi.value !== "number" ? number(kpi.value) : kpi.value.toFixed(kpi.digits).replace("-", "−"), title);
    say(card.querySelector(".kpi-note"), kpi.note || againstNormal(kpi) || "\u00a0");
    card.querySelector(".kpi-note").title = againstNormal(kpi);
    this.#spark(card.querySelector(".spark"), kpi.spark ?? []);
    this.#bar(card.querySelector(".kpi-bar"), barShares(kpi));
  }

  /** Until the server sends a figure, the layer's own headline stands in. */
  #own(domain) {
    const headline = layerOf(domain).headline;
    const items = city.items(domain);
    return headline && items.length ? headline(items) : null;
  }

  #number(place, value, title) {
    if (place.dataset.said === value + title) return;
    place.dataset.said = value + title;
    fill(place, h("strong", {}, value), h("span.unit", {}, ` ${title}`));
  }

  #spark(svg, values) {
    const points = sparkPoints(values, 84, 26);
    if (svg.dataset.said === points) return;
    svg.dataset.said = points;
    svg.setAttribute("viewBox", "0 0 88 26");
    const last = points.split(" ").at(-1)?.split(",");
    fill(svg, points ? h("polyline", { points }) : null, points ? h("circle", { cx: last[0], cy: last[1], r: 2 }) : null);
  }

  #bar(svg, shares) {
    const said = JSON.stringify(shares);
    if (svg.dataset.said === said) return;
    svg.dataset.said = said;
    const percent = (share) => `${(share * 100).toFixed(1)}%`;
    fill(svg, h("rect.track", { x: 0, y: 4, width: "100%", height: 5, rx: 2.5 }),
      shares && h("rect.band", { x: percent(shares.from), y: 4, width: percent(shares.to - shares.from), height: 5, rx: 2.5 }),
      shares && shares.usual !== null && h("rect.usual", { x: percent(Math.min(0.995, shares.usual)), y: 4, width: 1.5, height: 5 }),
      shares?.tick !== null && shares && h("rect.tick", { x: percent(Math.min(0.99, shares.tick)), y: 1, width: 3, height: 11, rx: 1 }));
  }
}

if (globalThis.customElements) customElements.define("kpi-strip", KpiStrip);
