// SPDX-License-Identifier: Apache-2.0
// <city-map>: base map, one canvas of assets, layers, legend, keyboard. Attributes in (none), events out:
// "select" {uid} and "view". The page keeps the URL.

import L from "#city/leaflet";
import { baseLayer } from "#city/basemap";
import { CanvasLayer, inks } from "#city/canvas-layer";
import { city, nameOf } from "#city/city";
import { h, say } from "#city/dom";
import { legend } from "#city/legend";
import { live } from "#city/live";
import { Scene, lonLat, lookOf, movedTo, world } from "#city/scene";
import { worstByAsset } from "#city/store";
import { cityNow } from "#city/time";
import { severityWord } from "#city/words";

const HIT_PX = 14;
const STREET_ZOOM = 16.5;
const MARGIN_PX = 90;
const DIRECTIONS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

class CityMap extends HTMLElement {
  scene = new Scene();
  shown = new Set();
  #worst = new Map();
  #cursor = null;

  connectedCallback() {
    this.ground = h("div.ground", { tabindex: "0", role: "application", "aria-label": "Map: arrow keys pan, plus and minus zoom, Tab reaches the assets" });
    this.walker = h("button.walker", { type: "button", "aria-live": "polite" }, "Assets near the centre");
    this.legend = h("div.legend");
    this.append(this.ground, this.walker, this.legend);
  }

  /** `view` [lat, lon, zoom] or null; `bounds` of the city when there is none. `plain` leaves out what the small page has no room for. */
  start({ view, shown, selected = null, plain = false }) {
    this.shown = new Set(shown);
    this.map = L.map(this.ground, { zoomControl: false, attributionControl: false, zoomSnap: 0.25, zoomDelta: 0.5, wheelPxPerZoomLevel: 90, minZoom: 9, maxZoom: 19.5, fadeAnimation: false, keyboard: !plain, scrollWheelZoom: !plain, dragging: !plain || !L.Browser.mobile });
    this.#see(view);
    this.layer = new CanvasLayer(this.scene, { shown: this.shown, selected, cursor: null, ink: inks() });
    this.#ground();
    this.layer.addTo(this.map);
    this.#listen(plain);
    this.refresh();
  }

