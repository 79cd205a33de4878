// SPDX-License-Identifier: Apache-2.0
// What is drawn of the city and where: looks, order, hit testing, the nearest neighbour in a direction. No DOM.

import { layerOf } from "#city/layers";

const ROOT = 256; // world pixels at zoom 0

/** Longitude and latitude → world pixels at zoom 0 (spherical Mercator, EPSG:3857). */
export function world([lon, lat]) {
  const sin = Math.sin((Math.max(-85.05, Math.min(85.05, lat)) * Math.PI) / 180);
  return [((lon + 180) / 360) * ROOT, (0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)) * ROOT];
}

export function lonLat([x, y]) {
  const n = Math.PI * (1 - (2 * y) / ROOT);
  return [(x / ROOT) * 360 - 180, (Math.atan(Math.sinh(n)) * 180) / Math.PI];
}

/** The asset's geometry as lists of world points, and its middle. */
export function placed(geometry) {
  if (!geometry) return null;
  const { type, coordinates } = geometry;
  if (type === "Point") { const point = world(coordinates); return { point, lines: null }; }
  const lines = (type === "LineString" ? [coordinates] : type === "Polygon" || type === "MultiLineString" ? coordinates : type === "MultiPolygon" ? coordinates.flat() : [])
    .filter((line) => line.length > 1).map((line) => line.map(world));
  if (!lines.length) return null;
  const longest = lines.reduce((a, b) => (b.length > a.length ? b : a));
  return { point: type.endsWith("Polygon") ? middleOf(longest) : longest[Math.floor(longest.length / 2)], lines };
}

function middleOf(ring) {
  const sum = ring.reduce(([x, y], [a, b]) => [x + a, y + b], [0, 0]);
  return [sum[0] / ring.length, sum[1] / ring.length];
}

/** Everything the painter needs to know of one asset now. `severity` comes from the alarms. */
export function lookOf(asset, severity, pending) {
  const own = layerOf(asset.domain).style(asset, asset.values);
  const { shape } = asset.kindInfo;
  return {
    shape, level: own.level ?? 0, width: own.width ?? 3, tone: own.tone ?? "normal", label: own.label ?? "", hidden: own.hidden ?? false,
    severity: severity ?? own.severity ?? 0, standing: asset.values.standing, estimated: asset.estimated, pending: pending > 0,
    line: shape === "line" || shape === "route",
  };
}

/** Where a thing that moves is now; everything else stays where it was placed. */
export function movedTo(asset) {
  const at = layerOf(asset.domain).position?.(asset, asset.values);
  return at ? { point: world(at), lines: null } : null;
}

export class Scene {
  items = []; // {asset, place: {point, lines}, look}
  byUid = new Map();

  set(assets) {
    this.items = [];
    this.byUid.clear();
    for (const asset of assets) {
      const place = placed(asset.geometry);
      if (!place || asset.kindInfo.shape === "none") continue;
      const item = { asset, place, look: null };
      this.items.push(item);
      this.byUid.set(asset.uid, item);
    }
    this.items.sort((a, b) => a.asset.kindInfo.order - b.asset.kindInfo.order);
  }

  /** Items inside a box of world pixels, at this zoom, in drawing order: calm first, worst last. */
  visible([left, top, right, bottom], zoom, selected = null) {
    const found = [];
    for (const item of this.items) {
      const [x, y] = item.place.point;
      if (isTooSmall(item, zoom, selected)) continue;
      if (item.place.lines ? touches(item.place.lines, left, top, right, bottom) : x >= left && x <= right && y >= top && y <= bottom) found.push(item);
    }
    return found.sort((a, b) => rank(a) - rank(b));
  }

  /** The item under a world point within `slack` world pixels, or null. Marks win over lines. */
  hit([x, y], slack, zoom, shown, selected = null) {
    let best = null;
    let least = Infinity;
    for (const item of this.items) {
      if (isTooSmall(item, zoom, selected) || !shown.has(item.asset.domain)) continue;
      const distance = item.place.lines ? toLines(x, y, item.place.lines) + slack * 0.45 : Math.hypot(item.place.point[0] - x, item.place.point[1] - y);
      if (distance < least && distance <= slack) { least = distance; best = item; }
    }
    return best;
  }

  /** The nearest item from a point in a direction (dx, dy), within 50° of it; without a direction the nearest. */
  towards([x, y], [dx, dy], candidates, except = null) {
    let best = null;
    let least = Infinity;
    for (const item of candidates) {
      if (item === except) continue;
      const [ax, ay] = [item.place.point[0] - x, item.place.point[1] - y];
      const distance = Math.hypot(ax, ay);
      if (dx || dy) {
        const along = (ax * dx + ay * dy) / (distance || 1);
        if (distance === 0 || along < 0.64) continue;
      }
      if (distance < least) { least = distance; best = item; }
    }
    return best;
  }
}

/** Left out at this zoom; an alarm and what is selected are never left out. */
const isTooSmall = ({ asset, look }, zoom, selected) => Boolean(look?.hidden) || (zoom < asset.kindInfo.minZoom && !look?.severity && asset.uid !== selected);

const rank = (item) => (item.place.lines ? 0 : 1000) + (item.look?.severity ? 500 - item.look.severity : 0) + item.asset.kindInfo.order / 100;

function touches(lines, left, top, right, bottom) {
  for (const line of lines) for (const [x, y] of line) if (x >= left && x <= right && y >= top && y <= bottom) return true;
  return false;
}

function toLines(x, y, lines) {
  let least = Infinity;
  for (const line of lines) {
    for (let i = 1; i < line.length; i += 1) least = Math.min(least, toSegment(x, y, line[i - 1], line[i]));
  }
  return least;
}

function toSegment(x, y, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const t = length ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length)) : 0;
  return Math.hypot(ax + t * dx - x, ay + t * dy - y);
}
