// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { headline, rows, state, style } from "../layer.js";

const lamp = { kind: "luminaire", power_w: 60 };

test("a lamp glows by its level", () => {
  assert.equal(style(lamp, new Map([["lighting.dim_level", 50]])).level, 0.5);
  assert.equal(style(lamp, new Map()).level, 0);
});

test("a silent lamp has no state card", () => {
  assert.equal(state(lamp, new Map(), []), null);
});

test("a fault is named in words", () => {
  const card = state(lamp, new Map([["lighting.dim_level", 0], ["lighting.fault", 2]]), []);
  assert.equal(card.rows[2].value, "burning by day");
});

test("a street shows its classes and the mean of its lamps", () => {
  const children = [40, 60].map((level) => ({ asset: lamp, values: new Map([["lighting.dim_level", level]]) }));
  const [group] = rows({ kind: "lighting_segment", normal_class: "M4", minimum_class: "M6" }, new Map(), children);
  assert.equal(group.rows[3].value, 50);
});

test("by day the headline says that light is not due", () => {
  assert.match(headline([{ asset: lamp, values: new Map([["lighting.dim_level", 0]]) }]).note, /not due/);
});
