// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { beside, byDay, counted, firstScore, lean, methodsOf, percent } from "#city/accuracy-words";
import { markShares } from "#city/band-mark";

test("beside the season before: closer is better, further off is worse, nothing is nothing", () => {
  assert.deepEqual(beside(0.24), { words: "24\u00a0% closer", verdict: "better" });
  assert.deepEqual(beside(-0.14), { words: "14\u00a0% further off", verdict: "worse" });
  assert.equal(beside(0.001).verdict, "same");
  assert.equal(beside(null), null);
});

test("a lean is said of what was forecast: more came, so it was too low", () => {
  assert.equal(lean(1.234, "kW"), "1.23\u00a0kW too low");
  assert.equal(lean(-3, "1"), "3 too high");
  assert.deepEqual([lean(0, "kW"), lean(null, "kW")], ["none", "–"]);
});

test("methods with their shares", () => {
  assert.equal(methodsOf([{ title: "a mix of methods", share: 0.996 }, { title: "Prophet", share: 0.004 }]), "a mix of methods 100\u00a0%, Prophet under 1\u00a0%");
});

test("days are told apart only where there are several", () => {
  assert.equal(byDay({ first_day: null, later_days: null }), "");
  const part = (mase, coverage80) => ({ mase, coverage80 });
  assert.equal(byDay({ first_day: part(0.5, 0.82), later_days: part(0.75, 0.7) }), "First day: MASE 0.50, 82\u00a0% inside the 80 % band; later days: MASE 0.75, 70\u00a0% inside the 80 % band.");
});

test("things are counted in their plural", () => {
  assert.deepEqual([counted(1, "feeder"), counted(3, "connection_point"), counted(2, "approach")], ["1\u00a0feeder", "3\u00a0connection points", "2\u00a0approaches"]);
});

test("an empty board says when its first score comes", () => {
  const one = { title: "Load", series: 2, kind: "feeder", first_at: Date.UTC(2026, 10, 20, 6, 5) };
  assert.match(firstScore(one, Date.UTC(2026, 10, 19, 12)), /^Load of 2\u00a0feeders: first score Fri 20 Nov 06:05\.$/);
  assert.match(firstScore(one, one.first_at + 1), /first score within minutes/);
});

test("a band's mark spans from half to all and never leaves its track", () => {
  const shares = markShares(0.9, 0.8);
  assert.ok(Math.abs(shares[0] - 0.8) < 1e-9 && Math.abs(shares[1] - 0.6) < 1e-9);
  assert.deepEqual(markShares(0.2, 0.95).map((share) => Number(share.toFixed(2))), [0, 0.9]);
  assert.equal(percent(0.815), "82\u00a0%");
});
