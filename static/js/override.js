// SPDX-License-Identifier: Apache-2.0
// Override: value, expiry, reason → limit checks and effect → send. Two deliberate steps; a double click cannot send.

import { instant, newKey, post } from "#city/api";
import { dialog, failure, field, waiting } from "#city/dialog";
import { fill, h, toast } from "#city/dom";
import { cityNow, fromLocalInput, hm, toLocalInput, when, zoneName } from "#city/time";
import { humanise, number, unitText } from "#city/words";

const STEADY_MS = 600; // the second step arms only after a double click is over
const CHOICES_MIN = [15, 30, 60, 120, 240, 480];

const shown = (point, value) => `${typeof value === "number" ? number(value) : value}${unitText(point.unit) ? ` ${unitText(point.unit)}` : ""}`;

export function override(detail, done) {
  const box = dialog(`Override ${detail.uid}`, { kind: "override" });
  const state = { point: detail.points[0], key: newKey() };
  edit(box, detail, state, done);
}

/** First step: what, until when, why. */
function edit(box, detail, state, done) {
  const form = h("form", { method: "dialog", novalidate: true });
  const pick = h("select", {}, detail.points.map((p) => h("option", { value: p.name }, p.title || humanise(p.name))));
  pick.value = state.point.name;
  pick.addEventListener("change", () => { state.point = detail.points.find((p) => p.name === pick.value); state.value = undefined; edit(box, detail, state, done); });
  const value = valueControl(state.point, state.value);
  const until = untilControl(state.point, state.until);
  const reason = h("input", { type: "text", required: true, maxlength: 500, value: state.reason ?? "", autocomplete: "off" });
  const wrong = h("p.problem", { role: "alert", hidden: true });
  fill(form, h("p.lead", {}, detail.name && detail.name !== detail.uid ? detail.name : (detail.kind_title ?? "")),
    detail.points.length > 1 ? field("Point", pick) : h("p.point-name", {}, state.point.title || humanise(state.point.name)),
    field(`Value${unitText(state.point.unit) ? `, ${unitText(state.point.unit)}` : ""}`, value, rangeWords(state.point)), field("Until", until.element, until.hint), field("Reason", reason, "Everyone who looks at this asset reads it."), wrong);
  const next = h("button.button.primary", { type: "submit" }, "Check the limits…");
  fill(box.body, form);
  fill(box.foot, h("button.button", { type: "button", onclick: box.close }, "Cancel"), next);
  next.addEventListener("click", (event) => { event.preventDefault(); form.requestSubmit(); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    Object.assign(state, { value: state.point.choices?.length ? value.value : value.valueAsNumber, until: until.read(), reason: reason.value.trim() });
    const fault = faultOf(state);
    wrong.hidden = !fault;
    wrong.textContent = fault;
    if (!fault) review(box, detail, state, done);
  });
  (detail.points.length > 1 ? pick : value).focus();
}

function valueControl(point, value) {
  if (point.choices?.length) {
    const select = h("select", {}, point.choices.map((choice) => h("option", { value: choice }, humanise(choice))));
    if (value !== undefined) select.value = value;
    return select;
  }
  return h("input", { type: "number", min: point.low, max: point.high, step: "any", required: true, inputmode: "decimal", value: value ?? "" });
}

const rangeWords = (p) => (p.choices?.length ? "" : [p.low, p.high].every((v) => typeof v === "number") ? `From ${number(p.low)} to ${shown(p, p.high)}` : "");

function untilControl(point, chosen) {
  const longest = (point.longest_s ?? 8 * 3600) * 1000;
  const now = cityNow();
  const fixed = CHOICES_MIN.filter((m) => m * 60000 <= longest);
  const input = h("input", { type: "datetime-local", value: toLocalInput(chosen ?? now + Math.min(60 * 60000, longest)), required: true });
  const quick = h("span.quick", {}, (fixed.length ? fixed : [Math.floor(longest / 60000)]).map((m) => h("button.chip", { type: "button", onclick: () => { input.value = toLocalInput(cityNow() + m * 60000); } }, m < 60 ? `${m} min` : `${m / 60} h`)));
  const element = h("div.until", {}, input, quick);
  Object.defineProperty(element, "id", { set(id) { input.id = id; }, get() { return input.id; } });
  element.setAttribute = (name, v) => input.setAttribute(name, v);
  return { element, hint: `City time, ${zoneName(now)}; at the longest ${longest >= 5400000 ? `${number(longest / 3600000)} h` : `${Math.round(longest / 60000)} min`}. Then the loop or the local programme goes on.`, read: () => fromLocalInput(input.value) };
}

