// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { columns, headline, levelOfService, rows, state, style } from "../layer.js";

const junction = { kind: "intersection", name: "Main / Side" };
const approach = { kind: "approach", name: "Main from north", speed_kmh: 40, length_m: 150, lanes: 2 };
const said = (values) => new Map(Object.entries(values).map(([name, value]) => [`traffic.${name}`, value]));

test("an approach is the wider the fuller it is, and strong when full", () => {
  assert.deepEqual(style(approach, said({ occupancy: 0 })), { width: 2, tone: "normal" });
  assert.deepEqual(style(approach, said({ occupancy: 100 })), { width: 8, tone: "saturated" });
});

test("an approach whose detector is silent is drawn as off, not as empty", () => {
  assert.equal(style(approach, new Map()).tone, "off");
});

test("a junction fills by its longest red and names its stage", () => {
  assert.deepEqual(style(junction, said({ stage: 2, status: 0, longest_red_s: 60 })), { level: 0.5, label: "stage 2" });
});

test("a signal out of order says what it is, whatever stage it last had", () => {
  assert.equal(style(junction, said({ stage: 2, status: 2 })).label, "flashing");
  assert.equal(state(junction, said({ stage: 2, status: 2 })).title, "Flashing");
});

test("a flashing signal with its door open says both, and an open door alone hides no stage", () => {
  assert.equal(state(junction, said({ stage: 2, status: 2, door: 1, mains: 0 })).title, "Flashing, door open");
  const card = state(junction, said({ stage: 2, status: 0, door: 1, mains: 1 }));
  assert.deepEqual([card.title, card.ring.text], ["Door open, mains failed", "2"]);
  assert.equal(style(junction, said({ stage: 2, status: 4, door: 1 })).label, "door open");
});

test("a changing signal has no stage and no green", () => {
  const card = state(junction, said({ stage: 0, status: 0, green_s: 0 }));
  assert.equal(card.title, "Changing");
  assert.equal(card.rows[0].value, undefined);
});

test("the card says who controls and how many wait on all approaches", () => {
  const children = [3, 4].map((queue) => ({ asset: approach, values: said({ queue }) }));
  const card = state(junction, said({ stage: 1, control_source: 1, plan: 0, rung: 0 }), children);
  assert.deepEqual(card.rows.slice(1).map((row) => row.value), ["centre", "adaptive", "stages by request", 7]);
});

test("the card says how the junction has fallen back, and why", () => {
  const card = state(junction, said({ stage: 1, control_source: 3, plan: 0, rung: 1, fallback_reason: 1 }));
  assert.deepEqual([card.rows[2].value, card.rows[2].note], ["actuated", "a detector is silent"]);
});

test("nothing reported, no card", () => {
  assert.equal(state(junction, new Map(), []), null);
  assert.equal(state(approach, new Map(), []), null);
});

test("the level of service goes by speed against the free speed", () => {
  const level = (speed) => levelOfService(approach, said({ speed }));
  assert.deepEqual([40, 30, 20, 17, 11, 2].map(level), ["A", "B", "D", "D", "E", "F"]);
  assert.equal(levelOfService(approach, new Map()), undefined);
});

test("waits stand beside the fixed plan, and only where measured", () => {
  const groups = rows(junction, said({ control_delay: 12, fixed_plan_delay: 20 }), []);
  assert.deepEqual(groups.map((group) => group.title), ["Signal", "Waits, last 5 min"]);
  assert.equal(groups[1].rows.length, 1);
  assert.match(groups[1].rows[0].note, /fixed plan 20\.0/);
});

test("the headline weighs delay by flow", () => {
  const items = [[10, 100], [20, 300]].map(([control_delay, flow]) => ({ asset: junction, values: said({ control_delay, flow }) }));
  assert.equal(headline(items).value, 17.5);
  assert.match(headline([]).note, /no delay/);
});

test("every kind has columns", () => {
  assert.ok(columns("approach").length >= 3);
  assert.ok(columns("intersection").length >= 3);
});
