// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { faultOf, spanOf, whyNothing } from "#city/baselines";

const at = Date.UTC(2026, 10, 19, 12);
const asked = { name: "programme only", design: "before/after", reason: "trial", span: spanOf("2026-11-01", "2026-11-02") };

test("both days of the form count, from midnight to midnight", () => {
  assert.deepEqual(spanOf("2026-11-01", "2026-11-02"), { from: Date.UTC(2026, 10, 1), to: Date.UTC(2026, 10, 3) });
  assert.equal(spanOf("", "2026-11-02"), null);
  assert.equal(spanOf("2026-11-01", ""), null);
});

test("a form that is not finished says what is missing", () => {
  assert.equal(faultOf(asked, at), "");
  assert.match(faultOf({ ...asked, span: null }, at), /first and the last day/);
  assert.match(faultOf({ ...asked, span: spanOf("2026-11-05", "2026-11-03") }, at), /before the first/);
  assert.match(faultOf({ ...asked, span: spanOf("2026-11-25", "2026-11-26") }, at), /still to come/);
  assert.match(faultOf({ ...asked, name: "" }, at), /name/);
  assert.match(faultOf({ ...asked, design: "" }, at), /how the days were chosen/);
  assert.match(faultOf({ ...asked, reason: "" }, at), /why/);
});

test("where nothing can be stored it says why, and nothing to those who may not anyway", () => {
  assert.match(whyNothing([{ days: 0 }], true), /SIMULATION/);
  assert.match(whyNothing([{ days: 0 }], false), /whole day/);
  assert.equal(whyNothing([{ days: 0 }, { days: 2 }], false), "");
  assert.equal(whyNothing([], true), "");
});
