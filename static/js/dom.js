// SPDX-License-Identifier: Apache-2.0
// Building elements. Text is always set as text: nothing a device or a person wrote can become markup.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "path", "rect", "circle", "line", "polyline", "polygon", "g", "use", "text", "title"]);

/** h("button.primary", {type: "button", onclick}, "Send") → the element. Attributes null, undefined or false are left out; `aria-` ones are "true" or "false". */
export function h(selector, attributes = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag || "div");
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || (value === false && !name.startsWith("aria-"))) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") throw new Error("no inline styles: use a class or element.style");
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : String(value));
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Replace what `element` holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Replace what `element` holds and leave the focus on the control that stands in the same place. */
export function refill(element, ...children) {
  const controls = () => [...element.querySelectorAll("a, button, summary, input, select")];
  const at = element.contains(document.activeElement) ? controls().indexOf(document.activeElement) : -1;
  fill(element, ...children);
  if (at >= 0) controls()[at]?.focus({ preventScroll: true });
  return element;
}

export const icon = (name) => h("svg.icon", { "aria-hidden": "true" }, h("use", { href: `/static/icons/icons.svg#${name}` }));

/** Set text only where it changed, so that nothing is laid out or announced twice. */
export function say(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** The theme's value of a token, e.g. token("--accent"). */
export const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A short message at the bottom; problems stay longer. */
export function toast(text, kind = "done") {
  const place = document.querySelector(".toasts");
  if (!place) return;
  const note = h(`p.toast.${kind}`, {}, text);
  place.append(note);
  setTimeout(() => note.remove(), kind === "problem" ? 12000 : 5000);
}
