// SPDX-License-Identifier: Apache-2.0
// Where things lie in the charts of an intersection's measures, and its words. Pure.

const round = (value) => Math.round(value * 10) / 10;

/**
 * The Purdue coordination diagram as paths in a box: x is the time of day, y the seconds since green ended.
 * {yellow, green, end: where the lines are, met: dots that met green, waited: dots that did not, ticks: [[y, seconds]…]} */
export function coordination({ begin, green_s: green, yellow_s: yellow, cycle_s: cycle, dots }, { from, to, width, height }) {
  const most = Math.max(30, ...cycle.map((s) => s ?? 0)) * 1.05;
  const x = (ms) => round(((ms - from) / (to - from)) * width);
  const y = (s) => round(height - (Math.min(s, most) / most) * height);
  const line = (seconds) => begin.map((ms, i) => (seconds[i] === null ? "" : `M${x(ms)} ${y(seconds[i])}H${x(ms + (cycle[i] ?? 0) * 1000)}`)).join("");
  const dot = ([at, s]) => `M${x(at)} ${y(s)}h0`;
  const step = most > 120 ? 60 : most > 60 ? 30 : 15;
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => [y(i * step), i * step]);
  return { green: line(green), yellow: line(yellow), end: line(cycle), met: dots.filter((d) => d[2]).map(dot).join(""), waited: dots.filter((d) => !d[2]).map(dot).join(""), ticks };
}

/** Instants for the axis below: at most so many, on full minutes or hours. */
export function timeTicks(from, to, most) {
  const steps = [5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880].map((minutes) => minutes * 60000);
  const step = steps.find((one) => (to - from) / one <= most) ?? steps.at(-1);
  const found = [];
  for (let at = Math.ceil(from / step) * step; at < to; at += step) found.push(at);
  return found;
}

/** Shares of how greens ended: [[word, share 0..1, count]…], nothing where none ended. */
export function endings(ended) {
  const all = Object.values(ended).reduce((sum, n) => sum + n, 0);
  return all ? Object.entries(ended).filter(([, n]) => n > 0).map(([word, n]) => [word, n / all, n]) : [];
}

/** Of all phases together: arrivals and those on green, cycles and failures, skips. */
export function together(phases) {
  const sum = (of) => phases.reduce((total, phase) => total + (of(phase) ?? 0), 0);
  const arrivals = sum((p) => p.arrivals);
  return { arrivals, onGreen: arrivals ? sum((p) => p.on_green * p.arrivals) / arrivals : null, cycles: sum((p) => p.cycles), failures: sum((p) => p.failures), skips: sum((p) => p.skips) };
}

const PROGRESSION = ["", "very poor", "unfavourable", "random", "favourable", "highly favourable", "exceptional"];
export const progression = (type) => PROGRESSION[type] ?? "";

export const percent = (share) => (share === null || share === undefined ? "–" : `${Math.round(share * 100)} %`);

/** How far the clock was off, in words; ahead is positive. */
export function clockWords({ median_error_ms: error }) {
  if (error === null || error === undefined) return "no batch in this span";
  const size = Math.abs(error);
  const text = size < 1000 ? `${Math.round(size)} ms` : `${(size / 1000).toFixed(1)} s`;
  return size < 1 ? "on time" : `${text} ${error > 0 ? "ahead" : "behind"}`;
}

/** Rows of a comparison by what they show: {better, worse, open}. */
export function sides(rows) {
  return { better: rows.filter((r) => r.verdict === "better"), worse: rows.filter((r) => r.verdict === "worse"), open: rows.filter((r) => !["better", "worse"].includes(r.verdict)) };
}