/** What is wrong with the first step, in a sentence; "" when nothing is. Pure but for the clock. */
export function faultOf({ point, value, until, reason }, now = cityNow()) {
  if (point.choices?.length ? !point.choices.includes(value) : !Number.isFinite(value)) return "Give a value.";
  if (!point.choices?.length && typeof point.low === "number" && value < point.low) return `The lowest value is ${shown(point, point.low)}.`;
  if (!point.choices?.length && typeof point.high === "number" && value > point.high) return `The highest value is ${shown(point, point.high)}.`;
  if (!until || until <= now) return "Choose an end in the future.";
  if (until > now + (point.longest_s ?? 8 * 3600) * 1000 + 60000) return `The longest override of this point is ${number((point.longest_s ?? 8 * 3600) / 3600)} h.`;
  if (!reason || reason.length < 3) return "Say why, in a few words.";
  return "";
}

const bodyOf = (detail, state) => ({ asset: detail.uid, point: state.point.name, value: state.value, until: state.until });

/** Second step: the checks the server made, the effect, and the button that sends. */
async function review(box, detail, state, done) {
  const back = h("button.button", { type: "button", onclick: () => edit(box, detail, state, done) }, "Back");
  const send = h("button.button.primary", { type: "button", disabled: true }, `Send to ${detail.uid}`);
  fill(box.body, waiting("Checking the limits…"));
  fill(box.foot, back, send);
  let preview;
  try {
    preview = await post("overrides/preview", { ...bodyOf(detail, state), reason: state.reason });
  } catch (problem) {
    return fill(box.body, failure(problem));
  }
  if (!box.element.open) return;
  fill(box.body, summary(detail, state, preview), checks(preview.checks ?? []));
  if (!preview.may_send) return send.remove();
  setTimeout(() => { send.disabled = false; send.focus(); }, STEADY_MS);
  send.addEventListener("click", () => transmit(box, detail, state, send, done));
}

function summary(detail, state, preview) {
  const { replaces } = preview;
  return h("dl.rows.review", {}, h("dt", {}, state.point.title || humanise(state.point.name)), h("dd", {}, h("strong", {}, shown(state.point, state.value))),
    h("dt", {}, "Until"), h("dd", {}, `${when(state.until)} ${zoneName(state.until)}`), h("dt", {}, "Reason"), h("dd", {}, state.reason),
    preview.effect && [h("dt", {}, "Expected effect"), h("dd", {}, preview.effect)], replaces && [h("dt", {}, "Replaces"), h("dd", {}, `the override by ${replaces.owner} until ${hm(instant(replaces.until))}`)]);
}

function checks(list) {
  if (!list.length) return h("p.small", {}, "No limit check applies to this point.");
  return [h("h3", {}, "Limit checks"), h("ul.checks", {}, list.map((c) => h(c.passed ? "li.passed" : "li.refused", {}, h("span.check-mark", { "aria-hidden": "true" }, c.passed ? "✓" : "✗"), h("span", {}, h("strong", {}, `${c.passed ? "Passed" : "Refused"}: ${humanise(c.name)}`), c.reason ? ` ${c.reason}` : "", c.source ? h("span.small", {}, ` ${c.source}`) : ""))))];
}

async function transmit(box, detail, state, send, done) {
  if (send.disabled) return;
  send.disabled = true;
  try {
    const { command } = await post("overrides/", { ...bodyOf(detail, state), reason: state.reason }, { key: state.key });
    box.close();
    toast(`${detail.uid}: override ${command?.word ?? "requested"}. It counts once the device confirms.`);
    done();
  } catch (problem) {
    box.body.querySelector("[role=alert]")?.remove();
    box.body.append(failure(problem));
    if (!problem.status) send.disabled = false; // no answer: the same key makes another try harmless
  }
}

export function liftOverride(standing, detail, done) {
  const box = dialog(`End the override on ${detail.uid}`);
  const reason = h("input", { type: "text", maxlength: 500, autocomplete: "off" });
  const send = h("button.button.primary", { type: "button" }, `End on ${detail.uid}`);
  fill(box.body, field("Reason", reason, "The loop or the local programme takes over."));
  fill(box.foot, h("button.button", { type: "button", onclick: box.close }, "Cancel"), send);
  reason.focus();
  send.addEventListener("click", async () => {
    send.disabled = true;
    try {
      await post(`overrides/${standing.id}/lift`, { reason: reason.value.trim() || "no longer needed" });
      box.close();
      done();
    } catch (problem) {
      box.body.append(failure(problem));
      send.disabled = false;
    }
  });
}
