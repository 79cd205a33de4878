// SPDX-License-Identifier: Apache-2.0
// The mode of a loop for a group, in the trade's words. Pressing one asks for a reason; the pressed state is the city's, never the wish.

import { instant, post } from "#city/api";
import { dialog, failure, field } from "#city/dialog";
import { fill, h, toast } from "#city/dom";
import { cityNow, when } from "#city/time";
import { duration } from "#city/words";

const ORDER = ["local", "advise", "auto"];
const LASTS_H = [1, 4, 8, 24, 0];

export function modeSwitch(mode, done) {
  const title = `${mode.title ?? mode.loop}, ${mode.group_name ?? mode.group ?? "everywhere"}`;
  return h("span.modes", { role: "group", "aria-label": title, title: describe(mode) }, ORDER.filter((m) => mode.words?.[m]).map((m) => {
    const closed = m === "auto" && mode.auto_allowed === false;
    return h("button", { type: "button", "aria-pressed": mode.mode === m, "aria-disabled": closed ? "true" : null, title: closed ? mode.why_not || "Engineering data are not signed" : null, onclick: () => !closed && mode.mode !== m && change(mode, m, title, done) }, mode.words[m]);
  }));
}

export function describe(mode) {
  const until = mode.until ? ` until ${when(instant(mode.until))}` : "";
  return `${mode.word ?? mode.words?.[mode.mode]}${until}, set by ${mode.set_by ?? "the default"}${mode.reason ? `: ${mode.reason}` : ""}`;
}

function change(mode, wished, title, done) {
  const word = mode.words[wished];
  const box = dialog(`${word}: ${title}`);
  const reason = h("input", { type: "text", required: true, maxlength: 500, autocomplete: "off" });
  const lasts = h("select", {}, LASTS_H.map((hours) => h("option", { value: String(hours) }, hours ? duration(hours * 3600) : "until changed")));
  lasts.value = "8";
  const send = h("button.button.primary", { type: "button", disabled: true }, `Set to ${word}`);
  reason.addEventListener("input", () => { send.disabled = reason.value.trim().length < 3; });
  const lead = { local: `Devices go to ${mode.local_means ?? "their local programme"}.`, advise: "The loop decides and shows what it would do; nothing is sent without a person.", auto: "The loop sends what it decides, within the limit checks." }[wished];
  fill(box.body, h("p", {}, lead), mode.counts && wished === "auto" && mode.counts.auto_allowed < mode.counts.assets && h("p.small", {}, `${mode.counts.assets - mode.counts.auto_allowed} of ${mode.counts.assets} assets have no valid signature and stay with advice.`), field("For", lasts), field("Reason", reason));
  fill(box.foot, h("button.button", { type: "button", onclick: box.close }, "Cancel"), send);
  reason.focus();
  send.addEventListener("click", async () => {
    if (send.disabled) return;
    send.disabled = true;
    try {
      const hours = Number(lasts.value);
      await post("modes/", { loop: mode.loop, group: mode.group, mode: wished, reason: reason.value.trim(), until: hours ? Math.round(cityNow() + hours * 3600_000) : null });
      box.close();
      toast(`${title}: ${word}.`);
      done();
    } catch (problem) {
      box.body.querySelector("[role=alert]")?.remove();
      box.body.append(failure(problem));
      send.disabled = false;
    }
  });
}
