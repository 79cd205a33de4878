// SPDX-License-Identifier: Apache-2.0
// The legend: the shapes on the map now, the severities on it, stale, and whose map it is.

import { fill, h } from "#city/dom";
import { drawMark } from "#city/shapes";
import { severityMark } from "#city/severity";
import { severityWord } from "#city/words";

export function legend(place, items, shown, ink, zoom = 20) {
  const kinds = new Map();
  const severities = new Set();
  let stale = false;
  let estimated = false;
  for (const { asset, look } of items) {
    if (!shown.has(asset.domain) || !look || (zoom < asset.kindInfo.minZoom && !look.severity)) continue;
    if (asset.kindInfo.legend && !kinds.has(asset.kind)) kinds.set(asset.kind, asset.kindInfo);
    if (look.severity) severities.add(look.severity);
    stale ||= look.standing === "stale" || look.standing === "silent";
    estimated ||= Boolean(asset.estimated) && look.shape !== "dot" && !look.line;
  }
  const entries = [...kinds.values()].sort((a, b) => b.order - a.order).map((kind) => entry(sample(kind.shape, ink), kind.legend));
  const states = [...severities].sort().map((severity) => entry(severityMark(severity), severityWord(severity)));
  if (stale) states.push(entry(sample("square", ink, { standing: "stale" }), "stale"));
  if (estimated) states.push(entry(sample("square", ink, { estimated: true }), "estimated"));
  const narrow = globalThis.matchMedia?.("(max-width: 760px)").matches;
  const open = place.querySelector("details")?.open ?? !narrow;
  fill(place, h("details", { open }, h("summary", {}, "Legend"), h("span.legend-kinds", {}, entries), states.length > 0 && h("span.legend-states", {}, states)),
    h("a.attribution", { href: "https://www.openstreetmap.org/copyright", rel: "noreferrer", target: "_blank" }, "© OpenStreetMap contributors"));
}

const entry = (mark, word) => h("span.legend-entry", {}, mark, word);

function sample(shape, ink, look = {}) {
  if (shape === "line" || shape === "route") return h(`span.legend-line.${shape}`, { "aria-hidden": "true" });
  const canvas = h("canvas", { width: 28, height: 28, "aria-hidden": "true" });
  const ctx = canvas.getContext("2d");
  ctx.scale(2, 2);
  drawMark(ctx, { shape, level: shape === "dot" ? 1 : 0, standing: "fresh", ...look }, 7, 7, shape === "dot" ? 8 : 5, ink);
  return canvas;
}
