// SPDX-License-Identifier: Apache-2.0
// <forecast-chart>: past, now, one 80 % band (50 and 95 on request), what was said before, command flags, and the same as a table.

import uPlot from "#city/uplot";
import { columns, extent, nearestFlag, recordWords, tableColumns } from "#city/chart-data";
import { fill, h, refill, say, token } from "#city/dom";
import { cityNow, hm, when } from "#city/time";
import { number, quantity, unitText } from "#city/words";

const HEIGHT = 150;
const MEASURED = 11; // of what is drawn

/** The columns in drawing order: bands below, the widest first, what was measured on top. */
const layered = ([x, past, median, low, high, before, low50, high50, low95, high95, saidLow, saidHigh]) =>
  [x, low95, high95, low, high, low50, high50, saidLow, saidHigh, before, median, past];

/** Whether somebody wants the other bands too; remembered in this browser. */
const wide = {
  get on() { try { return localStorage.getItem("bands") === "all"; } catch { return false; } },
  set on(all) { try { localStorage.setItem("bands", all ? "all" : "80"); } catch { /* private mode: not remembered */ } },
};

const counted = (commands) => (commands === 1 ? "1 command" : `${commands} commands`);

class ForecastChart extends HTMLElement {
  #plot = null;
  #model = null;

  connectedCallback() {
    this.head = h("div.chart-head");
    this.place = h("div.chart-place");
    this.tip = h("p.chart-tip", { "aria-live": "off" }, "\u00a0");
    this.tools = h("div.chart-tools");
    this.then = h("p.chart-words", { "aria-live": "polite" });
    this.words = h("p.chart-words");
    this.behind = h("details.chart-table", {}, h("summary", {}, "The chart as a table"));
    this.append(this.head, this.place, this.tip, this.tools, this.then, this.words, this.behind);
    this.behind.addEventListener("toggle", () => this.behind.open && this.#table());
    this.themed = () => this.#model && this.show(this.#model);
    document.addEventListener("themechange", this.themed);
    this.sized = new ResizeObserver(() => this.#plot?.setSize({ width: this.place.clientWidth, height: HEIGHT }));
    this.sized.observe(this.place);
  }

  disconnectedCallback() {
    document.removeEventListener("themechange", this.themed);
    this.sized.disconnect();
    this.#plot?.destroy();
    this.#plot = null;
  }

  /**
   * model: {title, metric, readings: [[at, value]…], forecast, commands, from, to, picker?, tools?: nodes, said?: a forecast of before with its
   * points, then?: words about it, files?: nodes under the table}. A chart of what was `said` keeps its window. */
  show(model) {
    this.#model = { ...model, wide: wide.on };
    const { title, metric, forecast, from, to, said } = model;
    const data = columns(this.#model, from, to);
    const unit = unitText(metric?.unit);
    fill(this.head, h("h3", {}, model.picker ?? `${title}${unit ? `, ${unit}` : ""}`), this.#key());
    refill(this.tools, forecast?.points?.length > 0 && [this.#toggle(), model.tools]);
    say(this.then, model.then ?? "");
    say(this.words, recordWords(forecast));
    this.#plot?.destroy();
    this.#plot = null;
    this.behind.hidden = !data[0].length;
    if (!data[0].length) return fill(this.place, h("p.empty", {}, "No readings in this span."));
    fill(this.place);
    this.flags = (model.commands ?? []).filter((c) => c.at >= from && c.at <= to);
    this.#plot = new uPlot(this.#options(data, from, to), layered(data), this.place);
    this.place.querySelector(".uplot").setAttribute("aria-hidden", "true");
    this.place.setAttribute("role", "img");
    this.place.setAttribute("aria-label", `${title}: ${this.#summary(data)}. The table below holds the numbers.`);
    if (this.behind.open) this.#table();
  }

  #key() {
    const { forecast, said } = this.#model;
    const bands = this.#model.wide && forecast?.bands ? forecast.bands : {};
    return h("span.chart-key", {},
      bands["50"] && h("span.key-50", {}, "50 %"), forecast?.points?.length > 0 && h("span.key-band", {}, "80 %"), bands["95"] && h("span.key-95", {}, "95 %"),
      said ? h("span.key-before", {}, "said then") : forecast?.yesterday?.length > 0 && h("span.key-before", {}, "yesterday’s forecast"));
  }

  #toggle() {
    if (!Object.keys(this.#model.forecast.bands ?? {}).length) return null;
    const label = Object.keys(this.#model.forecast.bands).sort().join(" / ");
    return h("button.chip", { type: "button", "aria-pressed": wide.on, onclick: () => { wide.on = !wide.on; this.show(this.#model); } }, `${label} %`);
  }

  /** Append one live reading without drawing everything anew more than once a second. */
  push(at, value) {
    const model = this.#model;
    if (!model || model.said || !this.#plot || at <= (model.readings.at(-1)?.[0] ?? 0)) return;
    model.readings.push([at, value]);
    if (performance.now() - (this.drawnAt ?? 0) < 1000) return;
    this.drawnAt = performance.now();
    const now = cityNow();
    if (now > model.from + (model.to - model.from) * 0.75) { const step = now - (model.from + (model.to - model.from) * 0.58); model.from += step; model.to += step; }
    const data = columns(model, model.from, model.to);
    this.range = extent(data);
    this.#plot.setData(layered(data), false);
    this.#plot.setScale("x", { min: model.from / 1000, max: model.to / 1000 });
    this.#plot.setScale("y", { min: this.range[0], max: this.range[1] });
  }

  #summary(data) {
    const past = data[1].filter((v) => typeof v === "number");
    const last = past.at(-1);
    const ahead = data[2].filter((v) => typeof v === "number");
    const metric = this.#model.metric;
    return [last !== undefined ? `last ${quantity(last, metric)}` : "", ahead.length ? `expected between ${number(Math.min(...ahead))} and ${quantity(Math.max(...ahead), metric)}` : "", counted(this.flags?.length ?? 0)].filter(Boolean).join(", ");
  }

  #options(data, from, to) {
    const [ink, ink3, line, band, stroke, band50, band95] = ["--ink", "--ink-3", "--line-2", "--band-80", "--bar", "--band-50", "--band-95"].map(token);
    const edge = { stroke: "transparent", points: { show: false }, spanGaps: true };
    this.range = extent(data);
    const font = `10.5px ${token("--font")}`;
    const axis = { stroke: ink3, font, ticks: { show: false }, border: { show: false } };
    const states = this.#model.metric?.states;
    return {
      width: this.place.clientWidth || 340, height: HEIGHT, padding: [12, 16, 0, 0], legend: { show: false },
      cursor: { drag: { x: false, y: false, setScale: false }, points: { size: 6 }, y: false },
      scales: { x: { time: true, range: () => [this.#model.from / 1000, this.#model.to / 1000] }, y: { range: () => this.range } },
      axes: [
        { ...axis, grid: { show: false }, size: 22, space: 60, splits: (u, i, min, max) => this.#splits(min, max), values: (u, splits) => splits.map((s) => hm(s * 1000)) },
        { ...axis, grid: { stroke: line, width: 1 }, size: 40, space: 34, values: (u, splits) => splits.map((s) => (states?.length ? (states[s] ?? "") : number(s))) },
      ],
      series: [{}, ...Array(8).fill(edge),
        { stroke, width: 1, dash: [4, 3], points: { show: false }, spanGaps: true },
        { stroke, width: 1.4, points: { show: false }, spanGaps: true },
        { stroke: ink, width: 1.6, points: { show: false }, spanGaps: false, paths: states?.length ? uPlot.paths.stepped({ align: 1 }) : undefined }],
      bands: [{ series: [2, 1], fill: band95 }, { series: [4, 3], fill: band }, { series: [6, 5], fill: band50 }, { series: [8, 7], fill: band95 }],
      hooks: { draw: [(u) => this.#marks(u)], setCursor: [(u) => this.#tell(u)] },
    };
  }

  /** Whole hours (or quarters) of the city's zone. */
  #splits(min, max) {
    const steps = [900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
    const step = steps.find((s) => (max - min) / s <= 5) ?? 86400;
    const found = [];
    for (let s = Math.ceil(min / step) * step; s <= max; s += step) found.push(s);
    return found;
  }

  #marks(u) {
    const { ctx } = u;
    const ratio = devicePixelRatio || 1;
    const x = (ms) => Math.round(u.valToPos(ms / 1000, "x", true));
    const now = cityNow();
    ctx.save();
    if (now > this.#model.from && now < this.#model.to) {
      ctx.strokeStyle = token("--bar");
      ctx.setLineDash([]);
      ctx.lineWidth = ratio;
      ctx.beginPath();
      ctx.moveTo(x(now), u.bbox.top - 8 * ratio);
      ctx.lineTo(x(now), u.bbox.top + u.bbox.height);
      ctx.stroke();
    }
    for (const flag of this.flags) this.#flag(ctx, x(flag.at), this.#height(u, flag.at), ratio, flag === this.chosen);
    ctx.restore();
  }

  #height(u, at) {
    const [xs, past] = [u.data[0], u.data[MEASURED]];
    let i = xs.findIndex((s) => s * 1000 >= at);
    if (i < 0) i = xs.length - 1;
    while (i >= 0 && typeof past[i] !== "number") i -= 1;
    return i >= 0 ? u.valToPos(past[i], "y", true) : u.bbox.top + u.bbox.height;
  }

  #flag(ctx, x, y, ratio, chosen) {
    const top = Math.max(y - 26 * ratio, 2 * ratio);
    ctx.fillStyle = ctx.strokeStyle = token("--flag");
    ctx.lineWidth = (chosen ? 2 : 1.4) * ratio;
    ctx.beginPath();
    ctx.moveTo(x, y - 3 * ratio);
    ctx.lineTo(x, top);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x + 9 * ratio, top);
    ctx.lineTo(x + 6.5 * ratio, top + 3.5 * ratio);
    ctx.lineTo(x + 9 * ratio, top + 7 * ratio);
    ctx.lineTo(x, top + 7 * ratio);
    ctx.fill();
  }

  #tell(u) {
    const { idx, left } = u.cursor;
    if (idx === null || idx === undefined || left < 0) return say(this.tip, "\u00a0");
    const [xs, , , low, high, , , , , before, median, past] = u.data.map((column) => column[idx]);
    const metric = this.#model.metric;
    const slack = (this.#model.to - this.#model.from) / 40;
    const flag = nearestFlag(this.flags, u.posToVal(left, "x") * 1000, slack);
    const parts = [when(xs * 1000)];
    if (past !== null && past !== undefined) parts.push(quantity(past, metric));
    if (median !== null && median !== undefined) parts.push(`forecast ${number(median)} (80 %: ${number(low)} to ${number(high)})`);
    if (before !== null && before !== undefined) parts.push(`${this.#model.said ? "said then" : "yesterday’s forecast"} ${number(before)}`);
    if (flag) parts.push(`command: ${flag.text}`);
    say(this.tip, parts.join(" · "));
  }

  #table() {
    const data = columns(this.#model, this.#model.from, this.#model.to);
    const every = Math.max(1, Math.ceil(data[0].length / 200));
    const cell = (v) => h("td.numeric", {}, typeof v === "number" ? number(v) : "");
    const shown = tableColumns(this.#model);
    const rows = data[0].map((s, i) => (i % every ? null : h("tr", {}, h("th", { scope: "row" }, when(s * 1000)), shown.map(({ column }) => cell(data[column][i]))))).filter(Boolean);
    const head = ["Time", ...shown.map((one) => one.title)].map((title, i) => h("th", { scope: "col", class: i ? "numeric" : null }, title));
    for (const old of this.behind.querySelectorAll(".scroll, .chart-files")) old.remove();
    const label = `${this.#model.title}: ${shown.map((one) => one.title.toLowerCase()).join(", ")}`;
    this.behind.append(h("div.scroll", { tabindex: "0", role: "region", "aria-label": label }, h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows.reverse()))), h("p.chart-files.small", {}, this.#model.files ?? null));
  }
}

customElements.define("forecast-chart", ForecastChart);
