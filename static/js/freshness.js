// SPDX-License-Identifier: Apache-2.0
// When a value is too old to be believed. Pure.

/** Twice the expected interval, at least 30 s of city time and 5 s on the wall. */
export function staleAfterMs(everyS, speed = 1) {
  return 1000 * Math.max(2 * (everyS || 60), 30, 5 * Math.max(1, speed));
}

export const isStale = (at, now, everyS, speed) => now - at > staleAfterMs(everyS, speed);
