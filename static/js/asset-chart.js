// SPDX-License-Identifier: Apache-2.0
// <asset-chart>: which series of the asset is charted, and its history, forecast, earlier forecasts and commands fetched for it.

import "#city/chart";
import "#city/forecast-insight";
import { get, instant } from "#city/api";
import { AHEAD, windowOf } from "#city/chart-data";
import { city } from "#city/city";
import { failure, waiting } from "#city/dialog";
import { fill, h } from "#city/dom";
import { live } from "#city/live";
import { cityNow, when } from "#city/time";
import { humanise, isUsable, unitText } from "#city/words";

const HOUR = 3600_000;
const PAST = 3 * HOUR;
const AGO = [["day", "Yesterday"], ["week", "A week ago"]];

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
    this.ago = "";
    fill(this);
  }

  open({ asset, detail, commands, children }) {
    this.commands = commands.filter((c) => c.created_at).map((c) => ({ at: instant(c.applied_at ?? c.sent_at ?? c.created_at), text: `${c.title ?? humanise(c.point)} ${typeof c.value === "object" ? "" : c.value}: ${c.reason}` }));
    const series = chartable(detail, asset?.kindInfo, children).map((s) => ({ ...city.metrics.get(s.metric), ...s, kind: (s.owner ?? detail).kind, title: s.title ?? city.metrics.get(s.metric)?.title ?? humanise(s.metric) }));
    if (!series.length) return this.clear();
    const still = this.series && series.find((s) => s.id === this.series.id);
    if (still && this.chart?.isConnected) return this.#load(still, true);
    this.list = series;
    this.#load(series.find((s) => live.store.values.has(s.id)) ?? series[0]);
  }

  async #load(series, quietly = false) {
    const asked = (this.#asked += 1);
    if (this.series?.id !== series.id) this.ago = "";
    this.series = series;
    const now = cityNow();
    if (!quietly) fill(this, waiting("Loading the chart…"));
    try {
      const past = get(`series/${series.id}/readings`, { from: now - PAST, to: now, grain: "raw", limit: 8000 });
      const forecast = get(`series/${series.id}/forecast`).catch((problem) => ({ points: [], record: { words: problem.status === 404 ? problem.message : "" } }));
      const before = this.ago ? get(`series/${series.id}/forecast/said`, { ago: this.ago }) : null;
      const [readings, ahead, said] = await Promise.all([past, forecast, before]);
      if (asked !== this.#asked) return;
      this.#draw(series, readings.results ?? readings, ahead, said, now);
    } catch (problem) {
      if (asked === this.#asked) fill(this, failure(problem, () => this.#load(series)));
    }
  }

  #draw(series, readings, forecast, said, now) {
    const usable = readings.map(([at, value, quality]) => [instant(at), isUsable(quality ?? 0) ? value : null]);
    if (!this.chart?.isConnected) fill(this, (this.chart = h("forecast-chart")), (this.insight = h("forecast-insight")));
    this.insight.show(forecast?.points?.length ? series : null);
    const model = {
      title: this.#title(series), metric: series, readings: usable, forecast, commands: this.commands, picker: this.#picker(series), tools: this.#tools(series), files: files(series, forecast),
      from: now - PAST, to: now + (forecast?.points?.length ? AHEAD : 0.2 * HOUR),
    };
    if (!said) return this.chart.show(model);
    if (!said.points.length) return this.chart.show({ ...model, then: said.words });
    const came = said.points.filter((point) => point[4] !== null).map(([at, , , , value]) => [at, value]);
    this.chart.show({ ...model, said, readings: came, ...windowOf(said, now), then: `Said ${when(said.issued_at, now)} by ${said.title}. ${said.words}` });
  }

  #tools(series) {
    return h("span.said", { role: "group", "aria-label": "What we said" }, h("span", { "aria-hidden": "true" }, "What we said:"), AGO.map(([ago, label]) =>
      h("button.chip", { type: "button", "aria-pressed": this.ago === ago, onclick: () => { this.ago = this.ago === ago ? "" : ago; this.#load(series, true); } }, label)));
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

/** Where the same facts are had as a file. */
function files(series, forecast) {
  const file = (as) => `/api/v1/series/${series.id}/forecast/file?as=${as}`;
  return [
    "As a file: ", h("a", { href: `/api/v1/series/${series.id}/readings?as=csv`, download: true }, "a day of measured values"),
    forecast?.points?.length > 0 && [", the forecast as issued ", h("a", { href: file("csv"), download: true }, "CSV"), " or ", forecast.parquet ? h("a", { href: file("parquet"), download: true }, "Parquet") : "Parquet (not on this server: it needs the package pyarrow)"], ".",
  ];
}

if (globalThis.customElements) customElements.define("asset-chart", AssetChart);
