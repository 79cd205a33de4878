// SPDX-License-Identifier: Apache-2.0
// <signal-measures>: what an intersection's event log says of a span; <signal-comparison> beside it.

import "./comparison.js";
import { get } from "#city/api";
import { loadInto } from "#city/dialog";
import { fill, h } from "#city/dom";
import { cityNow, fromLocalInput } from "#city/time";
import { cards, detectors, diagram, people, progressions, quarters, splits } from "./measures-parts.js";

const HOUR = 3600_000;
const SPANS = [[0.5, "Half an hour"], [2, "2 hours"], [6, "6 hours"], [24, "A day"], [168, "A week"]];

class SignalMeasures extends HTMLElement {
  connectedCallback() {
    this.span = h("select", { name: "span" }, SPANS.map(([hours, word]) => h("option", { value: String(hours) }, word)));
    this.span.value = "2";
    this.until = h("input", { type: "datetime-local", name: "until" });
    this.place = h("div.measures");
    for (const control of [this.span, this.until]) control.addEventListener("change", () => this.load());
    const csv = h("a.button", { href: "#", download: true, onclick: (event) => { event.currentTarget.href = `/api/v1/${this.path("events")}?${new URLSearchParams({ ...this.asked(), as: "csv" })}`; } }, "Events as CSV");
    fill(this, h("form.filters", { "aria-label": "Which span", onsubmit: (event) => event.preventDefault() }, h("label", {}, "Span", this.span), h("label", {}, "Until (empty: now)", this.until), csv), this.place);
    this.sized = new ResizeObserver(() => this.draw());
    this.sized.observe(this.place);
    this.load();
  }

  disconnectedCallback() {
    this.sized.disconnect();
  }

  path(what) {
    return `traffic/intersections/${encodeURIComponent(this.dataset.uid)}/${what}`;
  }

  asked() {
    const to = (this.until.value && fromLocalInput(this.until.value)) || cityNow();
    return { from: Math.round(to - Number(this.span.value) * HOUR), to: Math.round(to) };
  }

  load(phase) {
    return loadInto(this.place, async () => {
      const found = await get(this.path("measures"), { ...this.asked(), phase });
      this.found = found;
      if (found.why) return h("p.empty", {}, `${found.why} Measures need the controller’s own log of greens and detectors.`);
      if (!found.events) return h("p.empty", {}, "No event was logged in this span. Controllers send their log every half minute; choose a longer span, or look whether the controller is connected.");
      this.drawn = h("section.pcd-place");
      queueMicrotask(() => this.draw());
      return [cards(found), this.drawn, splits(found), progressions(found), quarters(found), people(found), detectors(found)];
    }, "Loading the event log…");
  }

  draw() {
    const width = Math.floor(this.place.clientWidth);
    if (!this.drawn?.isConnected || !width || !this.found?.diagram) return;
    const choice = h("select", { "aria-label": "Phase of the diagram", onchange: (event) => this.load(event.target.value) }, this.found.phases.map((p) => h("option", { value: String(p.phase) }, `${p.phase} ${p.name}`)));
    choice.value = String(this.found.diagram.phase);
    fill(this.drawn, diagram(this.found, width, choice));
  }
}

customElements.define("signal-measures", SignalMeasures);
