// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";

import { chance, crossingWords, differenceWords, peakWords, pull, signed } from "#city/insight-words";
import { sharesOf } from "#city/method-history";
import { placed, rangeOf } from "#city/small-chart";

const at = Date.UTC(2026, 10, 19, 15);
const HOUR = 3600_000;

test("a chance is never said to be nothing or certain", () => {
  assert.deepEqual([0, 0.004, 0.34, 0.999].map(chance), ["under 1\u00a0%", "under 1\u00a0%", "34\u00a0%", "over 99\u00a0%"]);
});

test("a threshold is said with its chance, with what holds whatever goes together, and the likeliest step", () => {
  const crossing = { once: 0.34, least: 0.22, most: 1, steps: [[at, 0.1], [at + HOUR, 0.22]] };
  const said = crossingWords({ crossing, above: 420, unit: "kW" });
  assert.match(said, /^Above 420\u00a0kW at least once within a day: 34\u00a0% \(however .* between 22\u00a0% and 100\u00a0%\)\. Likeliest at \d\d:00: 22\u00a0%\.$/);
  const never = crossingWords({ crossing: { once: 0, least: 0, most: 0, steps: [[at, 0]] }, above: 420, unit: "kW" });
  assert.equal(never, "Above 420\u00a0kW at least once within a day: under 1\u00a0%.");
});

test("the peak is said as hours with their chance and its height with a band", () => {
  const peak = { likeliest: { from: at, to: at + 2 * HOUR, chance: 0.83 }, height: { low: 390.4, median: 431, high: 480 } };
  assert.match(peakWords({ peak, unit: "kW" }, at), /^The highest hour lies between \d\d:00 and \d\d:00 with 83\u00a0%; its mean is 431\u00a0kW \(80\u00a0%: 390 to 480\)\.$/);
});

test("a difference is said where it is largest, with its sign and its band", () => {
  assert.match(differenceWords([[at, 0, 0, 0], [at + HOUR, -210.4, -260, -160]], "kW", at), /^At most −210\u00a0kW, at \d\d:00 \(80\u00a0%: −260 to −160\)\.$/);
  assert.equal(differenceWords([[at, 0, 0, 0]], "kW", at), "It changes nothing.");
  assert.deepEqual([signed(12.34), signed(-3), signed(0)], ["+12.3", "−3", "0"]);
});

test("a part pulls down and up; the level is said as it is", () => {
  assert.equal(pull([-43.21, 120], "kW"), "−43.2 to +120\u00a0kW");
  assert.equal(pull([594, 594.2], "1", true), "594");
});

test("small pictures share one scale with zero in it, and flat ones are no trouble", () => {
  assert.deepEqual(rangeOf([3, 5], [-2]), [-2, 5]);
  assert.deepEqual(rangeOf([0, 0]), [0, 1]);
  assert.deepEqual(placed([0, 1], [0, 1]), [[0, 42], [300, 2]]);
  assert.deepEqual(placed([1], [0, 1]), [[0, 2]]);
});

test("methods are said with their shares", () => {
  assert.equal(sharesOf([{ title: "Prophet", share: 0.624 }, { title: "seasonal naive", share: 0.376 }]), "Prophet 62\u00a0%, seasonal naive 38\u00a0%");
});
