// SPDX-License-Identifier: Apache-2.0
// A series pinned to one forecast method by a person, and left to its backtest again.

import { post } from "#city/api";
import { dialog, failure, field } from "#city/dialog";
import { fill, h, toast } from "#city/dom";

/** `one`: a series with asset, title and id; `methods`: [{method, title}]. */
export function pin(one, methods, done) {
  const method = h("select", {}, methods.map((m) => h("option", { value: m.method }, m.title)));
  method.value = methods.some((m) => m.method === one.method?.method) ? one.method.method : methods[0].method;
  ask(`Pin ${one.asset}`, `${one.title} is foreseen by this method alone until the pin is lifted. Backtests go on, and its scores count on this page like all others.`, "Pin", [field("Method", method)], async (reason) => {
    await post("forecasts/pins", { series: one.series, method: method.value, reason });
    toast(`${one.asset} is pinned; its next forecast is made that way.`);
    done();
  });
}

export function liftPin(held, done) {
  const what = held.asset ?? `all of ${held.kind}`;
  ask(`Lift the pin from ${what}`, `Pinned to ${held.title} by ${held.owner}: ${held.reason}. The backtest decides again.`, "Lift", [], async (reason) => {
    await post(`forecasts/pins/${held.id}/lift`, { reason });
    toast(`${what} is left to its backtest again.`);
    done();
  });
}

function ask(title, lead, verb, fields, act) {
  const box = dialog(title);
  const reason = h("input", { type: "text", required: true, maxlength: 500, autocomplete: "off" });
  const send = h("button.button.primary", { type: "button", disabled: true }, verb);
  reason.addEventListener("input", () => { send.disabled = reason.value.trim().length < 3; });
  fill(box.body, h("p", {}, lead), fields, field("Reason", reason, "Kept with your name."));
  fill(box.foot, h("button.button", { type: "button", onclick: box.close }, "Cancel"), send);
  reason.focus();
  send.addEventListener("click", async () => {
    send.disabled = true;
    try {
      await act(reason.value.trim());
      box.close();
    } catch (problem) {
      box.body.querySelector("[role=alert]")?.remove();
      box.body.append(failure(problem));
      send.disabled = false;
    }
  });
}
