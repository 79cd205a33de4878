// SPDX-License-Identifier: Apache-2.0
// <forecast-tree>: what is foreseen of the whole city, and down by district and street or by feeder to the single series.

import "#city/chart";
import { get } from "#city/api";
import { counted, plural } from "#city/accuracy-words";
import { loadInto } from "#city/dialog";
import { fill, h } from "#city/dom";
import { sortable } from "#city/table";
import { when } from "#city/time";
import { humanise, quantity } from "#city/words";

const kindName = (kind) => kind.split(",")[0];
const named = (tree) => `${tree.title} of ${plural(kindName(tree.kind))}`;

class ForecastTree extends HTMLElement {
  connectedCallback() {
    this.choice = h("select", { name: "tree" });
    this.choice.addEventListener("change", () => this.open());
    this.place = h("div");
    get("forecasts/tree").then(({ trees }) => this.#begin(trees)).catch((problem) => console.warn(problem));
  }

  /** Nothing to add up: no section. */
  #begin(trees) {
    if (!trees.length) return;
    this.trees = trees;
    fill(this.choice, trees.map((tree, k) => h("option", { value: k }, named(tree))));
    fill(this, h("section", { "aria-label": "The city and its parts" }, h("h2", {}, "The city and its parts"),
      h("p.lead", {}, "What is foreseen of streets, districts and feeders adds up to what is foreseen of the city."),
      h("form.filters", { "aria-label": "Which sums" }, h("label", {}, "Of", this.choice)), this.place));
    this.open();
  }

  async open(node) {
    const { metric, kind } = this.trees[Number(this.choice.value)];
    this.chart = null;
    await loadInto(this.place, async () => this.#shown(await get("forecasts/tree", { metric, kind, ...(node ? { node } : {}) })), "Adding up…");
    if (this.chart?.element.isConnected) this.chart.element.show(this.chart.model); // a chart can draw once it is on the page
  }

  #shown(found) {
    const points = found.node.points.map(([at, , median, low, high]) => [at, median, low, high]);
    const others = found.roots.filter((one) => one.node !== found.path[0].node);
    const words = `${found.node.note} Issued ${when(found.node.issued_at)}.`;
    if (points.length) this.chart = { element: h("forecast-chart"), model: { title: found.node.label, metric: { unit: found.unit }, readings: [], commands: [], from: points[0][0], to: points.at(-1)[0], forecast: { points, record: { words } } } };
    return [
      h("nav.crumbs", { "aria-label": "Where in the city" }, found.path.map((one, k) => [k ? " › " : "", this.#step(one, k === found.path.length - 1)]),
        others.length ? [" · also ", others.map((one, k) => [k ? ", " : "", this.#step(one)])] : null),
      h("p.small", {}, `${humanise(found.node.level)} · ${counted(found.node.members, kindName(found.kind))}`),
      this.chart?.element ?? h("p.empty", {}, "No forecast yet."),
      found.children.length ? this.#parts(found) : null,
    ];
  }

  #step(one, isHere = false) {
    return isHere ? h("strong", { "aria-current": "page" }, one.label) : h("button.link", { type: "button", onclick: () => this.open(one.node) }, one.label);
  }

  #parts(found) {
    const built = sortable({
      caption: `What ${found.node.label} is made of`,
      empty: "",
      key: (one) => one.node,
      columns: [
        { title: "Part", name: true, value: (one) => one.label, cell: (one) => [this.#step(one), h("span.small", {}, ` ${humanise(one.level)}`)] },
        { title: "Series", sort: "high", value: (one) => one.members },
        { title: "Mean ahead", sort: "high", value: (one) => one.mean, text: (one) => quantity(one.mean, found) },
        { title: "Most", sort: "high", value: (one) => one.peak?.mean ?? null, text: (one) => quantity(one.peak?.mean, found) },
        { title: "80 % of cases", value: () => null, cell: (one) => (one.peak ? `${quantity(one.peak.low)} to ${quantity(one.peak.high, found)}` : "–") },
        { title: "At", value: (one) => one.peak?.at ?? null, text: (one) => (one.peak ? when(one.peak.at) : "–") },
      ],
      sort: 2,
    });
    built.set(found.children);
    return built.element;
  }
}

customElements.define("forecast-tree", ForecastTree);
