// SPDX-License-Identifier: Apache-2.0
// <corridor-page>: the time-space diagram of a street's signals, who controls each, and what a dry run would have saved.

import { get, list } from "#city/api";
import { failure, waiting } from "#city/dialog";
import { fill, h } from "#city/dom";
import { cityNow, hm } from "#city/time";
import { duration, number } from "#city/words";
import { FOOT, LEFT, WIDTH, advice, bandShapes, bandwidth, heightOf, scales, ticks } from "./corridor-model.js";

const EVERY_MS = 15_000;
const SOURCES = ["Local plan", "Centre", "Manual", "Fallback"];

class CorridorPage extends HTMLElement {
  async connectedCallback() {
    this.speed = 40;
    const chosen = new URLSearchParams(location.search);
    if (Number(chosen.get("speed")) > 0) this.speed = Number(chosen.get("speed"));
    try {
      const { results } = await get("traffic/corridors");
      if (!results.length) return void fill(this, h("p.empty", {}, "No street has three signals in a row within your reach."));
      this.key = results.some((one) => one.key === chosen.get("street")) ? chosen.get("street") : longest(results).key;
      this.#frame(results);
      await this.#load();
      this.timer = setInterval(() => !document.hidden && this.#load(true), EVERY_MS);
    } catch (problem) {
      fill(this, failure(problem, () => this.connectedCallback()));
    }
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  #frame(results) {
    const street = h("select", { id: "corridor-street" }, results.map((one) => h("option", { value: one.key }, `${one.street}, ${one.junctions.length} signals, ${number(one.length_m)} m`)));
    street.value = this.key;
    street.addEventListener("change", () => { this.key = street.value; this.#remember(); });
    const speed = h("select", { id: "corridor-speed" }, [20, 30, 40, 50, 60].map((kmh) => h("option", { value: String(kmh) }, `${kmh} km/h`)));
    speed.value = String(this.speed);
    speed.addEventListener("change", () => { this.speed = Number(speed.value); this.#remember(); });
    this.diagram = h("section.corridor-diagram");
    this.table = h("section.corridor-table");
    fill(this, h("div.corridor-choice", {}, h("label", { for: "corridor-street" }, "Street"), street, h("label", { for: "corridor-speed" }, "Design speed"), speed), this.diagram, this.table);
  }

  #remember() {
    history.replaceState(null, "", `?${new URLSearchParams({ street: this.key, speed: this.speed })}`);
    this.#load();
  }

  async #load(quietly = false) {
    const key = this.key;
    if (!quietly) fill(this.diagram, waiting("Loading the diagram…"));
    try {
      const [found, modes, events] = await Promise.all([get(`traffic/corridors/${encodeURIComponent(key)}`, { speed_kmh: this.speed }), list("modes/"), list("events/", { limit: 200 })]);
      if (key !== this.key) return;
      fill(this.diagram, drawn(found));
      fill(this.table, rowsOf(found, modes.filter((mode) => mode.domain === "traffic"), events));
    } catch (problem) {
      if (!quietly) fill(this.diagram, failure(problem, () => this.#load()));
    }
  }
}

const longest = (results) => results.reduce((best, one) => (one.junctions.length > best.junctions.length ? one : best));

function drawn(found) {
  const { x, y } = scales(found);
  const height = heightOf(found);
  const [out, back] = ["out", "back"].map((way) => bandwidth(found, way));
  const none = found.junctions.every((one) => !one.out.length && !one.back.length);
  const first = found.junctions[0].name, last = found.junctions.at(-1).name;
  return [
    h("p.corridor-key", {}, h("span.key-out", {}, `green towards ${last}`), h("span.key-back", {}, `green towards ${first}`), h("span.key-wave", {}, `band at ${found.speed_kmh} km/h`)),
    none && h("p.empty", {}, "No stage was reported in these minutes: there is nothing to draw yet."),
    h("div.scroll", { tabindex: "0", role: "group", "aria-label": "Time-space diagram, scrolls sideways" },
      h("svg.time-space", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": `Time-space diagram of ${found.street}: mean band ${Math.round(out)} s one way, ${Math.round(back)} s the other` },
        ticks(found).map((at) => h("g", {}, h("line.tick", { x1: x(at), x2: x(at), y1: 6, y2: height - FOOT }), h("text.axis", { x: x(at), y: height - 8 }, hm(at)))),
        ["out", "back"].map((way) => bandShapes(found, way).map((band) => h(`polygon.wave.${way}`, { points: band.points }, h("title", {}, `${band.seconds} s`)))),
        found.junctions.map((one) => h("g", {},
          h("rect.lane", { x: LEFT, width: WIDTH - 2 * LEFT, y: y(one.at_m) - 7, height: 14 }),
          one.out.map(([from, to]) => h("rect.green.out", { x: x(from), width: Math.max(1, x(to) - x(from)), y: y(one.at_m) - 6, height: 5 })),
          one.back.map(([from, to]) => h("rect.green.back", { x: x(from), width: Math.max(1, x(to) - x(from)), y: y(one.at_m) + 1, height: 5 })),
          h("text.place", { x: LEFT + 2, y: y(one.at_m) - 10 }, `${one.uid} ${one.name} · ${number(one.at_m)} m`))))),
    h("p.small", {}, out || back ? `Mean band: ${Math.round(out)} s towards ${last}, ${Math.round(back)} s towards ${first}.` : "No platoon meets green all the way at this speed."),
  ];
}

function rowsOf(found, modes, events) {
  const modeOf = (zone) => modes.find((mode) => mode.zone === zone)?.word ?? "–";
  return [
    h("h2", {}, "Plan and mode"),
    h("div.scroll", {}, h("table.rows-table", {}, h("caption.hidden", {}, "Plan, mode and advice of each junction"),
      h("thead", {}, h("tr", {}, ["Junction", "Mode", "Control", "Running plan", "Cycle, s", "Delay, s/veh", "Dry run"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, found.junctions.map((one) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: `/?asset=${encodeURIComponent(one.uid)}` }, `${one.uid} ${one.name}`)), h("td", {}, modeOf(one.zone)), h("td", {}, SOURCES[one.source] ?? "not reported"),
        h("td", {}, one.plan === null ? "–" : one.plan === 0 ? "stages by request" : `fixed plan ${one.plan}`), h("td", {}, one.cycle_s ?? "–"), h("td", {}, one.delay_s === null ? "–" : number(one.delay_s)), h("td", {}, advised(advice(events, one.uid, cityNow())))))))),
    h("p.small", {}, "Dry run: what the loop advises where it may only advise, and what it reckons the change would save within its horizon against holding the running stage."),
  ];
}

function advised(found) {
  if (!found) return h("span.unit", {}, "no advice");
  const ago = h("span.unit", {}, `, ${duration((cityNow() - found.at) / 1000)} ago`);
  return found.stays ? [`keep stage ${found.stage}`, ago] : [`stage ${found.stage}, saves ${number(found.saves)} veh·s`, ago];
}

customElements.define("corridor-page", CorridorPage);
