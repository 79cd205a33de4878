// SPDX-License-Identifier: Apache-2.0
// The parts of the page of measures: cards, coordination diagram, phases, quarters, crossings, detectors.

import { h } from "#city/dom";
import { rangeOf, smallChart } from "#city/small-chart";
import { hm, when } from "#city/time";
import { number } from "#city/words";
import { clockWords, coordination, endings, percent, progression, timeTicks, together } from "./measures-shapes.js";

const LEFT = 34, FOOT = 22, HEIGHT = 250;

const card = (title, value, unit, note) => h("div.card", {}, h("h3", {}, title), h("p.value", {}, h("strong", {}, value), unit && h("span.unit", {}, ` ${unit}`)), h("p.against", {}, note));

export function cards(found) {
  const all = together(found.phases);
  const ill = found.detectors.filter((d) => d.verdict !== "well").length;
  return h("section.cards", {},
    card("Arrivals on green", percent(all.onGreen), "", `of ${number(all.arrivals)} vehicles`),
    card("Split failures", number(all.failures), "", `of ${number(all.cycles)} cycles`),
    card("Skipped phases", number(all.skips), "", "waited over 1.5 cycles"),
    card("Detectors to look at", number(ill), "", `of ${found.detectors.length}`),
    card("Events", number(found.events), "", `controller’s clock ${clockWords(found.clock)}`));
}

