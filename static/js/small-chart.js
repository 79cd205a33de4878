// SPDX-License-Identifier: Apache-2.0
// A small picture of one line, its band or bars, without axes: what it says stands beside it in words and behind it in a table.

import { h } from "#city/dom";

const WIDTH = 300, HEIGHT = 44, EDGE = 2;

/** Lowest and highest of several columns with zero between them; never empty. Pure. */
export function rangeOf(...columns) {
  const values = columns.flat().filter((value) => typeof value === "number");
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  return low === high ? [low, low + 1] : [low, high];
}

/** [x, y] of each value in a box of 300 by 44. Pure. */
export function placed(values, [low, high]) {
  const step = values.length > 1 ? WIDTH / (values.length - 1) : 0;
  const y = (value) => HEIGHT - EDGE - ((value - low) / (high - low)) * (HEIGHT - 2 * EDGE);
  return values.map((value, i) => [round(i * step), round(y(value))]);
}

const round = (value) => Math.round(value * 10) / 10;
const text = (points) => points.map((point) => point.join(",")).join(" ");

/** {line, band: {low, high}, bars, range}: each optional but `range`; `label` is what a screen reader hears. */
export function smallChart({ line = null, band = null, bars = null, range, label }) {
  const zero = placed([0, 0], range);
  return h("svg.small-chart", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    band && h("polygon.band", { points: text([...placed(band.low, range), ...placed(band.high, range).reverse()]) }),
    bars && bars.map((value, i) => bar(value, i, bars.length, range)),
    h("line.zero", { x1: 0, x2: WIDTH, y1: zero[0][1], y2: zero[0][1] }),
    line && h("polyline.course", { points: text(placed(line, range)) }));
}

function bar(value, i, count, range) {
  const [[, top], [, foot]] = placed([value, 0], range);
  const width = WIDTH / count;
  return h("rect.bar-mark", { x: round(i * width + width * 0.1), width: round(width * 0.8), y: top, height: Math.max(0, round(foot - top)) });
}
