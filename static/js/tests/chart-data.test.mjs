// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { columns, tableColumns, windowOf } from "#city/chart-data";

const HOUR = 3600_000;
const forecast = { points: [[2000, 5, 4, 6]], yesterday: [[1000, 3]], bands: { 50: [[4.5, 5.5]], 95: [[2, 8]] } };
const at = (data, ms, column) => data[column][data[0].indexOf(ms / 1000)];

test("one band by default; the others only where they are asked for", () => {
  const narrow = columns({ forecast }, 0, 9000);
  assert.deepEqual([at(narrow, 2000, 3), at(narrow, 2000, 4)], [4, 6]);
  assert.equal(at(narrow, 2000, 6), undefined);
  const all = columns({ forecast, wide: true }, 0, 9000);
  assert.deepEqual([6, 7, 8, 9].map((column) => at(all, 2000, column)), [4.5, 5.5, 2, 8]);
});

test("what was said stands in for yesterday's line and brings its own band", () => {
  const said = { points: [[1000, 7, 6, 8, 7.5]] };
  const data = columns({ forecast, said }, 0, 9000);
  assert.deepEqual([5, 10, 11].map((column) => at(data, 1000, column)), [7, 6, 8]);
  assert.equal(at(columns({ forecast }, 0, 9000), 1000, 5), 3);
});

test("the table has what the chart has", () => {
  const titles = (model) => tableColumns(model).map((one) => one.title);
  assert.deepEqual(titles({ forecast }), ["Measured", "Forecast", "80 % from", "80 % to", "Yesterday’s"]);
  assert.ok(titles({ forecast, wide: true }).includes("95 % to"));
  assert.ok(!titles({ forecast: { bands: {} }, wide: true }).includes("95 % to"));
  assert.deepEqual(titles({ forecast, said: {} }).slice(-3), ["Said then", "then 80 % from", "then 80 % to"]);
});

test("a forecast of before is seen whole: up to a little after now where it reaches so far, else alone", () => {
  const said = { step_s: 900, points: [[0, 1, 1, 1], [23.75 * HOUR, 1, 1, 1]] };
  assert.deepEqual(windowOf(said, 24 * HOUR), { from: 0, to: 26.2 * HOUR });
  assert.deepEqual(windowOf(said, 168 * HOUR), { from: 0, to: 24 * HOUR });
});
