// SPDX-License-Identifier: Apache-2.0
// <crew-round>: the next stop, three buttons, what follows. Taps made without a network are sent when there is one.

import { get, newKey, post } from "#city/api";
import { fill, h, toast } from "#city/dom";
import { TapQueue } from "./queue.js";

const EVERY_MS = 5000;
const WORDS = { done: "done", blocked: "blocked", overfull: "overfull" };

class CrewRound extends HTMLElement {
  connectedCallback() {
    this.path = `waste/crew/${encodeURIComponent(this.dataset.truck)}`;
    this.queue = new TapQueue(localStorage, `crew ${this.dataset.truck}`, (tap) => post(`${this.path}/reports`, { ...tap, id: asUuid(tap.id) }));
    this.round = JSON.parse(document.getElementById("crew-round").textContent);
    this.draw();
    this.timer = setInterval(() => this.refresh(), EVERY_MS);
    this.online = () => this.refresh();
    window.addEventListener("online", this.online);
    this.refresh();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    window.removeEventListener("online", this.online);
  }

  async refresh() {
    for (const { tap, words } of await this.queue.flush()) toast(`${tap.container}: ${words}`, "problem");
    try {
      this.round = await get(this.path);
    } catch (problem) {
      if (problem.status === 403 || problem.status === 404) toast(problem.words, "problem");
    }
    this.draw();
  }

  tap(container, outcome) {
    this.queue.add({ id: newKey(), container, outcome });
    this.draw();
    this.refresh();
  }

  draw() {
    const tapped = Object.fromEntries(this.queue.waiting.map((tap) => [tap.container, tap.outcome]));
    const stops = this.round.stops.map((stop) => ({ ...stop, said: tapped[stop.uid] ?? stop.said }));
    const open = stops.filter((stop) => stop.said !== "done" && stop.said !== "blocked");
    const waiting = Object.keys(tapped).length;
    const key = JSON.stringify([open, stops, this.round.state, Math.round(this.round.load_kg ?? 0), this.round.done.length, waiting]);
    if (key === this.drawn) return;
    this.drawn = key;
    fill(this, waiting ? h("p.crew-waiting", {}, `${waiting} ${waiting === 1 ? "report waits" : "reports wait"} for the network`) : null,
      open.length ? this.now(open[0]) : this.nothing(), this.list("Then", open.slice(1)), this.list("Done", [...this.round.done].reverse()));
  }

  now(stop) {
    const { round } = this;
    const facts = [stop.level === null ? null : `${stop.level} % full`, stop.stream || null, `load ${Math.round(round.load_kg ?? 0)} of ${round.capacity_kg} kg`];
    const isSite = stop.kind !== "container";
    return h("section.crew-now", { "aria-label": "Next stop" },
      h("p", {}, isSite ? "Unload at" : "Next stop"), h("h2", {}, `${stop.uid} · ${stop.name}`),
      h("p.crew-facts", {}, ...facts.filter(Boolean).map((fact) => h("span", {}, fact))),
      stop.access && stop.access[1] - stop.access[0] < 24 ? h("p", {}, `Stopping allowed ${stop.access[0]} to ${stop.access[1]} h`) : null,
      h("div.crew-buttons", {},
        isSite ? null : h("button.button.primary.done", { type: "button", onclick: () => this.tap(stop.uid, "done") }, "Done"),
        isSite ? null : h("button.button", { type: "button", onclick: () => this.tap(stop.uid, "blocked") }, "Blocked"),
        isSite ? null : h("button.button", { type: "button", onclick: () => this.tap(stop.uid, "overfull") }, "Overfull"),
        h("a.button", { href: `geo:${stop.lat},${stop.lon}` }, "Navigate")));
  }

  nothing() {
    const { state, led_by: by } = this.round;
    return h("section.crew-now", {}, h("h2", {}, "No stop before you"), h("p", {}, `${state ?? "not heard from"}${by ? `, led by the ${by}` : ""}`));
  }

  list(title, stops) {
    if (!stops.length) return null;
    return h("section", {}, h("h2", {}, `${title} (${stops.length})`), h("ol.crew-list", {}, stops.map((stop) =>
      h("li", {}, h("span", {}, `${stop.uid} · ${stop.name}`), h("span.said", {}, WORDS[stop.said] ?? (stop.level === null ? "" : `${stop.level} %`))))));
  }
}

/** The API wants a UUID; without crypto.randomUUID (plain http) the key is the same 32 digits without dashes. */
const asUuid = (key) => (key.includes("-") ? key : key.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"));

customElements.define("crew-round", CrewRound);
