// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { arms, control, costsOf, isRecent, planWords, requestsOf, running, seenIn, sideOf } from "../junction-model.js";

const NOW = 1_700_000_000_000;
const ANNOUNCED = {
  min_green_s: 5, max_red_s: 120, stages: [{ number: 1, name: "Main", serves: { "A-1": 1 } }, { number: 2, name: "Side", serves: { "A-2": 0.5 } }],
  approaches: { "A-1": { storage: 20 }, "A-2": { storage: 10 } },
};

function values(said, { age_s = 1, stale = false } = {}) {
  const found = new Map(Object.entries(said).map(([name, value]) => [`traffic.${name}`, { value, at: NOW - age_s * 1000, age_s, usable: true, stale }]));
  return { reading: (metric) => found.get(metric), get: (metric) => (stale ? undefined : found.get(metric)?.value) };
}

test("the countdown counts on between reports", () => {
  const now = running(values({ stage: 1, green_s: 10, next_stage: 2, ends_in_s: 8, longest_red_s: 30 }), ANNOUNCED, NOW);
  assert.deepEqual([now.stage, now.name, now.green_s, now.least_s, now.due_s, now.most_s], [1, "Main", 11, 0, 7, 89]);
});

test("before its minimum green a stage says how long it lasts at least, and with nobody waiting no end is promised", () => {
  const now = running(values({ stage: 1, green_s: 1, next_stage: 0, ends_in_s: 0, longest_red_s: 0 }), ANNOUNCED, NOW);
  assert.deepEqual([now.least_s, now.due_s, now.most_s], [3, undefined, undefined]);
});

test("while changing it names the stage that begins", () => {
  const now = running(values({ stage: 0, green_s: 0, next_stage: 2, ends_in_s: 4 }), ANNOUNCED, NOW);
  assert.deepEqual([now.changing, now.next, now.due_s, now.name], [true, 2, 3, "Side"]);
});

test("nothing reported is nothing said, and old words are marked as old", () => {
  assert.equal(running(values({}), ANNOUNCED, NOW), null);
  assert.equal(running(values({ stage: 1 }, { stale: true, age_s: 300 }), ANNOUNCED, NOW).stale, true);
});

test("trouble and a fallback stand out; the plan is in words", () => {
  assert.deepEqual(control(values({ control_source: 1, plan: 0, status: 0 })), { word: "Centre", plan: "stages by request", trouble: "", strong: false });
  assert.deepEqual(control(values({ control_source: 3, plan: 1, status: 2, door: 1 })), { word: "Fallback", plan: "fixed plan 1", trouble: "flashing, door open", strong: true });
  assert.equal(control(values({})).word, "Not reported");
});

test("an arm lies where its traffic comes from and is open as its stage says", () => {
  const children = [["A-1", 180], ["A-2", 90]].map(([uid, heading]) => ({ asset: { uid, heading, name: uid, lanes: 1 }, values: values({ queue: 5 }) }));
  const [north, west] = arms(children, ANNOUNCED, 2);
  assert.deepEqual([north.bearing, north.green, north.full], [0, "none", 0.25]);
  assert.deepEqual([west.bearing, west.green, west.full], [270, "part", 0.5]);
  assert.deepEqual([sideOf(180), sideOf(90), sideOf(-10)], ["north", "west", "south"]);
});

test("costs are read out of the reason, the chosen one known though it may be dearer", () => {
  const text = "7 vehicles on Main; changing to stage 2 costs 140 veh·s, holding stage 1 costs 96 veh·s (3 confirmed since the last)";
  assert.deepEqual(costsOf(text), [{ stage: 1, cost: 96, held: true, chosen: false }, { stage: 2, cost: 140, held: false, chosen: true }]);
  assert.equal(seenIn(text), "7 vehicles on Main");
  assert.deepEqual(costsOf("minimum green of stage 1 has 3 s to go"), []);
});

test("a plan in words, and only stages in the list of requests", () => {
  assert.equal(planWords("2@1700000015 3@1700000040"), "stage 2, stage 3 25 s later");
  assert.equal(planWords(3), "hold stage 3");
  assert.deepEqual(requestsOf([{ point: "lease" }, { point: "stage" }, { point: "stage_plan" }]).length, 2);
  assert.equal(isRecent({ at: NOW - 11 * 60_000 }, NOW), false);
});
