// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { clockWords, coordination, endings, percent, sides, timeTicks, together } from "../measures-shapes.js";

const diagram = { begin: [0, 60_000], green_s: [30, null], yellow_s: [50, 50], cycle_s: [60, 60], dots: [[40_000, 40, true], [10_000, 10, false]] };

test("the diagram has time to the right and seconds since red upwards", () => {
  const paths = coordination(diagram, { from: 0, to: 120_000, width: 120, height: 63 });
  assert.equal(paths.green, "M0 33H60");
  assert.equal(paths.yellow, "M0 13H60M60 13H120");
  assert.equal(paths.met, "M40 23h0");
  assert.equal(paths.waited, "M10 53h0");
  assert.deepEqual(paths.ticks[0], [63, 0]);
});

test("the axis of time has few ticks on round instants", () => {
  assert.deepEqual(timeTicks(60_000, 3_660_000, 4), [900_000, 1_800_000, 2_700_000, 3_600_000]);
});

test("how greens ended is shares of those that did", () => {
  assert.deepEqual(endings({ "gap-out": 3, "max-out": 0, "force-off": 1 }), [["gap-out", 0.75, 3], ["force-off", 0.25, 1]]);
  assert.deepEqual(endings({ "gap-out": 0 }), []);
});

test("phases together weigh by their arrivals", () => {
  const all = together([{ arrivals: 30, on_green: 0.5, cycles: 10, failures: 1, skips: 0 }, { arrivals: 10, on_green: 0.9, cycles: 10, failures: 0, skips: 2 }, { arrivals: 0, on_green: null, cycles: 0, failures: 0, skips: 0 }]);
  assert.equal(percent(all.onGreen), "60 %");
  assert.deepEqual([all.arrivals, all.cycles, all.failures, all.skips], [40, 20, 1, 2]);
});

test("a clock is on time, ahead or behind", () => {
  assert.deepEqual([0, 250, -1500, null].map((ms) => clockWords({ median_error_ms: ms })), ["on time", "250 ms ahead", "1.5 s behind", "no batch in this span"]);
});

test("what got worse stands beside what got better", () => {
  const rows = ["worse", "better", "no difference shown", "too few quarters"].map((verdict) => ({ verdict }));
  const found = sides(rows);
  assert.deepEqual([found.better.length, found.worse.length, found.open.length], [1, 1, 2]);
});
