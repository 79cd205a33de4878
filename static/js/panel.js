// SPDX-License-Identifier: Apache-2.0
// <asset-panel>: one panel, one object. Opens from what the map already knows; the server's detail follows.

import "#city/asset-chart";
import { get } from "#city/api";
import { city, nameOf } from "#city/city";
import { failure } from "#city/dialog";
import { fill, h, icon, refill } from "#city/dom";
import { layerOf } from "#city/layers";
import { live } from "#city/live";
import { actions, alarmLines, commandList, engineering, facts, readings, sectionsOf, stateCard, standingLines, subtitle, why } from "#city/panel-parts";

class AssetPanel extends HTMLElement {
  #uid = null;
  #detail = null;
  #commands = null;
  #own = null;

  connectedCallback() {
    this.setAttribute("role", "complementary");
    this.setAttribute("aria-label", "Selected asset");
    this.title_ = h("h2", { tabindex: "-1" });
    this.sub = h("p.panel-sub");
    const close = h("button.icon-button", { type: "button", "aria-label": "Close panel", onclick: () => this.close() }, icon("close"));
    this.parts = Object.fromEntries(["alarms", "standing", "own", "state", "figures", "chart", "why", "commands", "readings", "engineering", "facts"].map((name) => [name, h(`section.part.part-${name}`)]));
    this.chart = h("asset-chart");
    this.foot = h("footer.panel-foot");
    this.append(h("header.panel-head", {}, h("div", {}, this.title_, this.sub), close), h("div.panel-body", { tabindex: "-1" }, Object.values(this.parts)), this.foot);
    this.parts.chart.append(this.chart);
    setInterval(() => !this.hidden && this.#asset && this.#fast(), 1000);
  }

  get #asset() {
    return city.assets.get(this.#uid);
  }

  close() {
    this.dispatchEvent(new CustomEvent("close"));
  }

  /** Open for a uid; null closes. What the map knows is drawn at once. */
  show(uid) {
    this.#uid = uid;
    this.#detail = null;
    this.#commands = null;
    this.#own = null;
    this.hidden = !uid;
    if (!uid) return this.chart.clear();
    const asset = this.#asset;
    for (const part of Object.values(this.parts)) if (part !== this.parts.chart) { fill(part); delete part.dataset.said; }
    fill(this.foot);
    fill(this.title_, asset ? nameOf(asset) : uid);
    fill(this.sub, asset ? subtitle(asset, null) : "");
    this.querySelector(".panel-body").scrollTop = 0;
    if (asset) this.#fast();
    this.#bring(uid);
    this.#load(uid);
  }

  /** The part a domain brings for this kind, instead of card and figures; without it those stay. */
  async #bring(uid) {
    const asset = this.#asset;
    const { tag, load } = (asset && layerOf(asset.domain).own[asset.kind]) ?? {};
    if (!tag) return;
    try {
      await load();
    } catch (error) {
      return console.warn(`the panel of ${asset.kind}:`, error);
    }
    if (uid !== this.#uid) return;
    this.#own = h(tag);
    fill(this.parts.own, this.#own);
    this.#fast();
    if (this.#detail) this.#own.open(this.#asset, this.#detail, this.#children());
  }

  async #load(uid) {
    try {
      const [detail, commands] = await Promise.all([get(`assets/${encodeURIComponent(uid)}`), get("commands/", { asset: uid, limit: 8 })]);
      if (uid !== this.#uid) return;
      this.#detail = detail;
      this.#commands = commands.results ?? commands;
      this.#slow();
      this.#own?.open(this.#asset, detail, this.#children());
      this.chart.open({ asset: this.#asset, detail, commands: this.#commands, children: this.#children() });
    } catch (problem) {
      if (uid !== this.#uid) return;
      fill(this.parts.why, failure(problem.status === 404 ? { message: `There is no asset ${uid}, or it is outside your reach.` } : problem, () => this.show(uid)));
    }
  }

  /** Ask the server again after something was done here. */
  async again() {
    if (this.#uid) await this.#load(this.#uid);
  }

  #children() {
    return this.#asset ? city.childrenOf(this.#uid, this.#asset.domain) : [];
  }

  /** A frame arrived: redraw what it touched. */
  update(change) {
    const asset = this.#asset;
    if (this.hidden || !asset) return;
    const ids = new Set([asset, ...this.#children().map((c) => c.asset)].flatMap((a) => Object.values(a.series ?? {})));
    if (change.everything || change.alarms || [...change.series].some((id) => ids.has(id))) this.#fast();
    this.chart.update(change);
    if (change.commands.some((c) => c.asset === this.#uid)) this.#reload();
    if (change.modes && this.#detail) this.#modes();
  }

  #reload() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.again(), 600);
  }

  #modes() {
    for (const mode of this.#detail.modes ?? []) {
      const now = live.store.modes.get(`${mode.loop}/${mode.group}`);
      if (now && now.mode !== mode.mode) return this.#reload();
    }
  }

  /** What follows the live values. */
  #fast() {
    const asset = this.#asset;
    fill(this.sub, subtitle(asset, this.#detail));
    replace(this.parts.alarms, alarmLines(asset));
    replace(this.parts.state, this.#own ? [] : stateCard(asset, this.#children()));
    replace(this.parts.figures, this.#own ? [] : sectionsOf(asset, this.#children()));
    this.#own?.update();
    if (this.#detail) replace(this.parts.readings, readings(asset, this.#detail, this.parts.readings.querySelector("details")?.open));
  }

  #slow() {
    const detail = this.#detail;
    const asset = this.#asset;
    fill(this.title_, nameOf(detail));
    if (asset) this.#fast();
    const done = () => this.again();
    refill(this.parts.standing, standingLines(detail, done));
    fill(this.parts.why, why(detail));
    fill(this.parts.commands, commandList(this.#commands, detail, done));
    fill(this.parts.engineering, engineering(detail));
    fill(this.parts.facts, facts(detail));
    refill(this.foot, actions(detail, done));
  }
}

/** Swap content only when it differs, so that nothing flickers and focus stays. */
function replace(place, nodes) {
  const next = h("div", {}, nodes);
  if (place.dataset.said === next.innerHTML) return;
  place.dataset.said = next.innerHTML;
  fill(place, ...next.childNodes);
}

customElements.define("asset-panel", AssetPanel);
