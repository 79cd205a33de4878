// SPDX-License-Identifier: Apache-2.0
// How many values came inside a band, beside what the band says: a bar from half to all, a tick where it should end.

import { h } from "#city/dom";

const LEAST = 0.5;
const place = (share) => Math.min(1, Math.max(0, (share - LEAST) / (1 - LEAST)));

/** [end of the bar, place of the tick] as shares of the width. Pure. */
export const markShares = (covered, says) => [place(covered), place(says)];

/** Decoration: the figure and its word stand beside it. `isOff` where the band is narrower than it says. */
export function bandMark(covered, says, isOff) {
  const [bar, tick] = markShares(covered, says);
  const percent = (share) => `${(share * 100).toFixed(1)}%`;
  return h("svg.band-mark", { "aria-hidden": "true" },
    h("rect.track", { x: 0, y: 4, width: "100%", height: 6, rx: 3 }),
    h(isOff ? "rect.covered.off" : "rect.covered", { x: 0, y: 4, width: percent(bar), height: 6, rx: 3 }),
    h("rect.tick", { x: percent(Math.min(tick, 0.985)), y: 0, width: 2, height: 14, rx: 1 }));
}
