// SPDX-License-Identifier: Apache-2.0
// From readings and a forecast to aligned columns for the chart and rows for its table. Pure.

import { instant } from "#city/api";

export const AHEAD = 2.2 * 3600_000; // of what is to come on a panel's chart
const OF_READINGS = 1, MEDIAN = 2, LOW = 3, HIGH = 4, BEFORE = 5, LOW_50 = 6, HIGH_50 = 7, LOW_95 = 8, HIGH_95 = 9, BEFORE_LOW = 10, BEFORE_HIGH = 11;
const NOTHING = Array(BEFORE_HIGH).fill(undefined);

/**
 * [x in s, readings, median, low, high, what was said before, low and high of 50 %, of 95 %, of what was said]; x ascending. Where another
 * column has its instant a value is undefined (the line goes on); an unusable reading is null (a gap). `said` stands in for yesterday's medians,
 * and the other bands are left out unless they are `wide`. */
export function columns({ readings = [], forecast = null, said = null, wide = false }, fromMs, toMs) {
  const rows = new Map();
  const put = (at, index, value) => {
    const ms = instant(at);
    if (ms === null || ms < fromMs || ms > toMs) return;
    if (!rows.has(ms)) rows.set(ms, [ms / 1000, ...NOTHING]);
    rows.get(ms)[index] = value ?? null;
  };
  const pair = (at, index, band) => band && band.forEach((value, k) => put(at, index + k, value));
  for (const [at, value] of readings) put(at, OF_READINGS, value);
  (forecast?.points ?? []).forEach(([at, median, low, high], k) => {
    put(at, MEDIAN, median);
    pair(at, LOW, [low, high]);
    if (wide) { pair(at, LOW_50, forecast.bands?.["50"]?.[k]); pair(at, LOW_95, forecast.bands?.["95"]?.[k]); }
  });
  for (const [at, median, low, high] of said?.points ?? forecast?.yesterday ?? []) { put(at, BEFORE, median); if (said) pair(at, BEFORE_LOW, [low, high]); }
  const sorted = [...rows.values()].sort((a, b) => a[0] - b[0]);
  return Array.from({ length: NOTHING.length + 1 }, (_, i) => sorted.map((row) => row[i]));
}

/** What the table behind the chart shows of these columns: [{title, column}], the time left out. */
export function tableColumns({ said = null, wide = false, forecast = null }) {
  const band = (name, low) => [{ title: `${name} from`, column: low }, { title: `${name} to`, column: low + 1 }];
  const stated = (name) => wide && forecast?.bands?.[name];
  return [
    { title: "Measured", column: OF_READINGS }, { title: "Forecast", column: MEDIAN }, ...band("80 %", LOW),
    ...(stated("50") ? band("50 %", LOW_50) : []), ...(stated("95") ? band("95 %", LOW_95) : []),
    { title: said ? "Said then" : "Yesterday’s", column: BEFORE }, ...(said ? band("then 80 %", BEFORE_LOW) : []),
  ];
}

/** The window in which a forecast of before is seen whole, up to a little after now where it reaches so far. Pure. */
export function windowOf(said, now) {
  const [from, to] = [said.points[0][0], said.points.at(-1)[0] + said.step_s * 1000];
  return { from, to: to > now - 3600_000 ? now + AHEAD : to };
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
