// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import * as edits from "../sheet-edits.js";

const sheet = {
  groups: [{ id: "V1", min_green_s: 5 }, { id: "V2", min_green_s: 5 }], stages: [{ number: 1, green: ["V1"] }, { number: 2, green: ["V2"] }],
  conflicts: [{ a: "V1", b: "V2" }], yields: [], intergreens: [{ ends: "V1", begins: "V2", seconds: 5 }],
  plans: [{ number: 1, name: "day", cycle_s: 60, offset_s: 0, splits: [{ stage: 1, green_s: 30 }, { stage: 2, green_s: 20 }] }], calendar: [], estimated: ["plans"],
};

test("a change leaves the sheet it was made from as it was", () => {
  const before = JSON.stringify(sheet);
  assert.deepEqual(edits.toggleGreen(sheet, 0, "V2").stages[0].green, ["V1", "V2"]);
  assert.deepEqual(edits.toggleGreen(sheet, 0, "V1").stages[0].green, []);
  assert.equal(edits.changeGroup(sheet, 1, { min_green_s: 8 }).groups[1].min_green_s, 8);
  assert.deepEqual(edits.moveSplit(sheet, 0, 1, -1).plans[0].splits.map((s) => s.stage), [2, 1]);
  assert.equal(edits.addPlan(sheet).plans[1].number, 2);
  assert.deepEqual(edits.confirmPart(sheet, "plans").estimated, []);
  assert.equal(JSON.stringify(sheet), before);
});

test("a figure between groups makes them conflict; ending the conflict takes its figures along", () => {
  const apart = edits.toggleConflict(sheet, "V2", "V1");
  assert.deepEqual([apart.conflicts, apart.intergreens], [[], []]);
  const again = edits.changeIntergreen(apart, "V2", "V1", 4);
  assert.ok(edits.isConflict(again, "V1", "V2") && edits.intergreen(again, "V2", "V1") === 4);
  assert.equal(edits.intergreen(edits.changeIntergreen(sheet, "V1", "V2", null), "V1", "V2"), undefined);
});

test("what was done can be undone and done again, until something else is done", () => {
  const history = new edits.History(1);
  history.push(2);
  history.push(3);
  assert.deepEqual([history.undo(), history.undo(), history.undo(), history.redo()], [2, 1, 1, 2]);
  history.push(9);
  assert.deepEqual([history.redo(), history.undo()], [9, 2]);
});

test("a time of day is read or refused", () => {
  assert.deepEqual(["07:30", "24:00", "7:05", "24:01", "12:60", "noon"].map(edits.minutes), [450, 1440, 425, null, null, null]);
  assert.equal(edits.clock(450), "07:30");
});
