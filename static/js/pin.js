// SPDX-License-Identifier: Apache-2.0
// A series, or all of a kind, pinned to one forecast method by a person, and left to its backtest again.

import { plural } from "#city/accuracy-words";
import { post } from "#city/api";
import { askWhy, field } from "#city/dialog";
import { h, toast } from "#city/dom";

/** `one`: a series with asset, title and id, or a line of the board with title, metric and kind; `methods`: [{method, title}]. */
export function pin(one, methods, done) {
  const what = one.isKind ? `all ${plural(one.kind)}` : one.asset;
  const method = h("select", {}, methods.map((m) => h("option", { value: m.method }, m.title)));
  method.value = methods.some((m) => m.method === one.method?.method) ? one.method.method : methods[0].method;
  askWhy(`Pin ${what}`, `${one.title} is foreseen by this method alone until the pin is lifted. Backtests go on, and its scores count on this page like all others.`, "Pin", async (reason) => {
    await post("forecasts/pins", { ...(one.isKind ? { metric: one.metric, kind: one.kind } : { series: one.series }), method: method.value, reason });
    toast(`${first(what)} ${one.isKind ? "are" : "is"} pinned; the next forecast is made that way.`);
    done();
  }, { fields: [field("Method", method)] });
}

const first = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export function liftPin(held, done) {
  const what = held.asset ?? `all ${plural(held.kind)}`;
  askWhy(`Lift the pin from ${what}`, `Pinned to ${held.title} by ${held.owner}: ${held.reason}. The backtest decides again.`, "Lift", async (reason) => {
    await post(`forecasts/pins/${held.id}/lift`, { reason });
    toast(`${first(what)} ${held.asset ? "is" : "are"} left to the backtest again.`);
    done();
  });
}
