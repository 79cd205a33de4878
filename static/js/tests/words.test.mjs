// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { instant, withQuery } from "#city/api";
import { columns, extent, nearestFlag, recordWords } from "#city/chart-data";
import { named } from "#city/command-line";
import { isStale, staleAfterMs } from "#city/freshness";
import { lockedOut, overridesEnd } from "#city/return-to-local";
import { againstNormal, barShares, sparkPoints } from "#city/kpi-strip";
import { completed } from "#city/layers";
import { parsePlace, writePlace } from "#city/place";
import { score } from "#city/palette";
import { sorted } from "#city/table";
import { bundled, shareOf } from "#city/time-strip";
import { callLabel, duration, number, quantity, telephone } from "#city/words";
import { difference, evidenceOf, newest } from "#city/worth";

test("numbers: three figures, thin thousands, a real minus, nothing for nothing", () => {
  assert.deepEqual([24.123, 4.1, 0.25, 12345, -3, null, NaN, 0].map(number), ["24.1", "4.1", "0.25", "12\u202f345", "−3", "–", "–", "0"]);
});

test("a state's code is said in its word", () => {
  assert.equal(quantity(1, { states: ["in operation", "dark"] }), "dark");
  assert.equal(quantity(3.5, { unit: "kW" }), "3.5\u00a0kW");
});

test("ages and spans grow coarser as they grow", () => {
  assert.deepEqual([0.42, 5, 12, 240, 7800, 400000].map(duration), ["0.4\u00a0s", "5\u00a0s", "12\u00a0s", "4\u00a0min", "2\u00a0h 10\u00a0min", "5\u00a0d"]);
});

test("whom to call is said without the number, the number is dialled", () => {
  assert.equal(callLabel("grid desk, 09 310 1234"), "Call grid desk");
  assert.equal(telephone("grid desk, 09 310 1234"), "093101234");
  assert.equal(telephone("the caretaker"), "");
});

test("a value is stale after two intervals, thirty city seconds or five on the wall, whichever is longest", () => {
  assert.equal(staleAfterMs(60, 1), 120000);
  assert.equal(staleAfterMs(5, 1), 30000);
  assert.equal(staleAfterMs(5, 60), 300000);
  assert.equal(isStale(0, 30001, 5, 1), true);
});

test("the address restores layers, view and selection, and takes nothing else", () => {
  const known = ["traffic", "waste", "lighting", "energy"];
  const place = { at: ["60.17000", "24.94000", 16], layers: ["traffic"], asset: "K-12" };
  const again = parsePlace(writePlace(place, known).slice(1), known);
  assert.deepEqual(again, { at: [60.17, 24.94, 16], layers: ["traffic"], asset: "K-12" });
  assert.deepEqual(parsePlace("?layers=none&asset=<script>&at=1,2", known), { at: null, layers: [], asset: null });
  assert.equal(writePlace({ at: null, layers: known, asset: null }, known), "/");
});

test("chart columns are aligned on one time axis and cut to the span", () => {
  const data = columns({ readings: [[1000, 5], [9000, 7]], forecast: { points: [[9000, 8, 6, 10], [99000, 1, 1, 1]], yesterday: [[1000, 4]] } }, 0, 10000);
  assert.deepEqual(data.slice(0, 6), [[1, 9], [5, 7], [undefined, 8], [undefined, 6], [undefined, 10], [4, undefined]]);
  assert.deepEqual(extent(data)[0], 0);
});

test("a flag is found only near the pointer", () => {
  assert.equal(nearestFlag([{ at: 10 }, { at: 50 }], 14, 5).at, 10);
  assert.equal(nearestFlag([{ at: 10 }], 30, 5), null);
});

test("a forecast says its record, or that there is none", () => {
  assert.equal(recordWords({ points: [], record: {} }), "No forecast yet.");
  assert.equal(recordWords({ points: [[0, 1, 1, 1]], method: "Seasonal naive", record: { coverage80: 0.794 } }), "Seasonal naive · coverage of the 80 % band: 79.4 %");
});

