// SPDX-License-Identifier: Apache-2.0
// Ctrl-K: assets, alarms, pages and actions in one list. "?" lists the keys; single keys can be switched off.

import { city, nameOf } from "#city/city";
import { config } from "#city/config";
import { dialog } from "#city/dialog";
import { fill, h } from "#city/dom";
import { live } from "#city/live";
import { returnToLocal } from "#city/return-to-local";

const MOST = 12;

/** How well `text` answers `query`, all of its words; 0 = not at all. Pure. */
export function score(text, query) {
  const hay = text.toLowerCase();
  let sum = 0;
  for (const word of query.toLowerCase().split(/\s+/).filter(Boolean)) {
    const at = hay.indexOf(word);
    if (at < 0) return 0;
    sum += at === 0 ? 4 : /[\s/-]/.test(hay[at - 1]) ? 2 : 1;
    if (hay === word) sum += 4;
  }
  return sum;
}

function open(uid) {
  const request = new CustomEvent("open-asset", { bubbles: true, cancelable: true, detail: { uid } });
  if (document.dispatchEvent(request)) location.assign(`/?asset=${encodeURIComponent(uid)}`);
}

function entries() {
  const go = (href) => () => location.assign(href);
  const pages = [["Map", "/"], ...config.domains.map((d) => [d.title, `/${d.label}/`]), ["Alarms", "/alarms/"], ["Ledger", "/ledger/"], ["Forecasts", "/forecasts/"], ["Commands", "/commands/"], ["Notifications", "/settings/notifications/"]];
  return [
    ...[...live.store.alarms.values()].map((a) => ({ text: `${a.asset} ${a.text}`, what: "alarm", go: () => open(a.asset) })),
    ...pages.map(([title, href]) => ({ text: title, what: "page", go: go(href) })),
    { text: "Return all to local…", what: "action", go: returnToLocal },
    { text: "Theme: dark", what: "action", go: () => globalThis.cityTheme.choose("dark") },
    { text: "Theme: light", what: "action", go: () => globalThis.cityTheme.choose("light") },
    { text: "Keyboard shortcuts", what: "help", go: () => openShortcuts() },
    ...[...city.assets.values()].map((a) => ({ text: nameOf(a), what: a.kindInfo.title.toLowerCase(), go: () => open(a.uid) })),
  ];
}

export async function openPalette() {
  if (document.querySelector("dialog.palette")) return;
  const box = dialog("Search", { kind: "palette" });
  const input = h("input", { type: "search", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list", placeholder: "Asset, alarm, page or action", autocomplete: "off", spellcheck: "false" });
  const list = h("ul", { id: "palette-list", role: "listbox", "aria-label": "Found" });
  box.body.append(input, list);
  box.foot.remove();
  let found = [];
  let chosen = 0;
  const run = (entry) => { box.close(); box.done.then(() => entry.go()); };
  const mark = () => {
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", i === chosen));
    input.setAttribute("aria-activedescendant", found.length ? `palette-${chosen}` : "");
    list.children[chosen]?.scrollIntoView({ block: "nearest" });
  };
  const search = () => {
    const query = input.value.trim();
    const all = entries();
    found = query ? all.map((e) => [score(e.text, query), e]).filter(([s]) => s).sort(([a], [b]) => b - a).slice(0, MOST).map(([, e]) => e) : all.slice(0, MOST);
    chosen = 0;
    fill(list, found.map((e, i) => h("li", { id: `palette-${i}`, role: "option", onclick: () => run(e) }, h("span", {}, e.text), h("span.unit", {}, e.what))), !found.length && h("li.empty", {}, "Nothing found"));
    mark();
  };
  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) { event.preventDefault(); chosen = (chosen + step + found.length) % found.length; mark(); }
    if (event.key === "Enter" && found[chosen]) { event.preventDefault(); run(found[chosen]); }
  });
  search();
  input.focus();
  await city.load();
  if (box.element.open) search();
}

export function shortcutsOn() {
  try { return localStorage.getItem("single-keys") !== "off"; } catch { return true; }
}

export function openShortcuts() {
  const box = dialog("Keyboard shortcuts");
  const keys = [["Ctrl K", "Search assets, alarms, actions"], ["Tab", "Next control; on the map, reaches the assets near the centre"], ["Arrow keys", "Pan the map, or move from asset to asset"], ["Enter", "Open the asset"], ["Esc", "Close the panel or dialogue"], ["+ and −", "Zoom the map"], ["/", "Search (single key)"], ["?", "This list (single key)"]];
  const box2 = h("input", { type: "checkbox" });
  box2.checked = shortcutsOn();
  box2.addEventListener("change", () => { try { localStorage.setItem("single-keys", box2.checked ? "on" : "off"); } catch { /* kept for this page only */ } });
  box.body.append(h("dl.keys", {}, keys.map(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)])), h("label.check", {}, box2, "Single-key shortcuts"));
  box.foot.append(h("button.button", { type: "button", onclick: box.close }, "Close"));
}
