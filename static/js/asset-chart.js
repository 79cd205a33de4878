// SPDX-License-Identifier: Apache-2.0
// <asset-chart>: which series of the asset is charted, and its history, forecast and commands fetched for it.

import "#city/chart";
import { get, instant } from "#city/api";
import { city } from "#city/city";
import { failure, waiting } from "#city/dialog";
import { fill, h } from "#city/dom";
import { live } from "#city/live";
import { cityNow } from "#city/time";
import { humanise, isUsable, unitText } from "#city/words";

const HOUR = 3600_000;
const PAST = 3, AHEAD = 2.2; // hours; a wide series with a forecast by the quarter gets more

/** [{id, metric, title, unit, owner}] of the asset and its children, the kind's preferred first. Pure. */
export function chartable(detail, kindInfo, children) {
  const own = (detail.series ?? []).map((s) => ({ ...s, owner: null }));
  const wish = kindInfo?.chart ?? "";
  const inherited = children.flatMap(({ asset }) => Object.entries(asset.series ?? {}).map(([metric, id]) => ({ id, metric, owner: asset })));
  const wanted = wish.replace(/^child:/, "");
  const found = wish.startsWith("child:") ? [...inherited.filter((s) => s.metric === wanted), ...own, ...inherited.filter((s) => s.metric !== wanted)] : [...own.filter((s) => s.metric === wanted), ...own.filter((s) => s.metric !== wanted), ...inherited];
  return found.filter((s, i) => found.findIndex((o) => o.id === s.id) === i);
}

class AssetChart extends HTMLElement {
  #asked = 0;

  clear() {
    this.#asked += 1;
    this.series = null;
    fill(this);
  }

  open({ asset, detail, commands, children }) {
    this.commands = commands.filter((c) => c.created_at).map((c) => ({ at: instant(c.applied_at ?? c.sent_at ?? c.created_at), text: `${c.title ?? humanise(c.point)} ${typeof c.value === "object" ? "" : c.value}: ${c.reason}` }));
    const series = chartable(detail, asset?.kindInfo, children).map((s) => ({ ...city.metrics.get(s.metric), ...s, title: s.title ?? city.metrics.get(s.metric)?.title ?? humanise(s.metric) }));
    if (!series.length) return this.clear();
    const still = this.series && series.find((s) => s.id === this.series.id);
    if (still && this.chart?.isConnected) return this.#load(still, true);
    this.list = series;
    this.#load(series.find((s) => live.store.values.has(s.id)) ?? series[0]);
  }

  async #load(series, quietly = false) {
    const asked = (this.#asked += 1);
    this.series = series;
    const now = cityNow();
    if (!quietly) fill(this, waiting("Loading the chart…"));
    try {
      const past = get(`series/${series.id}/readings`, { from: now - PAST * HOUR, to: now, grain: "raw", limit: 8000 });
      const forecast = get(`series/${series.id}/forecast`).catch((problem) => ({ points: [], record: { words: problem.status === 404 ? problem.message : "" } }));
      const [readings, ahead] = await Promise.all([past, forecast]);
      if (asked !== this.#asked) return;
      this.#draw(series, readings.results ?? readings, ahead, now);
    } catch (problem) {
      if (asked === this.#asked) fill(this, failure(problem, () => this.#load(series)));
    }
  }

  #draw(series, readings, forecast, now) {
    const usable = readings.map(([at, value, quality]) => [instant(at), isUsable(quality ?? 0) ? value : null]);
    if (!this.chart?.isConnected) fill(this, (this.chart = h("forecast-chart")));
    this.chart.show({
      title: this.#title(series), metric: series, readings: usable, forecast, commands: this.commands, picker: this.#picker(series),
      from: now - PAST * HOUR, to: now + (forecast?.points?.length ? AHEAD : 0.2) * HOUR,
    });
  }

  #title(s) {
    return s.owner ? `${s.title}, ${s.owner.name || s.owner.uid}` : s.title;
  }

  #picker(series) {
    if (this.list.length < 2) return null;
    const select = h("select", { "aria-label": "Series on the chart" }, this.list.map((s) => h("option", { value: String(s.id) }, `${this.#title(s)}${unitText(s.unit) ? `, ${unitText(s.unit)}` : ""}`)));
    select.value = String(series.id);
    select.addEventListener("change", () => this.#load(this.list.find((s) => String(s.id) === select.value)));
    return select;
  }

  update(change) {
    if (!this.series || !this.chart?.isConnected || !change.series.has(this.series.id)) return;
    const [value, at, quality] = live.store.values.get(this.series.id);
    if (isUsable(quality)) this.chart.push(at, value);
  }
}

if (globalThis.customElements) customElements.define("asset-chart", AssetChart);
