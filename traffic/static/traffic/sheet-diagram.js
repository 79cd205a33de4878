// SPDX-License-Identifier: Apache-2.0
// The stage diagram: what is green in a stage, as arrows on the junction's plan, north up, traffic on the right.

import { h } from "#city/dom";

const SIZE = 200, MIDDLE = SIZE / 2, EDGE = 96, STOP = 52, EXIT = 84, WALK = 60;

const rad = (degrees) => (degrees * Math.PI) / 180;
const ahead = (heading) => [Math.sin(rad(heading)), -Math.cos(rad(heading))];
const toTheRight = (heading) => [Math.cos(rad(heading)), Math.sin(rad(heading))];

/** A point `along` metres-of-the-drawing in a heading from the middle, and `aside` to the right of it. */
export function point(heading, along, aside = 0) {
  const [x, y] = ahead(heading);
  const [u, v] = toTheRight(heading);
  return [MIDDLE + x * along + u * aside, MIDDLE + y * along + v * aside];
}

const said = (p) => p.map((n) => n.toFixed(1)).join(" ");

/** Whether a group gives way to something that is green beside it. */
export const givesWayIn = (sheet, stage, group) => sheet.yields.some((pair) => pair.a === group && stage.green.includes(pair.a) && stage.green.includes(pair.b));

/** [{path, tip, heading, group, dashed}] of the vehicle movements that are green. */
export function arrows(sheet, stage) {
  const shown = sheet.movements.filter((m) => stage.green.includes(m.group));
  return shown.map((movement) => {
    const heading = sheet.approaches.find((a) => a.uid === movement.approach)?.heading ?? 0;
    const beside = [...new Set(sheet.movements.filter((m) => m.approach === movement.approach).map((m) => m.group))].indexOf(movement.group);
    const start = point(heading, -STOP, 6 + 6 * Math.min(beside, 2));
    const out = movement.leaves ?? heading;
    const tip = movement.leaves === null || movement.leaves === undefined ? point(heading, 22, 6 + 6 * Math.min(beside, 2)) : point(out, EXIT - 8, 8);
    const bend = movement.leaves === null || movement.leaves === undefined ? "L" : `Q ${said(corner(heading, out))}`;
    return { path: `M ${said(start)} ${bend} ${said(tip)}`, tip, heading: out, group: movement.group, dashed: givesWayIn(sheet, stage, movement.group) };
  });
}

function corner(heading, out) {
  const turn = Math.abs(((out - heading + 540) % 360) - 180);
  return turn < 20 ? [MIDDLE, MIDDLE].map((n, i) => n + toTheRight(heading)[i] * 8) : [MIDDLE, MIDDLE].map((n, i) => n + toTheRight(heading)[i] * 7 + toTheRight(out)[i] * 7);
}

function head([x, y], heading) {
  const [a, b] = ahead(heading);
  const [u, v] = toTheRight(heading);
  return [[x + a * 8, y + b * 8], [x + u * 4.5, y + v * 4.5], [x - u * 4.5, y - v * 4.5]].map((p) => p.map((n) => n.toFixed(1)).join(",")).join(" ");
}

function walk(sheet, stage, group) {
  const heading = sheet.approaches.find((a) => a.uid === group.approach)?.heading ?? 0;
  const ends = [point(heading, -WALK - 8, -17), point(heading, -WALK - 8, 17)];
  return h("g.walk", {}, h("line", { x1: ends[0][0], y1: ends[0][1], x2: ends[1][0], y2: ends[1][1] }),
    h("polygon", { points: head(ends[0], heading - 90) }), h("polygon", { points: head(ends[1], heading + 90) }), h("title", {}, group.id));
}

/** The drawing of one stage; its words say the same to who cannot see it. */
export function stageDiagram(sheet, stage) {
  const green = sheet.groups.filter((group) => stage.green.includes(group.id));
  const words = green.map((g) => `${g.id} (${g.kind}${givesWayIn(sheet, stage, g.id) ? ", gives way" : ""})`).join(", ");
  return h("svg.stage-diagram", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": `Stage ${stage.number}: ${words || "nothing"} green` },
    roads(sheet).map((heading) => { const [x, y] = point(heading, EDGE); return h("line.road", { x1: MIDDLE, y1: MIDDLE, x2: x, y2: y }); }),
    sheet.approaches.map((a) => { const [p, q] = [point(a.heading, -STOP, 1), point(a.heading, -STOP, 17)]; return h("line.stop", { x1: p[0], y1: p[1], x2: q[0], y2: q[1] }); }),
    green.filter((g) => g.kind === "pedestrian").map((g) => walk(sheet, stage, g)),
    arrows(sheet, stage).map((arrow) => h(arrow.dashed ? "g.arrow.gives-way" : "g.arrow", {}, h("path", { d: arrow.path }), h("polygon", { points: head(arrow.tip, arrow.heading) }), h("title", {}, arrow.group))),
    sheet.approaches.map((a) => names(sheet, stage, a)), h("text.north", { x: 8, y: 14 }, "N ↑"));
}

/** Where roads lie: each approach comes down one, each exit leaves by one. */
function roads(sheet) {
  const found = [];
  for (const heading of [...sheet.approaches.map((a) => (a.heading + 180) % 360), ...sheet.movements.map((m) => m.leaves).filter((l) => l !== null && l !== undefined)]) {
    if (!found.some((other) => Math.abs(((heading - other + 540) % 360) - 180) < 15)) found.push(heading);
  }
  return found;
}

function names(sheet, stage, approach) {
  const shown = sheet.groups.filter((g) => g.approach === approach.uid && stage.green.includes(g.id)).map((g) => g.id);
  const [x, y] = point(approach.heading, -88, 23);
  return shown.length > 0 && h("text.names", { x: Math.max(14, Math.min(SIZE - 14, x)).toFixed(1), y: Math.max(8, Math.min(SIZE - 6, y + 3)).toFixed(1) }, shown.join(" "));
}
