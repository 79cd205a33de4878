// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { Store, figure, inSight, merged, worstByAsset } from "#city/store";

const snapshot = (extra = {}) => ({ t: "snapshot", seq: 7, at: 1000, mode: "SIMULATION", speed: 10, ceiling: 10, ...extra });
const alarm = (extra = {}) => ({ id: 1, asset: "T-17", severity: 3, raised_at: 10, ...extra });

test("a snapshot replaces everything that was known", () => {
  const store = new Store();
  store.apply(snapshot({ values: [[1, 5, 100, 0]], alarms: [alarm()] }));
  const change = store.apply(snapshot({ seq: 3, values: [[2, 6, 100, 0]] }));
  assert.equal(change.everything, true);
  assert.deepEqual([...store.values.keys()], [2]);
  assert.equal(store.alarms.size, 0);
});

test("deltas follow each other by one; a gap asks for a resync", () => {
  const store = new Store();
  assert.equal(store.apply({ t: "delta", seq: 1 }), null);
  store.apply(snapshot());
  assert.notEqual(store.apply({ t: "delta", seq: 8, values: [[1, 2, 50, 0]] }), null);
  assert.equal(store.apply({ t: "delta", seq: 10 }), null);
  assert.equal(store.seq, 8);
});

test("an older reading never replaces a newer one", () => {
  const store = new Store();
  store.apply(snapshot({ values: [[1, 5, 200, 0]] }));
  const change = store.apply({ t: "delta", seq: 8, values: [[1, 4, 100, 0]] });
  assert.equal(change.series.size, 0);
  assert.deepEqual(store.values.get(1), [5, 200, 0]);
});

test("an alarm that is over leaves, one that was acknowledged stays but not in sight", () => {
  const store = new Store();
  store.apply(snapshot({ alarms: [alarm(), alarm({ id: 2, severity: 1 })] }));
  store.apply({ t: "delta", seq: 8, alarms: [alarm({ gone: true }), { id: 2, acknowledged: true }] });
  assert.deepEqual([...store.alarms.keys()], [2]);
  assert.deepEqual(inSight(store.alarms.values(), 0), []);
  assert.equal(store.alarms.get(2).severity, 1);
});

test("in sight: worst first, then newest; shelved ones come back when their time is over", () => {
  const alarms = [alarm({ id: 1, severity: 3, raised_at: 5 }), alarm({ id: 2, severity: 1, raised_at: 1 }), alarm({ id: 3, severity: 3, raised_at: 9 }), alarm({ id: 4, shelved_until: 100 })];
  assert.deepEqual(inSight(alarms, 50).map((a) => a.id), [2, 3, 1]);
  assert.equal(inSight(alarms, 150).some((a) => a.id === 4), true);
});

test("an asset is as bad as its worst standing alarm", () => {
  const worst = worstByAsset([alarm({ severity: 3 }), alarm({ severity: 2 }), alarm({ asset: "C-1", severity: 4 }), alarm({ asset: "C-1", severity: 1, cleared_at: 5 })], 0);
  assert.deepEqual([...worst], [["T-17", 2], ["C-1", 4]]);
});

test("what a hidden tab missed arrives as one change", () => {
  const store = new Store();
  const a = store.apply(snapshot({ values: [[1, 1, 1, 0]] }));
  const b = store.apply({ t: "delta", seq: 8, values: [[2, 1, 1, 0]], commands: [{ id: "x" }] });
  const both = merged(a, b);
  assert.deepEqual([...both.series], [1, 2]);
  assert.equal(both.everything, true);
  assert.equal(both.commands.length, 1);
});

test("a headline is drawn whichever way its ends are named", () => {
  assert.deepEqual(figure({ value: 3, floor: 0, ceiling: 10, low: 2, high: 4, line: "calm" }).normal, [2, 4]);
  assert.equal(figure({ value: 3, low: null, high: 4 }).normal, null);
});

test("a notice stands as long as frames carry it", () => {
  const store = new Store();
  store.apply(snapshot({ notice: "Values stand still." }));
  assert.equal(store.notice, "Values stand still.");
  store.apply({ t: "delta", seq: 8, notice: "Values stand still." });
  assert.equal(store.notice, "Values stand still.");
  store.apply({ t: "delta", seq: 9 });
  assert.equal(store.notice, "");
});
