// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { arrows, givesWayIn, point } from "../sheet-diagram.js";

const near = (a, b) => a.forEach((n, i) => assert.ok(Math.abs(n - b[i]) < 0.01, `${a} is not ${b}`));

test("north is up, and the right of who drives north is east", () => {
  near(point(0, 50), [100, 50]);
  near(point(90, 50), [150, 100]);
  near(point(0, 0, 10), [110, 100]);
});

test("a green movement starts at its stop line and ends where it leaves", () => {
  const sheet = {
    approaches: [{ uid: "A", heading: 0 }], groups: [{ id: "V1" }, { id: "V2" }], yields: [{ a: "V1", b: "V2" }],
    movements: [{ id: "M1", approach: "A", turn: "left", group: "V1", leaves: 270 }, { id: "M2", approach: "A", turn: "straight", group: "V2", leaves: 0 }],
  };
  const [left] = arrows(sheet, { green: ["V1"] });
  assert.ok(left.tip[0] < 40 && left.path.startsWith("M 106.0 152.0"));
  assert.equal(left.dashed, false);
  assert.equal(givesWayIn(sheet, { green: ["V1", "V2"] }, "V1"), true);
});
