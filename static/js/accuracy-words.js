// SPDX-License-Identifier: Apache-2.0
// The accuracy board in words. Pure.

import { when } from "#city/time";
import { number, quantity } from "#city/words";

export const percent = (share) => (typeof share === "number" ? `${Math.round(share * 100)}\u00a0%` : "–");

/** A scaled error with two decimals. */
export const mase = (value) => (typeof value === "number" ? value.toFixed(2) : "–");

/** Beside seasonal naive: {words: "24 % closer", verdict: "better" | "worse" | "same"}; null where it was not measured. */
export function beside(skill) {
  if (typeof skill !== "number") return null;
  if (Math.abs(skill) < 0.005) return { words: "as close", verdict: "same" };
  return skill > 0 ? { words: `${percent(skill)} closer`, verdict: "better" } : { words: `${percent(-skill)} further off`, verdict: "worse" };
}

/** Which way the medians lean: "1.2 kW too low", of what was said. */
export function lean(bias, unit) {
  if (typeof bias !== "number") return "–";
  if (bias === 0) return "none";
  return `${quantity(Math.abs(Number(bias.toPrecision(3))), { unit })} too ${bias > 0 ? "low" : "high"}`;
}

/** "a mix of methods 80 %, Prophet 20 %"; a share below one per cent is said so. */
export const methodsOf = (methods) => methods.map(({ title, share }) => `${title} ${share < 0.01 ? "under 1\u00a0%" : percent(share)}`).join(", ");

/** How the first day and the later ones differ; "" where the horizon is one day. */
export function byDay({ first_day: first, later_days: later }) {
  const said = [["First day", first], ["later days", later]].filter(([, part]) => part).map(([name, part]) => `${name}: MASE ${mase(part.mase)}, ${percent(part.coverage80)} inside the 80 % band`);
  return said.length ? `${said.join("; ")}.`.replace(/^l/, "L") : "";
}

/** "pv_plant" → "PV plant". */
const spelt = (kind) => String(kind).replaceAll("_", " ").replace(/\bpv\b/, "PV");

/** "connection_point" → "connection points". */
export function plural(kind) {
  const word = spelt(kind);
  return /(s|x|ch|sh)$/.test(word) ? `${word}es` : /[^aeiou]y$/.test(word) ? `${word.slice(0, -1)}ies` : `${word}s`;
}

/** "35 intersections", "1 feeder". */
export const counted = (n, kind) => `${number(n)}\u00a0${n === 1 ? spelt(kind) : plural(kind)}`;

/** When the first score of a kind comes. */
export function firstScore(one, now) {
  const due = one.first_at <= now ? "within minutes" : when(one.first_at, now);
  return `${one.title} of ${counted(one.series, one.kind)}: first score ${due}.`;
}
