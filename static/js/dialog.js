// SPDX-License-Identifier: Apache-2.0
// A modal dialogue over the page: the native element, its title, its body, its buttons.

import { fill, h, icon } from "#city/dom";

let counter = 0;

/** Returns {element, body, foot, close(), done: Promise}. It leaves the page when it is closed. */
export function dialog(title, { wide = false, kind = "" } = {}) {
  const id = `dialog-${(counter += 1)}`;
  const body = h("div.dialog-body");
  const foot = h("div.dialog-foot");
  const close = h("button.icon-button", { type: "button", "aria-label": "Close" }, icon("close"));
  const element = h(`dialog.${["sheet", wide && "wide", kind].filter(Boolean).join(".")}`, { "aria-labelledby": id }, h("header", {}, h("h2", { id }, title), close), body, foot);
  const opener = document.activeElement;
  const done = new Promise((resolve) => element.addEventListener("close", () => { element.remove(); opener?.focus?.(); resolve(element.returnValue); }));
  close.addEventListener("click", () => element.close());
  element.addEventListener("click", (event) => { if (event.target === element) element.close(); });
  document.body.append(element);
  element.showModal();
  return { element, body, foot, done, close: () => element.close() };
}

/** A field with its label, a hint and a place for what is wrong with it. */
export function field(label, control, hint = "") {
  const id = `field-${(counter += 1)}`;
  control.id = id;
  const said = h("span.hint", { id: `${id}-hint` }, hint);
  control.setAttribute("aria-describedby", said.id);
  return h("div.field", {}, h("label", { for: id }, label), control, said);
}

export const waiting = (text) => h("p.waiting", { role: "status" }, text);

/** What went wrong, and a way to try again. */
export function failure(problem, retry) {
  const again = retry && h("button.button", { type: "button", onclick: retry }, "Try again");
  return h("div.problem", { role: "alert" }, h("p", {}, problem.words ?? problem.message), again);
}

/** Send once, then close; what the server says against it stands in the dialogue, and the button can be pressed again. */
export async function sendOnce(box, send, request) {
  if (send.disabled) return;
  send.disabled = true;
  try {
    await request();
    box.close();
  } catch (problem) {
    box.body.querySelector("[role=alert]")?.remove();
    box.body.append(failure(problem));
    send.disabled = false;
  }
}

/** A dialogue that asks why before it does `act(reason)`; `fields` stand above the reason. */
export function askWhy(title, lead, verb, act, { fields = [], hint = "Kept with your name." } = {}) {
  const box = dialog(title);
  const reason = h("input", { type: "text", required: true, maxlength: 500, autocomplete: "off" });
  const send = h("button.button.primary", { type: "button", disabled: true }, verb);
  reason.addEventListener("input", () => { send.disabled = reason.value.trim().length < 3; });
  fill(box.body, h("p", {}, lead), fields, field("Reason", reason, hint));
  fill(box.foot, h("button.button", { type: "button", onclick: box.close }, "Cancel"), send);
  reason.focus();
  send.addEventListener("click", () => sendOnce(box, send, () => act(reason.value.trim())));
}

/** Fill `place` with what `load()` builds: a waiting line first, the problem with "Try again" when it fails. */
export async function loadInto(place, load, text = "Loading…") {
  fill(place, waiting(text));
  try {
    fill(place, await load());
  } catch (problem) {
    console.warn(problem);
    fill(place, failure(problem, () => loadInto(place, load, text)));
  }
}
