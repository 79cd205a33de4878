// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { Scene, lonLat, placed, world } from "#city/scene";

const asset = (uid, lon, lat, extra = {}) => ({ uid, domain: "lighting", geometry: { type: "Point", coordinates: [lon, lat] }, kindInfo: { shape: "dot", order: 1, minZoom: 0 }, ...extra });
const all = new Set(["lighting"]);
const everywhere = [0, 0, 256, 256];

function scene(...assets) {
  const found = new Scene();
  found.set(assets);
  for (const item of found.items) item.look = { severity: item.asset.severity ?? 0 };
  return found;
}

test("Mercator there and back is the same place", () => {
  const [lon, lat] = lonLat(world([24.9414, 60.1719]));
  assert.ok(Math.abs(lon - 24.9414) < 1e-9 && Math.abs(lat - 60.1719) < 1e-9);
});

test("a line is placed at its middle point, nothing is placed without a geometry", () => {
  const { point, lines } = placed({ type: "LineString", coordinates: [[0, 0], [1, 0], [2, 0]] });
  assert.deepEqual(point, world([1, 0]));
  assert.equal(lines.length, 1);
  assert.equal(placed(null), null);
});

test("a click takes the nearest mark within reach and shown", () => {
  const s = scene(asset("A", 24, 60), asset("B", 24.001, 60));
  const slack = 14 / 2 ** 18;
  assert.equal(s.hit(world([24.0009, 60]), 1, 16, all).asset.uid, "B");
  assert.equal(s.hit(world([25, 60]), slack, 18, all), null);
  assert.equal(s.hit(world([24, 60]), 1, 16, new Set()), null);
});

test("what is drawn last is worst", () => {
  const s = scene(asset("bad", 24, 60, { severity: 1 }), asset("calm", 24, 60), asset("low", 24, 60, { severity: 4 }));
  assert.deepEqual(s.visible(everywhere, 16).map((i) => i.asset.uid), ["calm", "low", "bad"]);
});

test("a kind with a least zoom is neither drawn nor hit below it", () => {
  const s = scene(asset("A", 24, 60, { kindInfo: { shape: "dot", order: 1, minZoom: 15 } }));
  assert.equal(s.visible(everywhere, 14).length, 0);
  assert.equal(s.hit(world([24, 60]), 1, 14, all), null);
  assert.equal(s.visible(everywhere, 15).length, 1);
});

test("arrow keys walk to the nearest asset in that direction", () => {
  const s = scene(asset("here", 24, 60), asset("east", 24.01, 60), asset("far east", 24.1, 60), asset("north", 24, 60.01));
  const here = s.byUid.get("here");
  assert.equal(s.towards(here.place.point, [1, 0], s.items, here).asset.uid, "east");
  assert.equal(s.towards(here.place.point, [0, -1], s.items, here).asset.uid, "north");
  assert.equal(s.towards(here.place.point, [-1, 0], s.items, here), null);
});
