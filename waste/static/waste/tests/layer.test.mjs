// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { fill, headline, position, rows, state, style } from "../layer.js";

const bin = { kind: "container", empty_mm: 2200, full_mm: 200, kg_full: 270, rota_every_days: 3, access_from: 6, access_to: 11 };
const truck = { kind: "truck", capacity_kg: 3500 };

test("a container fills from below by its level", () => {
  assert.deepEqual(style(bin, new Map([["waste.fill_level", 62.4]])), { level: 0.624, label: "62 %" });
  assert.equal(style(bin, new Map()).level, 0);
});

test("an echo becomes a level by the container's geometry, and no echo becomes nothing", () => {
  assert.equal(fill(bin, new Map([["waste.distance", 700]])), 75);
  assert.equal(fill(bin, new Map([["waste.distance", 50]])), 100);
  assert.equal(fill(bin, new Map([["waste.distance", 2900]])), undefined);
  assert.equal(fill({ kind: "container" }, new Map([["waste.distance", 700]])), undefined);
});

test("a truck is where it says, a container where the map has it", () => {
  const values = new Map([["waste.longitude", 24.94], ["waste.latitude", 60.17]]);
  assert.deepEqual(position(truck, values), [24.94, 60.17]);
  assert.equal(position(truck, new Map()), undefined);
  assert.equal(position(bin, values), undefined);
});

test("the card of a truck says in words what the crew does", () => {
  const card = state(truck, new Map([["waste.truck_state", 3], ["waste.load", 700]]));
  assert.equal(card.title, "Emptying");
  assert.equal(card.ring.text, "20");
  assert.equal(state(truck, new Map()), null);
});

test("a container shows when a truck may stop and what the fixed rota would do", () => {
  const labels = Object.fromEntries(rows(bin, new Map())[0].rows.map((row) => [row.label, row.value]));
  assert.equal(labels["A truck may stop"], "6 to 11 h");
  assert.equal(labels["Fixed rota"], "every 3 days");
});

test("the headline counts the full ones", () => {
  const items = [40, 100].map((level) => ({ asset: bin, values: new Map([["waste.fill_level", level]]) }));
  assert.deepEqual(headline(items), { value: 70, unit: "% fill level", note: "1 of 2 full" });
  assert.match(headline([]).note, /no container/);
});
