// SPDX-License-Identifier: Apache-2.0
// <junction-panel>: what a signal shows, how long, for whom, why, and what waits. Live values by the frame, the rest asked every ten seconds.

import { get } from "#city/api";
import { failure, waiting } from "#city/dialog";
import { fill, h } from "#city/dom";
import { cityNow } from "#city/time";
import { duration, number } from "#city/words";
import { arms, control, requestsOf, running } from "./junction-model.js";
import { approachRows, controlLine, countdown, diagram, nextHour, requestList, whyStage } from "./junction-parts.js";
import { rows as layerRows } from "./layer.js";

const EVERY_MS = 10_000;
const LOOK = new URL("./junction.css", import.meta.url).href;

class JunctionPanel extends HTMLElement {
  #asset = null;
  #announced = null;
  #children = [];
  #served = null;
  #events = null;

  connectedCallback() {
    if (!document.querySelector(`link[href="${LOOK}"]`)) document.head.append(h("link", { rel: "stylesheet", href: LOOK }));
    const part = (name, title) => [name, h(`section.junction-part.junction-${name}`, {}, title && h("h3", {}, title), h("div.body"))];
    this.parts = Object.fromEntries([part("now"), part("approaches", "Approaches"), part("why", "Why this stage"), part("requests", "Switch requests"), part("ahead", "Next hour"), part("waits", "Waits, last 5 min")]);
    this.append(...Object.values(this.parts));
    this.timer = setInterval(() => this.isConnected && !document.hidden && this.#ask(), EVERY_MS);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    clearTimeout(this.later);
  }

  /** The asset as the map knows it, the server's detail, and [{asset, values}] of its approaches. */
  open(asset, detail, children) {
    const first = this.#asset === null;
    [this.#asset, this.#announced, this.#children] = [asset, detail.device?.announced ?? {}, children];
    this.update();
    if (!first) return;
    this.#ask();
    this.#foresee();
  }

  async #ask() {
    if (!this.#asset) return;
    const uid = this.#asset.uid;
    if (!this.#served) fill(this.#body("approaches"), waiting("Loading the approaches…"));
    const [served, events] = await Promise.allSettled([get(`traffic/junctions/${encodeURIComponent(uid)}`), get("events/", { asset: uid, limit: 20 })]);
    if (!this.isConnected) return;
    const again = () => this.#ask();
    if (served.status === "fulfilled") this.#served = served.value;
    else if (!this.#served) fill(this.#body("approaches"), failure(served.reason, again));
    if (events.status === "fulfilled") this.#events = requestsOf(events.value.results ?? []);
    else if (!this.#events) fill(this.#body("requests"), failure(events.reason, again));
    this.update();
  }

  /** Asked once and every two minutes: it changes with the five-minute step. */
  async #foresee() {
    this.later = setTimeout(() => this.isConnected && this.#foresee(), 120_000);
    try {
      this.#put("ahead", nextHour(await get(`traffic/junctions/${encodeURIComponent(this.#asset.uid)}/nowcast`)));
    } catch (problem) {
      if (!this.#body("ahead").querySelector("table")) fill(this.#body("ahead"), failure(problem, () => { clearTimeout(this.later); this.#foresee(); }));
    }
  }

  #body(name) {
    return this.parts[name].querySelector(".body");
  }

  #put(name, ...nodes) {
    const body = this.#body(name);
    const next = h("div", {}, nodes);
    if (body.innerHTML !== next.innerHTML) fill(body, ...next.childNodes);
  }

  /** A frame or a second has passed. */
  update() {
    if (!this.#asset) return;
    const { values } = this.#asset;
    const now = running(values, this.#announced, cityNow());
    const drawn = arms(this.#children, this.#announced, now?.stage ?? 0);
    this.#put("now", controlLine(control(values)), this.#card(now, drawn));
    if (this.#served) this.#put("approaches", this.#served.approaches.length ? approachRows(this.#served.approaches, drawn) : h("p.empty", {}, "No approach is recorded for this junction."), this.#cycle());
    if (this.#events) {
      this.#put("why", whyStage(this.#events[0], cityNow()));
      this.#put("requests", requestList(this.#events));
    }
    this.parts.why.hidden = this.parts.requests.hidden = this.#events === null && !this.#body("requests").hasChildNodes();
    this.#waits(values);
  }

  #card(now, drawn) {
    if (!now) return h("p.empty", {}, "The controller has not reported yet: stage and countdown are not known.");
    const title = now.changing ? "Changing" : `Stage ${now.stage}`;
    return h(now.stale ? "div.junction-card.stale" : "div.junction-card", {}, diagram(drawn, now),
      h("div.junction-said", {}, h("p.stage", {}, h("strong", {}, title), !now.changing && now.green_s !== undefined && h("span.unit", {}, ` green ${now.green_s} s`)), now.name && h("p.small", {}, now.name),
        now.stale ? h("p.stale-text", {}, `As last heard ${duration(now.age_s)} ago; what it shows now is not known.`) : countdown(now)));
  }

  #cycle() {
    const { cycle_s: cycle, delay_s: delay, level, delay_is: how } = this.#served;
    const said = [cycle && `cycle ${number(cycle)} s in the last 15 min`, delay !== null && `delay ${number(delay)} s/veh ${how}, level ${level}`].filter(Boolean);
    return said.length ? h("p.small", {}, said.join(" · ")) : null;
  }

  #waits(values) {
    const found = layerRows(this.#asset, values, []).find((section) => section.title.startsWith("Waits"));
    this.parts.waits.hidden = !found;
    if (found) this.#put("waits", h("dl.rows", {}, found.rows.map((row) => [h("dt", {}, row.label), h("dd", {}, h("strong", {}, number(row.value)), h("span.unit", {}, ` ${row.unit}${row.note ? ` · ${row.note}` : ""}`))])));
  }
}

customElements.define("junction-panel", JunctionPanel);
