// SPDX-License-Identifier: Apache-2.0
// Severity is never colour alone: diamond critical, triangle high, square medium, circle low, and the word.

import { h } from "#city/dom";
import { severityWord } from "#city/words";

const MARKS = {
  1: ["path", { d: "M7 .6 13.400 7 7 13.400 .6 7z" }],
  2: ["path", { d: "M7 1.200 13.400 12.600H.6z" }],
  3: ["rect", { x: 1.5, y: 1.5, width: 11, height: 11, rx: 1.5 }],
  4: ["circle", { cx: 7, cy: 7, r: 5.6 }],
};

/** The mark alone; its word must stand beside it or be given by `spoken`. */
export function severityMark(severity, spoken = false) {
  const [tag, shape] = MARKS[severity] ?? MARKS[4];
  const labels = spoken ? { role: "img", "aria-label": severityWord(severity) } : { "aria-hidden": "true" };
  return h(`svg.severity.${severityWord(severity)}`, { viewBox: "0 0 14 14", width: 14, height: 14, ...labels }, h(tag, { ...shape, fill: "currentColor" }));
}
