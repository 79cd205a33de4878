// SPDX-License-Identifier: Apache-2.0
// Which methods foresee a series or a kind of them: the pin, what the last backtest found, and each time one changed its mind.

import { counted, percent } from "#city/accuracy-words";
import { get } from "#city/api";
import { dialog, loadInto } from "#city/dialog";
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

/** Of one series of the board, in a dialogue. */
export function showMethods(one) {
  const box = dialog(`Methods of ${one.asset}`, { wide: true });
  loadInto(box.body, async () => methodHistory(await get(`series/${one.series}/forecast/methods`)));
}

/** Of all series of a kind: nodes for the answer of forecasts/methods. */
export function kindHistory({ series, kind, methods, changes }) {
  if (!series) return h("p.small", {}, "No backtest yet.");
  const now = cityNow();
  return h("div.methods", {},
    h("p", {}, `On average over ${counted(series, kind)}: ${sharesOf(methods)}.`),
    h("ol.coming", {}, changes.map((one) => h("li", {}, h("a", { href: `/?asset=${encodeURIComponent(one.asset)}` }, one.asset), h("span.small", {}, ` since ${when(one.since, now)}: `), sharesOf(one.methods)))));
}
