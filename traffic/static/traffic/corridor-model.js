// SPDX-License-Identifier: Apache-2.0
// The time-space diagram of a corridor as figures: places, bars and bands in a box; and what a dry run would have saved. Pure.

import { costsOf } from "./junction-model.js";

export const WIDTH = 900, LEFT = 8, TOP = 16, FOOT = 26;

/** Height for so many junctions: the longer the corridor, the more room, never less than what labels need. */
export const heightOf = (found) => TOP + FOOT + Math.max(60 + 46 * found.junctions.length, 200);

/** {x(ms), y(m)}: time across, distance up. */
export function scales(found) {
  const long = Math.max(1, ...found.junctions.map((one) => one.at_m));
  const height = heightOf(found);
  return {
    x: (at) => LEFT + ((at - found.from) / (found.to - found.from)) * (WIDTH - 2 * LEFT),
    y: (metres) => height - FOOT - 14 - (metres / long) * (height - TOP - FOOT - 34),
  };
}

/** [{points, seconds}] of each band of one way: the parallelogram that starts in [from, to] at the way's first junction. */
export function bandShapes(found, way) {
  const { x, y } = scales(found);
  const places = found.junctions.map((one) => one.at_m);
  const [first, last] = way === "out" ? [places[0], places.at(-1)] : [places.at(-1), places[0]];
  const late = (Math.abs(last - first) / (found.speed_kmh / 3.6)) * 1000;
  return found.bands[way].map(([from, to]) => ({
    seconds: Math.round((to - from) / 1000),
    points: [[x(from), y(first)], [x(to), y(first)], [x(to + late), y(last)], [x(from + late), y(last)]].map(([a, b]) => [Math.min(WIDTH - LEFT, a), b].map((v) => Math.round(v * 10) / 10).join(",")).join(" "),
  }));
}

/** Mean width of the bands of a way in seconds, 0 where there is none. */
export function bandwidth(found, way) {
  const widths = found.bands[way].map(([from, to]) => (to - from) / 1000);
  return widths.length ? widths.reduce((sum, width) => sum + width, 0) / widths.length : 0;
}

/** Full minutes for the axis, at most six of them. */
export function ticks(found) {
  const minutes = (found.to - found.from) / 60_000;
  const step = Math.max(1, Math.ceil(minutes / 6)) * 60_000;
  const marks = [];
  for (let at = Math.ceil(found.from / step) * step; at < found.to; at += step) marks.push(at);
  return marks;
}

/** What the newest advice for a junction would have saved against the running stage: {stage, saves, at}, null where there is none. */
export function advice(events, uid, now, within = 10 * 60_000) {
  const newest = events.find((one) => one.asset === uid && one.outcome === "advised" && now - one.at <= within);
  if (!newest) return null;
  const costs = costsOf(newest.note);
  const chosen = costs.find((one) => one.chosen);
  const held = costs.find((one) => one.held);
  if (!chosen) return null;
  return { stage: chosen.stage, saves: held && !chosen.held ? Math.max(0, held.cost - chosen.cost) : 0, stays: chosen.held, at: newest.at };
}
