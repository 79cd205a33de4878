// SPDX-License-Identifier: Apache-2.0
// What parts, chances and a what-if say in words. Pure.

import { percent } from "#city/accuracy-words";
import { hm, when } from "#city/time";
import { number, quantity } from "#city/words";

const short = (value) => Number(value.toPrecision(3));

/** A chance a person can use: "under 1 %" and "over 99 %" at the ends. */
export function chance(share) {
  if (share < 0.01) return "under 1\u00a0%";
  if (share > 0.99) return "over 99\u00a0%";
  return percent(share);
}

/** "+120" with a real plus or minus. */
export const signed = (value) => (value > 0 ? `+${number(short(value))}` : number(short(value)));

/** How far a part pulls the forecast down and up: "−43 to +120 kW"; the level is said as it is. */
export function pull(values, unit, isLevel = false) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const said = isLevel ? (short(low) === short(high) ? number(short(low)) : `${number(short(low))} to ${number(short(high))}`) : `${signed(low)} to ${signed(high)}`;
  return unit && unit !== "1" ? `${said}\u00a0${unit}` : said;
}

/** "Above 420 kW once at least within a day: 34 % (whatever goes together, between 22 and 100 %). Likeliest at 17:45: 22 %." */
export function crossingWords({ crossing, above, unit }) {
  const likeliest = crossing.steps.reduce((best, step) => (step[1] > best[1] ? step : best));
  const bounds = crossing.most - crossing.least > 0.01 ? ` (however its steps go together, between ${percent(crossing.least)} and ${percent(crossing.most)})` : "";
  const where = likeliest[1] >= 0.01 ? ` Likeliest at ${hm(likeliest[0])}: ${chance(likeliest[1])}.` : "";
  return `Above ${quantity(short(above), { unit })} at least once within a day: ${chance(crossing.once)}${bounds}.${where}`;
}

/** "The peak falls between 17:00 and 19:00 with 83 %, and is 430 kW (80 %: 390 to 480)." */
export function peakWords({ peak, unit }, now) {
  const { from, to, chance: share } = peak.likeliest;
  const { low, median, high } = peak.height;
  return `The highest hour lies between ${when(from, now)} and ${hm(to)} with ${chance(share)}; its mean is ${quantity(short(median), { unit })} (80\u00a0%: ${number(short(low))} to ${number(short(high))}).`;
}

/** The largest change of a what-if: "At most −210 kW, at 17:15 (80 %: −260 to −160)." */
export function differenceWords(points, unit, now) {
  const most = points.reduce((best, point) => (Math.abs(point[1]) > Math.abs(best[1]) ? point : best));
  if (!most[1]) return "It changes nothing.";
  const said = unit && unit !== "1" ? `${signed(most[1])}\u00a0${unit}` : signed(most[1]);
  return `At most ${said}, at ${when(most[0], now)} (80\u00a0%: ${signed(most[2])} to ${signed(most[3])}).`;
}
