// SPDX-License-Identifier: Apache-2.0
// From readings and a forecast to aligned columns for the chart and rows for its table. Pure.

import { instant } from "#city/api";

const NOTHING = Array(5).fill(undefined);
const OF_READINGS = 1, MEDIAN = 2, LOW = 3, HIGH = 4, BEFORE = 5;

/**
 * [x in s, readings, median, low, high, yesterday's median]; x ascending. Where another column has its instant a value is undefined (the line goes on);
 * an unusable reading is null (a gap). */
export function columns({ readings = [], forecast = null }, fromMs, toMs) {
  const rows = new Map();
  const put = (at, index, value) => {
    const ms = instant(at);
    if (ms === null || ms < fromMs || ms > toMs) return;
    if (!rows.has(ms)) rows.set(ms, [ms / 1000, ...NOTHING]);
    rows.get(ms)[index] = value ?? null;
  };
  for (const [at, value] of readings) put(at, OF_READINGS, value);
  for (const [at, median, low, high] of forecast?.points ?? []) { put(at, MEDIAN, median); put(at, LOW, low); put(at, HIGH, high); }
  for (const [at, median] of forecast?.yesterday ?? []) put(at, BEFORE, median);
  const sorted = [...rows.values()].sort((a, b) => a[0] - b[0]);
  return [0, 1, 2, 3, 4, 5].map((i) => sorted.map((row) => row[i]));
}

/** Lowest and highest of all columns, with room above; zero stays in when the values come near it. */
export function extent(data) {
  let low = Infinity;
  let high = -Infinity;
  for (const column of data.slice(1)) for (const v of column) if (typeof v === "number") { low = Math.min(low, v); high = Math.max(high, v); }
  if (low > high) return [0, 1];
  const span = high - low || Math.abs(high) || 1;
  const floor = low >= 0 && low < span * 0.8 ? 0 : low - span * 0.08;
  return [floor, high + span * 0.12];
}

/** The command nearest to x within `slack`, or null. */
export function nearestFlag(flags, x, slack) {
  const found = flags.map((flag) => [Math.abs(flag.at - x), flag]).sort(([a], [b]) => a - b)[0];
  return found && found[0] <= slack ? found[1] : null;
}

/** "Portfolio · skill 31 % over seasonal naive · coverage of the 80 % band, 28 days: 79.4 %" */
export function recordWords(forecast) {
  const record = forecast?.record;
  if (record?.words) return record.words;
  if (!forecast?.points?.length) return "No forecast yet.";
  const parts = [forecast.method];
  if (typeof record?.skill === "number") parts.push(`skill ${Math.round(record.skill * 100)} % over seasonal naive`);
  if (typeof record?.coverage80 === "number") parts.push(`coverage of the 80 % band: ${(record.coverage80 * 100).toFixed(1)} %`);
  return parts.filter(Boolean).join(" · ");
}
