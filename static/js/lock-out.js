// SPDX-License-Identifier: Apache-2.0
// Lock-out: a tag with owner and reason under which every command to the asset is refused until it is lifted.

import { post } from "#city/api";
import { dialog, failure, field } from "#city/dialog";
import { fill, h, toast } from "#city/dom";

function ask(title, lead, verb, act) {
  const box = dialog(title);
  const reason = h("input", { type: "text", required: true, maxlength: 500, autocomplete: "off" });
  const send = h("button.button.primary", { type: "button", disabled: true }, verb);
  reason.addEventListener("input", () => { send.disabled = reason.value.trim().length < 3; });
  fill(box.body, h("p", {}, lead), field("Reason", reason, "Kept with your name."));
  fill(box.foot, h("button.button", { type: "button", onclick: box.close }, "Cancel"), send);
  reason.focus();
  send.addEventListener("click", async () => {
    if (send.disabled) return;
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

export function lockOut(detail, done) {
  ask(`Lock out ${detail.uid}`, "Every command is refused with your name, those of loops and of colleagues too, until you lift the tag. The device goes on by itself.", `Lock out ${detail.uid}`, async (reason) => {
    await post("lockouts/", { asset: detail.uid, reason });
    toast(`${detail.uid} is locked out.`);
    done();
  });
}

export function liftTag(detail, done) {
  ask(`Lift the tag from ${detail.uid}`, `Placed by ${detail.lockout.owner}: ${detail.lockout.reason}. Commands will be accepted again.`, `Lift from ${detail.uid}`, async (reason) => {
    await post(`lockouts/${detail.lockout.id}/lift`, { reason });
    toast(`${detail.uid} accepts commands again.`);
    done();
  });
}
