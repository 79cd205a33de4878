// SPDX-License-Identifier: Apache-2.0
// Which methods foresee a series: its pin, what the last backtest found, and each time a backtest changed its mind.

import { percent } from "#city/accuracy-words";
import { h } from "#city/dom";
import { cityNow, when } from "#city/time";

/** "direct seasonal-lag ridge 62 %, seasonal naive 38 %" of [{title, share}]. */
export const sharesOf = (methods) => methods.map(({ title, share }) => `${title} ${percent(share)}`).join(", ");

/** Nodes for the answer of series/<id>/forecast/methods. */
export function methodHistory({ pin, backtest, champions }) {
  const now = cityNow();
  return h("div.methods", {},
    pin && h("p", {}, `Pinned to ${pin.title} by ${pin.owner} since ${when(pin.since, now)}: ${pin.reason}`),
    h("p.small", {}, backtest ? `Last backtest ${when(backtest.at, now)}, ${backtest.windows} windows${typeof backtest.skill === "number" ? `, ${percent(backtest.skill)} lower loss than seasonal naive` : ""}.` : "No backtest yet."),
    champions.length ? h("ol.coming", {}, champions.map((one) => h("li", {}, h("span.small", {}, `Since ${when(one.since, now)}: `), sharesOf(one.methods)))) : h("p.small", {}, "Its methods have not changed since its first backtest."));
}