test("the bar shows the normal band and the tick, also in words", () => {
  assert.deepEqual(barShares({ value: 30, range: [0, 60], normal: [15, 45], expected: 36 }), { from: 0.25, to: 0.75, usual: 0.6, tick: 0.5 });
  assert.equal(barShares({ value: 30, range: [0, 60] }).usual, null);
  assert.equal(barShares({ value: 3 }), null);
  assert.equal(againstNormal({ value: 50, normal: [15, 45], unit: "kW" }), "above the normal 15 to 45 kW");
  assert.equal(againstNormal({ value: 20, normal: [15, 45], unit: "%", basis: "this hour on 40 working days" }), "within the normal 15 to 45 % (this hour on 40 working days)");
  assert.equal(sparkPoints([null, 3], 80, 20), "");
});

test("ticks that would cover each other become one that says how many", () => {
  const found = bundled([{ share: 0.5, kind: "command" }, { share: 0.501, kind: "command" }, { share: 0.5, kind: "alarm", severity: 2 }], 60);
  assert.deepEqual(found.map((t) => t.count), [2, 1]);
  assert.equal(shareOf(0, 0, [24, 12]), 24 / 36);
});

test("a table puts what has no value last, whichever way it is sorted", () => {
  const column = { value: (row) => row.v };
  const rows = [{ v: 2 }, { v: undefined }, { v: 10 }];
  assert.deepEqual(sorted(rows, column, false).map((r) => r.v), [2, 10, undefined]);
  assert.deepEqual(sorted(rows, column, true).map((r) => r.v), [10, 2, undefined]);
});

test("search wants every word and likes beginnings", () => {
  assert.equal(score("K-12 Mikonkatu", "mik 99"), 0);
  assert.ok(score("K-12 Mikonkatu", "k-12") > score("Park K-12", "k-12"));
});

test("a layer that throws has nothing to say", () => {
  const warn = console.warn;
  console.warn = () => {};
  const layer = completed({ style: () => { throw new Error("no"); } });
  assert.deepEqual(layer.style({}, new Map()), {});
  console.warn = warn;
  assert.equal(completed({}, "hexagon").kind("container", "Point").shape, "hexagon");
});

test("worth is read against its baseline, in the direction that is better", () => {
  assert.deepEqual(difference({ value: 59, baseline: 100 }, true), { words: "−41\u00a0%", verdict: "better" });
  assert.equal(difference({ value: 110, baseline: 100 }, true).verdict, "worse");
  assert.deepEqual(difference({ value: 5, baseline: 0 }, true), { words: "+5", verdict: "worse" });
  assert.equal(difference({ value: 5, baseline: null }, true), null);
});

test("simulated and measured worth are never mixed", () => {
  assert.equal(evidenceOf({ simulated_value: 1, simulated_baseline: 2, measured_value: null }).evidence, "simulated");
  assert.deepEqual(evidenceOf({ simulated_value: 1, measured_value: 3, measured_baseline: null }), { value: 3, baseline: null, evidence: "measured" });
  assert.equal(newest([{ domain: "a", kpi: "k", baseline_name: "", from_at: 1 }, { domain: "a", kpi: "k", baseline_name: "", from_at: 5 }], Number)[0].from_at, 5);
});

test("an instant is read from milliseconds or ISO 8601, and nothing else", () => {
  assert.equal(instant("2026-11-25T08:00:00+02:00"), Date.UTC(2026, 10, 25, 6));
  assert.deepEqual([instant(5), instant(null), instant("soon")], [5, null, null]);
  assert.equal(withQuery("commands/", { asset: "K-12", domain: "" }), "commands/?asset=K-12");
});

test("what a decision rests on is told with its instant, with or without a name the map knows", () => {
  assert.match(named("series:7@1795600800000"), /^series:7 of .*\d\d:\d\d$/);
  assert.match(named("done by RT-1@1795600800000"), /^done by RT-1 of /);
  assert.equal(named("A-9 traffic.queue 4"), "A-9 traffic.queue 4");
});

test("return to local says what is locked out and how many overrides end", () => {
  assert.deepEqual([0, undefined, 2].map(lockedOut), ["", "", "; 2 of them locked out: nothing is sent there"]);
  assert.deepEqual([0, 1, 3].map(overridesEnd), ["No override stands.", "1 override ends, whoever placed it.", "3 overrides end, whoever placed them."]);
});
