// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import test from "node:test";

globalThis.document ??= { getElementById: () => null };
const { apart, faultOf, whereWords } = await import("#city/events");

const NOW = 1_795_593_600_000;
const HOUR = 3_600_000;
const one = (more) => ({ name: "Derby", start: NOW + HOUR, end: NOW + 2 * HOUR, after_s: 0, cancelled_at: null, ...more });

test("what comes stands apart from what is over or cancelled, the nearest first", () => {
  const rows = [one({ name: "late", start: NOW + 9 * HOUR, end: NOW + 10 * HOUR }), one({ name: "over", start: NOW - 3 * HOUR, end: NOW - HOUR }), one({ name: "off", cancelled_at: NOW }), one({ name: "soon" }), one({ name: "fading", start: NOW - 2 * HOUR, end: NOW - HOUR, after_s: 7200 })];
  const found = apart(rows, NOW);
  assert.deepEqual(found.coming.map((row) => row.name), ["fading", "soon", "late"]);
  assert.deepEqual(found.past.map((row) => row.name), ["off", "over"]);
});

test("where it is, in words", () => {
  assert.equal(whereWords({ zone: "", radius_m: null }), "whole city");
  assert.equal(whereWords({ zone: "n", zone_name: "North", radius_m: null }), "North");
  assert.equal(whereWords({ zone: "n", zone_name: "North", radius_m: 400, lat: 60.17, lon: 24.94 }), "North, within 400 m of 60.1700, 24.9400");
});

test("what is missing is said before it is sent", () => {
  const good = { name: "Derby", start: NOW, end: NOW + HOUR, lat: null, lon: null, radius_m: null, expected_percent: null, reason: "the fixtures" };
  assert.equal(faultOf(good), "");
  for (const [more, says] of [[{ name: "D" }, "name"], [{ start: null }, "day and time"], [{ end: NOW }, "before it starts"], [{ lat: 60 }, "latitude, longitude"], [{ expected_percent: 0 }, "Leave out"], [{ reason: "" }, "where you know it"]]) assert.match(faultOf({ ...good, ...more }), new RegExp(says));
});