  #see(view) {
    if (view) return this.map.setView([view[0], view[1]], view[2], { animate: false });
    const points = this.scene.items.map((item) => item.place.point);
    if (!points.length) return this.map.setView([60.1719, 24.9414], 15);
    const xs = points.map((p) => p[0]).sort((a, b) => a - b);
    const ys = points.map((p) => p[1]).sort((a, b) => a - b);
    const at = (list, share) => list[Math.floor((list.length - 1) * share)];
    const corner = (x, y) => lonLat([x, y]).reverse();
    const bounds = L.latLngBounds(corner(at(xs, 0.1), at(ys, 0.1)), corner(at(xs, 0.9), at(ys, 0.9)));
    const cover = this.map.getBoundsZoom(bounds, true);
    this.map.setView(bounds.getCenter(), Math.min(STREET_ZOOM, Math.max(cover, this.map.getBoundsZoom(bounds))), { animate: false });
  }

  #ground() {
    this.base?.remove();
    this.base = baseLayer();
    this.base?.addTo(this.map);
  }

  #listen(plain) {
    document.addEventListener("themechange", () => { this.layer.options.ink = inks(); this.#ground(); this.layer.redraw(); this.drawLegend(); });
    new ResizeObserver(() => this.map.invalidateSize({ pan: false })).observe(this.ground);
    if (plain) return;
    this.map.on("click", (event) => this.#pick(event.latlng));
    this.map.on("mousemove", (event) => this.ground.classList.toggle("over", Boolean(this.#under(event.latlng))));
    this.map.on("moveend", () => this.dispatchEvent(new CustomEvent("view", { detail: this.view })));
    this.map.on("zoomend", () => this.drawLegend());
    this.walker.addEventListener("keydown", (event) => this.#walk(event));
    this.walker.addEventListener("focus", () => this.#moveCursor(this.#nearest([0, 0])));
    this.walker.addEventListener("blur", () => this.#moveCursor(null));
    this.walker.addEventListener("click", () => this.#cursor && this.#select(this.#cursor.asset.uid));
  }

  get view() {
    const { lat, lng } = this.map.getCenter();
    return [lat.toFixed(5), lng.toFixed(5), Math.round(this.map.getZoom() * 100) / 100];
  }

  #under(latlng) {
    return this.scene.hit(world([latlng.lng, latlng.lat]), HIT_PX / 2 ** this.map.getZoom(), this.map.getZoom(), this.shown, this.layer.options.selected);
  }

  #pick(latlng) {
    const item = this.#under(latlng);
    this.#select(item ? item.asset.uid : null);
  }

  #select(uid) {
    this.dispatchEvent(new CustomEvent("select", { detail: { uid } }));
  }

  /** Mark an asset as selected; bring it into view when it is out of it. */
  select(uid) {
    this.layer.options.selected = uid;
    const item = this.scene.byUid.get(uid);
    if (item) {
      const latlng = L.latLng(lonLat(item.place.point).reverse());
      const low = innerWidth <= 760 ? Math.round(this.map.getSize().y * 0.55) : MARGIN_PX; // a phone's panel covers the lower part
      this.map.panInside(latlng, { paddingTopLeft: [MARGIN_PX, MARGIN_PX], paddingBottomRight: [MARGIN_PX, low], animate: !matchMedia("(prefers-reduced-motion: reduce)").matches });
    }
    this.layer.redraw();
  }

  show(domains) {
    this.shown.clear();
    for (const domain of domains) this.shown.add(domain);
    this.drawLegend();
    this.layer.redraw();
  }

  /** Take the assets anew, with every look. */
  setAssets(assets) {
    this.scene.set(assets);
    if (this.layer) this.refresh();
  }

  refresh() {
    this.#worst = worstByAsset(live.store.alarms.values(), cityNow());
    for (const item of this.scene.items) this.#look(item);
    this.drawLegend();
    this.layer.redraw();
  }

  /** Restyle only what changed. */
  update(change) {
    if (change.everything || change.alarms) return this.refresh();
    const touched = new Set();
    for (const series of change.series) { const asset = city.bySeries.get(series); if (asset) touched.add(asset.uid); }
    for (const command of change.commands) touched.add(command.asset);
    for (const uid of touched) { const item = this.scene.byUid.get(uid); if (item) this.#look(item); }
    if (touched.size) this.layer.redraw();
  }

  #look(item) {
    const moved = movedTo(item.asset);
    if (moved) item.place = moved;
    item.look = lookOf(item.asset, this.#worst.get(item.asset.uid), city.pending.get(item.asset.uid) ?? 0);
  }

  drawLegend() {
    legend(this.legend, this.scene.items, this.shown, inks(), this.map?.getZoom() ?? 20);
  }

  #candidates() {
    const bounds = this.map.getBounds();
    const [left, top] = world([bounds.getWest(), bounds.getNorth()]);
    const [right, bottom] = world([bounds.getEast(), bounds.getSouth()]);
    return this.scene.visible([left, top, right, bottom], this.map.getZoom()).filter((item) => this.shown.has(item.asset.domain));
  }

  #nearest(direction) {
    const centre = this.map.getCenter();
    const from = this.#cursor?.place.point ?? world([centre.lng, centre.lat]);
    return this.scene.towards(from, direction, this.#candidates(), this.#cursor);
  }

  #walk(event) {
    const direction = DIRECTIONS[event.key];
    if (direction) {
      event.preventDefault();
      const next = this.#nearest(direction);
      if (next) this.#moveCursor(next);
      else this.map.panBy(direction.map((d) => d * 120));
    }
    if (event.key === "Escape") this.ground.focus();
  }

  #moveCursor(item) {
    this.#cursor = item;
    this.layer.options.cursor = item?.asset.uid ?? null;
    this.layer.redraw();
    if (!item) return say(this.walker, "Assets near the centre");
    const state = item.look.severity ? `${severityWord(item.look.severity)} alarm` : item.look.standing === "fresh" ? "no alarm" : "no fresh reading";
    say(this.walker, `${item.asset.kindInfo.title} ${nameOf(item.asset)}, ${state}. Enter opens it, arrows move on.`);
  }
}

customElements.define("city-map", CityMap);
