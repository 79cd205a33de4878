// SPDX-License-Identifier: Apache-2.0
// One canvas over the base map. Panning moves it with the map; it is repainted when the view settles or values change.

import L from "#city/leaflet";
import { token } from "#city/dom";
import { drawLabel, drawMark, mix, outline } from "#city/shapes";

const PADDING = 0.2;

/** The theme's colours, read once per theme. */
export function inks() {
  const [dim, bright] = [token("--glow-dark"), token("--glow")];
  return {
    mark: token("--mark"), fill: token("--mark-fill"), land: token("--land"), stale: token("--stale"), level: token("--bar"), text: token("--ink"),
    accent: token("--accent"), saturated: token("--saturated"), off: token("--rail"), font: token("--font"),
    severity: ["", token("--critical"), token("--high"), token("--medium"), token("--low")],
    glow: Array.from({ length: 11 }, (_, i) => mix(dim, bright, i / 10)),
  };
}

export const CanvasLayer = L.Layer.extend({
  initialize(scene, options) {
    this.scene = scene;
    L.setOptions(this, options); // {shown: Set, selected: uid, cursor: uid, ink}
  },

  onAdd(map) {
    this.canvas = L.DomUtil.create("canvas", "leaflet-zoom-animated city-canvas");
    this.canvas.setAttribute("aria-hidden", "true");
    map.getPanes().overlayPane.appendChild(this.canvas);
    this.ctx = this.canvas.getContext("2d");
    this.place();
  },

  onRemove() {
    cancelAnimationFrame(this.frame);
    this.canvas.remove();
  },

  getEvents() {
    return { moveend: this.place, resize: this.place, move: this.follow, zoomanim: this.animate, viewreset: this.place };
  },

  /** Repaint soon; many calls in one frame cost one painting. */
  redraw() {
    this.frame ??= requestAnimationFrame(() => { this.frame = null; if (this._map) this.paint(); });
  },

  follow() {
    if (!this._map._animatingZoom && !this.bounds.contains(L.bounds(this._map.containerPointToLayerPoint([0, 0]), this._map.containerPointToLayerPoint(this._map.getSize())))) this.place();
  },

  animate(event) {
    const scale = this._map.getZoomScale(event.zoom, this.zoom);
    const offset = this._map._latLngBoundsToNewLayerBounds(L.latLngBounds(this.northWest, this.northWest), event.zoom, event.center).min;
    L.DomUtil.setTransform(this.canvas, offset, scale);
  },

  /** Lay the canvas over what is seen and a margin, and paint it. */
  place() {
    const map = this._map;
    const size = map.getSize();
    const min = map.containerPointToLayerPoint(size.multiplyBy(-PADDING)).round();
    const full = size.multiplyBy(1 + 2 * PADDING).round();
    const ratio = Math.min(2, devicePixelRatio || 1);
    this.bounds = L.bounds(min, min.add(full));
    this.zoom = map.getZoom();
    this.northWest = map.layerPointToLatLng(min);
    if (this.canvas.width !== full.x * ratio || this.canvas.height !== full.y * ratio) {
      this.canvas.width = full.x * ratio;
      this.canvas.height = full.y * ratio;
      this.canvas.style.width = `${full.x}px`;
      this.canvas.style.height = `${full.y}px`;
    }
    this.ratio = ratio;
    L.DomUtil.setTransform(this.canvas, min, 1);
    this.paint();
  },

  paint() {
    const { ctx, ratio } = this;
    const scale = 2 ** this.zoom;
    const origin = this._map.project(this.northWest, this.zoom);
    const at = ([x, y]) => [x * scale - origin.x, y * scale - origin.y];
    const box = [origin.x / scale, origin.y / scale, (origin.x + this.canvas.width / ratio) / scale, (origin.y + this.canvas.height / ratio) / scale];
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const { shown, ink } = this.options;
    const items = this.scene.visible(box, this.zoom, this.options.selected).filter((item) => item.look && shown.has(item.asset.domain));
    const r = markSize(this.zoom);
    for (const item of items) if (item.place.lines) this.line(item, at, ink);
    for (const item of items) if (!item.look.line) { const [x, y] = at(item.place.point); this.mark(item, x, y, r, ink); }
    this.labels(items, at, r, ink);
  },

  line(item, at, ink) {
    const { ctx } = this;
    const { look } = item;
    const { tone, severity, width } = look;
    ctx.beginPath();
    for (const line of item.place.lines) line.forEach((p, i) => { const [x, y] = at(p); if (i) ctx.lineTo(x, y); else ctx.moveTo(x, y); });
    const chosen = item.asset.uid === this.options.selected;
    ctx.lineCap = "round";
    ctx.lineJoin = "round";
    const thin = 2 ** ((Math.min(18, this.zoom) - 16) * 0.5);
    if (chosen) { ctx.strokeStyle = ink.accent; ctx.globalAlpha = 0.35; ctx.lineWidth = (width + 8) * thin; ctx.stroke(); }
    ctx.globalAlpha = severity || look.shape === "route" ? 1 : tone === "saturated" ? 0.95 : 0.55;
    ctx.strokeStyle = severity ? ink.severity[severity] : look.shape === "route" || tone === "round" ? ink.accent : tone === "off" ? ink.off : ink.saturated;
    ctx.lineWidth = (look.shape === "route" ? 3.6 : width) * thin;
    const stale = look.standing === "stale" || look.standing === "silent";
    ctx.setLineDash(look.shape === "route" || tone === "round" ? [0.1, 7 * thin] : stale ? [4, 5] : []);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.globalAlpha = 1;
  },

  mark(item, x, y, r, ink) {
    const { ctx } = this;
    const uid = item.asset.uid;
    const chosen = uid === this.options.selected;
    if (chosen || uid === this.options.cursor) this.ring(x, y, r, ink, chosen);
    drawMark(ctx, item.look, x, y, r, chosen && !item.look.severity ? { ...ink, fill: ink.accent, mark: ink.accent, level: ink.accent, glow: [ink.accent] } : ink);
    if (item.look.pending) this.badge(x + r * 1.1, y - r * 1.1, ink);
  },

  ring(x, y, r, ink, chosen) {
    const { ctx } = this;
    outline(ctx, "ring", x, y, r * 2.6);
    if (chosen) { ctx.fillStyle = ink.accent; ctx.globalAlpha = 0.18; ctx.fill(); ctx.globalAlpha = 1; }
    ctx.setLineDash(chosen ? [] : [4, 3]);
    ctx.lineWidth = 2;
    ctx.strokeStyle = ink.accent;
    ctx.stroke();
    ctx.setLineDash([]);
  },

  badge(x, y, ink) {
    const { ctx } = this;
    outline(ctx, "ring", x, y, 3.4);
    ctx.fillStyle = ink.land;
    ctx.fill();
    ctx.lineWidth = 1.6;
    ctx.strokeStyle = ink.accent;
    ctx.setLineDash([2.2, 1.6]);
    ctx.stroke();
    ctx.setLineDash([]);
  },

  /** Labels of what is selected or not normal, worst first; one that would cover another is left out. */
  labels(items, at, r, ink) {
    const taken = [];
    const wanted = items.filter((i) => i.look.severity || i.asset.uid === this.options.selected || i.asset.uid === this.options.cursor).reverse();
    wanted.sort((a, b) => (b.asset.uid === this.options.selected) - (a.asset.uid === this.options.selected));
    for (const item of wanted) {
      const [x, y] = at(item.place.point);
      const text = [item.asset.uid, item.look.label || SEVERITY[item.look.severity]].filter(Boolean).join(" ");
      this.ctx.font = `600 11.5px ${ink.font}`;
      const gap = item.asset.uid === this.options.selected ? r * 2.6 + 6 : r + 7;
      const box = [x + gap, y - 8, x + gap + this.ctx.measureText(text).width, y + 8];
      if (taken.some((t) => box[0] < t[2] && box[2] > t[0] && box[1] < t[3] && box[3] > t[1])) continue;
      taken.push(box);
      drawLabel(this.ctx, text, box[0], y + 0.5, ink);
    }
  },
});

const SEVERITY = ["", "critical", "high", "medium", "low"];
export const markSize = (zoom) => 6.6 * 2 ** (Math.max(-3, Math.min(2, zoom - 16)) * 0.32);
