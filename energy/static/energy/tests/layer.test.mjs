// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { columns, headline, kinds, rows, state, style } from "../layer.js";

const transformer = { kind: "transformer", rated_kva: 630 };
const battery = { kind: "battery", capacity_kwh: 100, power_kw: 40 };
const site = { kind: "connection_point", contracted_kw: 80, use: "office" };

test("a transformer fills by its loading and is labelled only near its rating", () => {
  assert.deepEqual(style(transformer, new Map([["energy.loading", 50]])), { level: 0.5, label: undefined });
  assert.deepEqual(style(transformer, new Map([["energy.loading", 104]])), { level: 1, label: "104 %" });
});

test("a silent device has neither fill nor card", () => {
  for (const kind of Object.keys(kinds)) {
    assert.deepEqual(style({ kind }, new Map()), {});
    assert.equal(state({ kind }, new Map()), null);
  }
});

test("a battery says what it does", () => {
  const at = (kw) => state(battery, new Map([["energy.soc", 40], ["energy.battery_kw", kw]])).title;
  assert.deepEqual([at(12), at(-12), at(0.2)], ["Charging", "Discharging", "Resting"]);
});

test("export never draws a negative fill", () => {
  assert.equal(style(site, new Map([["energy.import_kw", -20]])).level, 0);
});

test("a connection point names what stands behind it", () => {
  const children = ["battery", "charger", "charger", "pv_plant"].map((kind) => ({ asset: { kind }, values: new Map() }));
  assert.equal(rows(site, new Map(), children)[3].value, "1 battery, 2 charging points, 1 PV plant");
  assert.equal(rows(site, new Map(), [])[3].value, "nothing to steer");
});

test("every kind in the table has columns", () => {
  for (const kind of Object.keys(kinds)) assert.ok(columns(kind).length >= 2, kind);
});

test("the headline sums imports in MW", () => {
  const items = [400, 900].map((kw) => ({ asset: site, values: new Map([["energy.import_kw", kw]]) }));
  assert.equal(headline(items).value, 1.3);
});
