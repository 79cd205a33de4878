// SPDX-License-Identifier: Apache-2.0
// The home page: the map, what is selected, and the URL that restores both.

import "#city/map";
import "#city/panel";
import "#city/kpi-strip";
import "#city/time-strip";
import { city } from "#city/city";
import { config, titleOf } from "#city/config";
import { fill, h } from "#city/dom";
import { live } from "#city/live";
import { mapTable } from "#city/map-table";
import { parsePlace, writePlace } from "#city/place";

const map = document.querySelector("city-map");
const panel = document.querySelector("asset-panel");
const labels = config.domains.map((d) => d.label);
const place = parsePlace(location.search, labels);
let table = null;

async function start() {
  const loading = h("p.map-state", { role: "status" }, "Loading the city's assets…");
  map.append(loading);
  await city.load();
  loading.remove();
  map.setAssets(city.assets.values());
  map.start({ view: place.at, shown: place.layers, selected: place.asset });
  sayFailures();
  switches();
  map.addEventListener("select", (event) => select(event.detail.uid));
  map.addEventListener("view", (event) => { place.at = event.detail; remember(false); table?.refresh(); });
  live.addEventListener("change", (event) => { map.update(event.detail); panel.update(event.detail); table?.update(event.detail); });
  if (place.asset) select(place.asset, { remembered: true });
  document.documentElement.dataset.ready = "map";
}

/** The four layers as buttons that stay pressed, the table beside them. */
function switches() {
  const bar = h("div.layers", { role: "group", "aria-label": "Layers" });
  for (const label of labels) {
    const button = h("button", { type: "button", "aria-pressed": place.layers.includes(label) }, titleOf(label));
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", on);
      place.layers = labels.filter((l) => (l === label ? on : place.layers.includes(l)));
      map.show(place.layers);
      table?.refresh();
      remember(false);
    });
    bar.append(button);
  }
  const asTable = h("button.as-table", { type: "button", "aria-expanded": "false" }, "Table");
  asTable.addEventListener("click", () => {
    const open = asTable.getAttribute("aria-expanded") !== "true";
    asTable.setAttribute("aria-expanded", open);
    table?.element.remove();
    table = open ? mapTable(map, place, (uid) => select(uid)) : null;
    if (table) map.append(table.element);
  });
  const zoom = h("div.zoom", { role: "group", "aria-label": "Zoom" },
    h("button", { type: "button", "aria-label": "Zoom in", onclick: () => map.map.zoomIn(1) }, "+"),
    h("button", { type: "button", "aria-label": "Zoom out", onclick: () => map.map.zoomOut(1) }, "−"));
  map.append(h("div.map-tools", {}, bar, asTable), zoom);
}

function sayFailures() {
  map.querySelector(".map-state")?.remove();
  if (!city.failed.size) {
    if (!city.assets.size) map.append(h("p.map-state", {}, "No assets yet. ", h("code", {}, "manage.py importcity FILE.osm.pbf"), " reads a city from a map, importassets from your own inventory."));
    return;
  }
  const names = [...city.failed.keys()].map(titleOf).join(", ");
  const again = h("button.button", { type: "button", onclick: async () => { await Promise.all([...city.failed.keys()].map((l) => city.retry(l))); map.setAssets(city.assets.values()); sayFailures(); } }, "Try again");
  map.append(fill(h("p.map-state", { role: "alert" }), `${names} could not be loaded: ${[...city.failed.values()][0].message} `, again));
}

function select(uid, { remembered = false } = {}) {
  place.asset = uid ?? null;
  if (!remembered) remember(true);
  map.select(place.asset);
  document.body.classList.toggle("with-panel", Boolean(uid));
  panel.show(place.asset);
}

function remember(asStep) {
  const url = writePlace(place, labels);
  if (url === location.pathname + location.search) return;
  history[asStep ? "pushState" : "replaceState"](null, "", url);
}

addEventListener("popstate", () => {
  const before = parsePlace(location.search, labels);
  if (before.asset !== place.asset) select(before.asset, { remembered: true });
});
document.addEventListener("open-asset", (event) => { event.preventDefault(); select(event.detail.uid); });
panel.addEventListener("close", () => { select(null); map.ground.focus({ preventScroll: true }); });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && place.asset && !document.querySelector("dialog[open]") && !event.target.closest("input, textarea, select, .menu, city-map")) panel.close();
});

start();
