// SPDX-License-Identifier: Apache-2.0
// "Return all to local": says beforehand where each domain lands, needs one press and one confirm, lists afterwards who confirmed.

import { get, newKey, post } from "#city/api";
import { titleOf } from "#city/config";
import { dialog, failure, field, waiting } from "#city/dialog";
import { fill, h } from "#city/dom";

const POLL_MS = 1000;

export async function returnToLocal() {
  const box = dialog("Return all to local", { kind: "return-local" });
  const reason = h("input", { type: "text", required: true, maxlength: 500, placeholder: "Why" });
  const cancel = h("button.button", { type: "button", onclick: box.close }, "Cancel");
  const send = h("button.button.primary", { type: "button", disabled: true }, "Return all to local");
  fill(box.body, waiting("Asking where each domain will land…"));
  fill(box.foot, cancel, send);
  let preview;
  try {
    preview = await get("return-to-local/");
  } catch (problem) {
    return fill(box.body, failure(problem, () => { box.close(); returnToLocal(); }));
  }
  fill(box.body, h("p", {}, "Every loop stops asking, every override ends, and each device is told to go on by itself:"),
    h("ul.lands", {}, preview.domains.map((d) => h("li", {}, h("strong", {}, titleOf(d.domain)), h("span", {}, d.words ?? `${d.count} to ${d.lands}`, lockedOut(d.locked_out))))),
    h("p.ends", {}, overridesEnd(preview.overrides)),
    field("Reason", reason, "Kept in the audit with your name."));
  reason.focus();
  reason.addEventListener("input", () => { send.disabled = reason.value.trim().length < 3; });
  const key = newKey();
  send.addEventListener("click", async () => {
    if (send.disabled) return;
    send.disabled = true;
    try {
      const { id } = await post("return-to-local/", { reason: reason.value.trim(), confirm: true }, { key });
      send.remove();
      cancel.textContent = "Close";
      await report(box, id);
    } catch (problem) {
      fill(box.body, failure(problem));
    }
  });
}

/** "; 2 of them locked out: nothing is sent there", or nothing. */
export function lockedOut(count) {
  return count > 0 ? `; ${count} of them locked out: nothing is sent there` : "";
}

/** How many overrides of people one press ends. */
export function overridesEnd(count) {
  if (!(count > 0)) return "No override stands.";
  return count === 1 ? "1 override ends, whoever placed it." : `${count} overrides end, whoever placed them.`;
}

async function report(box, id) {
  while (box.element.open) {
    const state = await get(`return-to-local/${id}`);
    const list = (title, assets) => assets?.length > 0 && h("section", {}, h("h3", {}, `${title}: ${assets.length}`), h("ul.assets", {}, assets.slice(0, 60).map((a) => h("li", {}, h("a", { href: `/?asset=${a.asset}` }, a.asset_name ? `${a.asset} ${a.asset_name}` : a.asset), a.reason ? ` ${a.reason}` : ""))));
    fill(box.body, h("p.big", { role: "status" }, `${state.confirmed} of ${state.total} confirmed`), h("progress", { max: state.total || 1, value: String(state.confirmed) }),
      list("Did not answer", state.silent), list("Refused", state.refused), !state.done && list("Waiting for", state.waiting), state.done && h("p", {}, "Finished. Loops stay local until a person sets their mode again."));
    if (state.done) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
