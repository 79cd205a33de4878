// SPDX-License-Identifier: Apache-2.0
// The versions of a timing sheet, and what changed from one to another.

import { get } from "#city/api";
import { loadInto } from "#city/dialog";
import { h } from "#city/dom";
import { iso } from "#city/time";

export const date = (ms) => iso(ms).slice(0, 10);

/** Rows newest first; `open(number)` shows one. */
export function versions(uid, found, open) {
  if (!found.versions.length) return h("p.small", {}, "No version is stored yet.");
  const row = (one) => h("tr", {}, h("th", { scope: "row" }, one.version), h("td", {}, one.basis || "–"), h("td", {}, one.signed_by || h("span.none", {}, "nobody")),
    h("td", {}, one.valid_from ? `${date(one.valid_from)} – ${date(one.valid_until)}` : "–"), h("td", {}, one.is_current ? (one.signed_by ? "in force" : "current, unsigned") : one.has_sheet ? "" : "limits only"),
    h("td", {}, one.version !== found.version && h("button.button.small-button", { type: "button", onclick: () => open(one.version) }, `Show version ${one.version}`)));
  return [
    h("h2", {}, "Versions"),
    h("div.scroll", { tabindex: 0, role: "region", "aria-label": "Versions" }, h("table.sheet-table", {}, h("thead", {}, h("tr", {}, ["Version", "Basis", "Signed by", "Valid", "State"].map((t) => h("th", { scope: "col" }, t)), h("td", {}))), h("tbody", {}, found.versions.map(row)))),
    found.versions.length > 1 && comparing(uid, found.versions),
  ];
}

function comparing(uid, rows) {
  const pick = (label, chosen) => h("select", { "aria-label": label }, rows.map((r) => h("option", { value: r.version, selected: r.version === chosen ? true : null }, `version ${r.version}`)));
  const [older, newer, said] = [pick("From version", rows[1].version), pick("To version", rows[0].version), h("div.changes", { "aria-live": "polite" })];
  const show = async () => {
    const { changes } = await get("engineering/compare", { asset: uid, old: older.value, new: newer.value });
    return changes.length ? h("ul.coming", {}, changes.map((line) => h("li", {}, line))) : h("p.small", {}, "Nothing is different.");
  };
  return [h("p.buttons-row", {}, h("span", {}, "What changed from"), older, h("span", {}, "to"), newer, h("button.button", { type: "button", onclick: () => loadInto(said, show, "Comparing…") }, "Compare")), said];
}
