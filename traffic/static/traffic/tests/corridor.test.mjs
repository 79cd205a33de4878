// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { WIDTH, advice, bandShapes, bandwidth, scales, ticks } from "../corridor-model.js";

const MINUTE = 60_000;
const FOUND = {
  from: 0, to: 10 * MINUTE, speed_kmh: 36, junctions: [{ at_m: 0 }, { at_m: 300 }, { at_m: 600 }],
  bands: { out: [[60_000, 80_000], [180_000, 190_000]], back: [] },
};

test("time runs to the right and distance up", () => {
  const { x, y } = scales(FOUND);
  assert.ok(x(0) < x(MINUTE) && x(10 * MINUTE) <= WIDTH && y(600) < y(300) && y(300) < y(0));
});

test("a band leans by the time the platoon takes", () => {
  const { x } = scales(FOUND);
  const [first] = bandShapes(FOUND, "out");
  const corners = first.points.split(" ").map((point) => Number(point.split(",")[0]));
  assert.equal(first.seconds, 20);
  assert.ok(Math.abs(corners[3] - corners[0] - (x(60_000) - x(0))) < 0.2); // 600 m at 10 m/s
  assert.equal(bandShapes(FOUND, "back").length, 0);
});

test("the mean band of a way, and none where no platoon gets through", () => {
  assert.equal(bandwidth(FOUND, "out"), 15);
  assert.equal(bandwidth(FOUND, "back"), 0);
});

test("at most six marks on the axis, at full minutes", () => {
  const marks = ticks({ from: 30_000, to: 30_000 + 10 * MINUTE });
  assert.ok(marks.length <= 6 && marks.every((at) => at % MINUTE === 0));
});

test("a dry run says what it would save against holding, and only while it is fresh", () => {
  const now = 100 * MINUTE;
  const note = "7 vehicles; changing to stage 2 costs 96 veh·s, holding stage 1 costs 140 veh·s";
  const events = [{ asset: "K-2", outcome: "advised", at: now, note }, { asset: "K-1", outcome: "advised", at: now - MINUTE, note }];
  assert.deepEqual(advice(events, "K-1", now), { stage: 2, saves: 44, stays: false, at: now - MINUTE });
  assert.equal(advice(events, "K-3", now), null);
  assert.equal(advice(events, "K-1", now + 20 * MINUTE), null);
  const holds = [{ asset: "K-1", outcome: "advised", at: now, note: "x; holding stage 1 costs 10 veh·s, changing to stage 2 costs 90 veh·s" }];
  assert.deepEqual(advice(holds, "K-1", now), { stage: 1, saves: 0, stays: true, at: now });
});
