// SPDX-License-Identifier: Apache-2.0
// A ledger entry in words: the figure, the baseline, how far apart, and which evidence it is. Pure.

import { number } from "#city/words";

/** {value, baseline, evidence} of the column the entry holds, measured first; null when it holds neither. */
export function evidenceOf(entry) {
  for (const evidence of ["measured", "simulated"]) {
    const value = entry[`${evidence}_value`];
    if (typeof value === "number") return { value, baseline: entry[`${evidence}_baseline`] ?? null, evidence };
  }
  return null;
}

/** How far from the baseline: {words: "−41 %", verdict: "better" | "worse" | "same"}; null without a baseline. */
export function difference({ value, baseline }, lowerIsBetter) {
  if (typeof value !== "number" || typeof baseline !== "number") return null;
  const apart = value - baseline;
  const small = Math.abs(apart) <= Math.abs(baseline) * 0.005;
  const verdict = small ? "same" : apart < 0 === lowerIsBetter ? "better" : "worse";
  const sign = apart > 0 ? "+" : apart < 0 ? "−" : "±";
  const words = baseline ? `${sign}${number(Math.round((Math.abs(apart) / Math.abs(baseline)) * 100))}\u00a0%` : `${sign}${number(Math.abs(apart))}`;
  return { words, verdict };
}

/** The newest entry per figure and baseline, in the order they were given. */
export function newest(entries, at) {
  const found = new Map();
  for (const entry of entries) {
    const key = `${entry.domain}/${entry.kpi}/${entry.baseline_name}`;
    const kept = found.get(key);
    if (!kept || at(entry.from_at) > at(kept.from_at)) found.set(key, entry);
  }
  return [...found.values()];
}