/** The diagram of one phase, drawn for a width in px. */
export function diagram(found, width, picker) {
  const { diagram: of, from, to } = found;
  const head = h("div.section-head", {}, h("h2", {}, "Coordination diagram"), picker);
  if (!of.begin.length) return [head, h("p.empty", {}, "Fewer than two cycles of this phase are in the span.")];
  const box = { from, to, width: Math.max(200, width - LEFT), height: HEIGHT - FOOT };
  const paths = coordination(of, box);
  const x = (at) => LEFT + ((at - from) / (to - from)) * box.width;
  const met = of.dots.filter((dot) => dot[2]).length;
  const label = `${of.begin.length} cycles, ${of.of_arrivals} arrivals, ${percent(of.dots.length ? met / of.dots.length : null)} of them on green. The table of phases holds the numbers.`;
  const draw = (name) => h(`path.pcd-${name}`, { d: paths[name] });
  return [head,
    h("svg.pcd", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label },
      paths.ticks.map(([y, seconds]) => [h("line.grid", { x1: LEFT, x2: width, y1: y, y2: y }), h("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, seconds)]),
      timeTicks(from, to, Math.max(2, box.width / 70)).map((at) => h("text", { x: x(at), y: HEIGHT - 6, "text-anchor": "middle" }, hm(at))),
      h("g", { transform: `translate(${LEFT} 0)` }, ["end", "green", "yellow", "waited", "met"].map(draw))),
    h("p.chart-key.pcd-key", {}, h("span.key-green", {}, "green begins"), h("span.key-yellow", {}, "yellow begins"), h("span.key-met", {}, "arrived on green"), h("span.key-waited", {}, "arrived on yellow or red"), h("span", {}, "seconds since red began, by time of day")),
    of.dots.length < of.of_arrivals && h("p.small", {}, `${of.dots.length} of ${of.of_arrivals} arrivals are drawn.`)];
}

function ending(ended) {
  const shares = endings(ended);
  if (!shares.length) return h("span.none", {}, "–");
  const words = shares.map(([word, share, n]) => `${word} ${n} (${percent(share)})`).join(", ");
  const bar = h("span.ends", { role: "img", "aria-label": words, title: words }, shares.map(([word, share]) => {
    const part = h(`i.end-${word}`);
    part.style.flexGrow = share;
    return part;
  }));
  return [bar, h("span.small", {}, ` ${shares.map(([word, share]) => `${word} ${percent(share)}`).join(", ")}`)];
}

const table = (caption, head, rows) => h("div.table-box", {}, h("table", {}, h("caption.hidden", {}, caption),
  h("thead", {}, h("tr", {}, head.map(([text, numeric]) => h(numeric ? "th.numeric" : "th", { scope: "col" }, text)))), h("tbody", {}, rows)));
const cell = (text) => h("td.numeric", {}, text);

export function splits(found) {
  return h("section", {}, h("h2", {}, "Split monitor and terminations"), table("Split monitor", [["Phase"], ["Splits", 1], ["Mean, s", 1], ["Longest, s", 1], ["How greens ended"], ["Mean wait, s", 1], ["Longest wait, s", 1], ["Skips", 1]],
    found.phases.map((p) => h("tr", {}, phase(p), cell(number(p.splits)), cell(number(p.mean_split_s)), cell(number(p.longest_split_s)), h("td.ended", {}, ending(p.ended)), cell(number(p.mean_wait_s)), cell(number(p.longest_wait_s)), cell(number(p.skips))))));
}

const phase = (p) => h("th", { scope: "row" }, `${p.phase} `, h("span.small", {}, p.name));

export function progressions(found) {
  return h("section", {}, h("h2", {}, "Progression and split failures"), table("Progression", [["Phase"], ["Vehicles/h", 1], ["Arrivals", 1], ["On green", 1], ["Green", 1], ["Platoon ratio", 1], ["Progression"], ["Approach delay, s", 1], ["Split failures", 1], ["On yellow", 1], ["On red", 1]],
    found.phases.map((p) => h("tr", {}, phase(p), cell(number(p.volume_veh_h)), cell(number(p.arrivals)), cell(percent(p.on_green)), cell(percent(p.green_share)), cell(number(p.platoon_ratio)), h("td", {}, progression(p.arrival_type)), cell(number(p.approach_delay_s)), cell(`${number(p.failures)} of ${number(p.cycles)}`), cell(number(p.on_yellow)), cell(number(p.on_red))))));
}

export function quarters(found) {
  const shown = found.quarters.filter((one) => one.at.length);
  if (!shown.length) return null;
  const [top] = [rangeOf(...shown.map((one) => one.vehicles))];
  const failed = rangeOf(...shown.map((one) => one.failures));
  return h("section", {}, h("h2", {}, "By quarter hour"), h("div.quarters", {}, shown.map((one) => {
    const p = found.phases.find((candidate) => candidate.phase === one.phase);
    const share = one.arrivals.map((n, i) => (n ? (100 * one.on_green[i]) / n : null));
    const span = `${when(one.at[0])} to ${when(one.at.at(-1))}`;
    return h("figure.card", {}, h("figcaption", {}, `${one.phase} `, h("span.small", {}, p?.name ?? "")),
      h("p.small", {}, `Vehicles, at most ${number(Math.max(...one.vehicles))}`), smallChart({ bars: one.vehicles, range: top, label: `Vehicles by quarter hour, ${span}` }),
      h("p.small", {}, "Arrivals on green, 0 to 100 %"), smallChart({ bars: share.map((s) => s ?? 0), range: [0, 100], label: `Share on green by quarter hour, ${span}` }),
      h("p.small", {}, `Split failures, ${number(one.failures.reduce((a, b) => a + b, 0))} in all`), smallChart({ bars: one.failures, range: failed, label: `Split failures by quarter hour, ${span}` }));
  })));
}

export function people(found) {
  const forced = [["Pre-emption", found.preemption], ["Priority", found.priority]];
  return h("section", {}, h("h2", {}, "On foot, pre-emption and priority"),
    found.crossings.length ? table("Crossings", [["Crossing over"], ["Walks", 1], ["Calls", 1], ["Mean delay, s", 1], ["Longest delay, s", 1]],
      found.crossings.map((c) => h("tr", {}, phase(c), cell(number(c.walks)), cell(number(c.presses)), cell(number(c.mean_delay_s)), cell(number(c.longest_delay_s))))) : h("p.empty", {}, "No crossing is in this controller’s log."),
    h("p.small", {}, forced.map(([word, d]) => (d.calls ? `${word}: ${d.calls} calls, ${number(d.mean_s)} s on average, ${number(d.longest_s)} s at most. ` : `${word}: none. `)).join("")));
}

export function detectors(found) {
  return h("section", {}, h("h2", {}, "Detectors"), table("Detectors", [["Detector"], ["Phase"], ["Serves as"], ["Actuations", 1], ["Longest on, s", 1], ["Longest silence, s", 1], ["Health"]],
    found.detectors.map((d) => h("tr", {}, h("th", { scope: "row" }, d.detector), h("td", {}, `${d.phase} `, h("span.small", {}, d.name)), h("td", {}, d.functions.join(", ").replace("Yellow_Red", "yellow and red").toLowerCase()), cell(number(d.actuations)), cell(number(d.longest_on_s)), cell(number(d.longest_silence_s)), h(d.verdict === "well" ? "td" : "td.worse", {}, d.verdict)))));
}
