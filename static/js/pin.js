// SPDX-License-Identifier: Apache-2.0
// A series pinned to one forecast method by a person, and left to its backtest again.

import { post } from "#city/api";
import { askWhy, field } from "#city/dialog";
import { h, toast } from "#city/dom";

/** `one`: a series with asset, title and id; `methods`: [{method, title}]. */
export function pin(one, methods, done) {
  const method = h("select", {}, methods.map((m) => h("option", { value: m.method }, m.title)));
  method.value = methods.some((m) => m.method === one.method?.method) ? one.method.method : methods[0].method;
  askWhy(`Pin ${one.asset}`, `${one.title} is foreseen by this method alone until the pin is lifted. Backtests go on, and its scores count on this page like all others.`, "Pin", async (reason) => {
    await post("forecasts/pins", { series: one.series, method: method.value, reason });
    toast(`${one.asset} is pinned; its next forecast is made that way.`);
    done();
  }, { fields: [field("Method", method)] });
}

export function liftPin(held, done) {
  const what = held.asset ?? `all of ${held.kind}`;
  askWhy(`Lift the pin from ${what}`, `Pinned to ${held.title} by ${held.owner}: ${held.reason}. The backtest decides again.`, "Lift", async (reason) => {
    await post(`forecasts/pins/${held.id}/lift`, { reason });
    toast(`${what} is left to its backtest again.`);
    done();
  });
}
