// SPDX-License-Identifier: Apache-2.0
// <alarm-page>: one alarm, one screen. What, where, why, what to do, the trend, and the buttons a thumb can hit.
// The words come first; map and chart follow when the network allows.

import "#city/shell";
import { acknowledge, callButton, subject } from "#city/alarm-acts";
import { facts, subtitle } from "#city/alarm-words";
import { get, post } from "#city/api";
import { dialog, failure, field } from "#city/dialog";
import { fill, h, toast } from "#city/dom";
import { live } from "#city/live";
import { severityMark } from "#city/severity";
import { isAcknowledged } from "#city/store";
import { cityNow } from "#city/time";
import { duration, quantity } from "#city/words";

const SHELVES = [[30, "30 minutes"], [60, "1 hour"], [240, "4 hours"], [480, "8 hours, a shift"]];
const ZOOM = 16.5;

const loaded = (element, into) => new Promise((resolve, reject) => {
  element.addEventListener("load", resolve);
  element.addEventListener("error", () => reject(new Error(`${element.href ?? element.src} is missing`)));
  into.append(element);
});
const dress = (href) => loaded(h("link", { rel: "stylesheet", href }), document.head);
const equip = (src) => loaded(h("script", { src }), document.head);

class AlarmPage extends HTMLElement {
  connectedCallback() {
    this.number = Number(this.dataset.number);
    this.load();
    live.addEventListener("change", (event) => this.#heard(event.detail));
    setInterval(() => this.alarm && document.visibilityState === "visible" && this.#facts(), 5000);
  }

  async load() {
    try {
      this.alarm = await get(`alarms/${this.number}`);
    } catch (problem) {
      return fill(this, failure(problem, () => this.load()));
    }
    this.where = h("div.alarm-where");
    this.what = h("section.alarm-what", { "aria-live": "polite" });
    this.rows = h("dl.alarm-rows");
    this.trend = h("section.alarm-trend");
    this.more = h("div.alarm-more");
    this.buttons = h("div.alarm-buttons");
    fill(this, this.where, this.what, this.rows, this.more, this.trend, this.buttons);
    this.draw();
    if (location.hash === "#take") this.buttons.querySelector(".primary")?.focus();
    document.documentElement.dataset.ready = "alarm";
    performance.mark("words");
    this.#surroundings().catch((problem) => console.warn("map and chart:", problem));
  }

  draw() {
    const { alarm } = this;
    fill(this.what, severityMark(alarm.severity), h("h2", {}, alarm.text), h("p", {}, subtitle(alarm, cityNow())), alarm.simulated && h("p", {}, "SIMULATION: not in the real city"));
    this.#facts();
    const phone = callButton(alarm, "button");
    const place = alarm.asset ? `/?asset=${encodeURIComponent(alarm.asset)}` : `/${alarm.domain}/`;
    const note = h("input", { type: "text", maxlength: "500", "aria-label": "Note", placeholder: "Note, if you like" });
    const isOpen = !isAcknowledged(alarm) && !alarm.cleared_at;
    fill(this.more, isOpen && note, this.#shelf());
    fill(this.buttons, isOpen && this.#take(note), h("div.pair", {}, phone, h("a.button", { href: place, "aria-label": `Open ${subject(alarm)} in the console` }, "Open")));
  }

  #facts() {
    fill(this.rows, facts(this.alarm, cityNow()).map(([label, text]) => h("div", {}, h("dt", {}, label), h("dd", {}, text))), this.#now());
  }

  /** The alarm's own quantity as it is now beside what it was when it was raised. */
  #now() {
    const [value, at] = live.store.values.get(this.alarm.series) ?? [];
    if (value === undefined) return null;
    const metric = this.metric ?? { unit: this.alarm.unit };
    return h("div", {}, h("dt", {}, "Now"), h("dd", {}, quantity(value, metric), " ", h("span.unit", {}, `${quantity(this.alarm.value, metric)} when raised · ${duration((cityNow() - at) / 1000)} ago`)));
  }

  #take(note) {
    const take = h("button.button.primary", { type: "button", "aria-label": `Taking alarm ${this.number}` }, "Taking it");
    take.addEventListener("click", async () => {
      take.disabled = true;
      if (await acknowledge(this.alarm, note.value)) this.#refresh();
      else take.disabled = false;
    });
    return take;
  }

  #shelf() {
    if (this.alarm.cleared_at) return null;
    if (this.alarm.shelved_until) return h("button.button", { type: "button", onclick: () => this.#act("unshelve", {}, "back in sight") }, `Unshelve alarm ${this.number}`);
    return h("button.button", { type: "button", "aria-haspopup": "dialog", onclick: () => this.#shelve() }, `Shelve alarm ${this.number}…`);
  }

  #shelve() {
    const sheet = dialog(`Shelve alarm ${this.number}`);
    const reason = h("textarea", { rows: "3", maxlength: "500", required: true });
    const span = h("select", {}, SHELVES.map(([minutes, words]) => h("option", { value: String(minutes) }, words)));
    const send = h("button.button.primary", { type: "button" }, `Shelve alarm ${this.number}`);
    fill(sheet.body, field("For how long", span, "It comes back by itself."), field("Why", reason, "Everybody can read this."));
    fill(sheet.foot, send);
    send.addEventListener("click", async () => {
      const until = cityNow() + Number(span.value) * 60000;
      if (await this.#act("shelve", { note: reason.value, until: String(until) }, "shelved")) sheet.close();
    });
  }

  async #act(action, body, done) {
    try {
      this.alarm = await post(`alarms/${this.number}/${action}`, body);
    } catch (problem) {
      toast(problem.words ?? problem.message, "problem");
      return false;
    }
    toast(`Alarm ${this.number} ${done}.`);
    this.draw();
    return true;
  }

  async #refresh() {
    try {
      this.alarm = await get(`alarms/${this.number}`);
      this.draw();
    } catch (problem) { toast(problem.message, "problem"); }
  }

  /** Others may take it, shelve it, or the street may end it while this page is open. */
  #heard(change) {
    if (!this.alarm) return;
    this.trend.querySelector("asset-chart")?.update?.(change);
    if (change.series.has(this.alarm.series)) this.#facts();
    if (!change.alarms) return;
    const item = live.store.alarms.get(this.number);
    const differs = item && ["acknowledged_at", "shelved_until", "text"].some((name) => (item[name] ?? null) !== (this.alarm[name] ?? null));
    if (item && differs) { this.alarm = { ...this.alarm, ...item }; this.draw(); }
    if (!item && this.seen && !this.alarm.cleared_at) this.#refresh();
    this.seen = Boolean(item);
  }

  async #surroundings() {
    const { alarm } = this;
    if (navigator.connection?.saveData) return;
    const scripts = this.dataset.scripts.split(" ").reduce((before, address) => before.then(() => equip(address)), Promise.resolve());
    await Promise.all([...this.dataset.styles.split(" ").map(dress), scripts]);
    const [{ city }] = await Promise.all([import("#city/city"), import("#city/map"), import("#city/asset-chart")]);
    await city.load([alarm.domain]);
    this.metric = city.metrics.get(alarm.metric);
    this.#facts();
    if (alarm.lon !== null && alarm.lat !== null) this.#map(city);
    if (alarm.series) this.#chart();
  }

  #map(city) {
    const map = h("city-map", { "aria-label": `Map around ${subject(this.alarm)}` });
    fill(this.where, map);
    map.setAssets(city.assets.values());
    map.start({ view: [this.alarm.lat, this.alarm.lon, ZOOM], shown: [this.alarm.domain], selected: this.alarm.asset, plain: true });
    live.addEventListener("change", (event) => map.update(event.detail));
  }

  #chart() {
    const chart = h("asset-chart");
    fill(this.trend, chart);
    const series = { id: this.alarm.series, metric: this.alarm.metric, unit: this.alarm.unit };
    chart.open({ asset: null, detail: { series: [this.metric ? { ...this.metric, ...series } : series] }, commands: [], children: [] });
  }
}

if (globalThis.customElements) customElements.define("alarm-page", AlarmPage);
