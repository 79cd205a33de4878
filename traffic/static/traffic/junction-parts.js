// SPDX-License-Identifier: Apache-2.0
// The parts of a junction's panel, each from data to nodes: diagram, countdown, approaches, costs, requests.

import { h } from "#city/dom";
import { hms } from "#city/time";
import { duration, number } from "#city/words";
import { OUTCOMES, costsOf, planWords, seenIn, sideOf } from "./junction-model.js";

const CENTRE = 70, STOP = 20, OUT = 68;
const bar = (share, strong, label) => h("svg.bar", { role: "img", "aria-label": label },
  h("rect.track", { width: "100%", height: 6, rx: 3 }), share > 0 && h(strong ? "rect.share.strong" : "rect.share", { width: `${(Math.min(1, share) * 100).toFixed(1)}%`, height: 6, rx: 3 }));

/** Who chooses the stages, what is wrong, which plan: first of all. */
export function controlLine({ word, plan, trouble, strong }) {
  return h(strong ? "p.junction-control.strong" : "p.junction-control", {},
    trouble && h("strong", {}, `${trouble.charAt(0).toUpperCase()}${trouble.slice(1)}`), trouble && " · ",
    h("span.unit", {}, "Control: "), h("strong", {}, word), plan && h("span.unit", {}, ` · ${plan}`));
}

/** The junction seen from above, north up: an arm per approach, its queue from the stop line back, an arrow where it may go. */
export function diagram(arms, { stage, stale } = {}) {
  const open = arms.filter((arm) => arm.green !== "none").map((arm) => arm.name);
  const label = stage ? `Stage ${stage}: ${open.length ? `green for ${open.join(", ")}` : "no approach has green"}` : "Changing: no approach has green";
  return h(stale ? "svg.junction.stale" : "svg.junction", { viewBox: "0 0 140 140", role: "img", "aria-label": label },
    h("circle.box", { cx: CENTRE, cy: CENTRE, r: 18 }), arms.map((arm) => armOf(arm)), h("text.north", { x: 131, y: 13 }, "N"), h("path.north-mark", { d: "M131 16v9m-2.5-6.5 2.5-2.5 2.5 2.5" }));
}

function armOf({ bearing, lanes, green, full, name, queue }) {
  const width = 7 + 4 * Math.min(3, lanes);
  const waiting = (OUT - STOP - 2) * full;
  const at = -(width + 1); // traffic keeps right: the lanes that come in lie left of the arm's middle as seen from the centre
  return h("g", { transform: `translate(${CENTRE} ${CENTRE}) rotate(${bearing})` }, h("title", {}, `${name}: ${green === "none" ? "red" : green === "part" ? "green for some of its lanes" : "green"}${queue === undefined ? "" : `, ${number(queue)} waiting`}`),
    h("rect.road", { x: at, y: -OUT, width, height: OUT - STOP }),
    h("rect.road.away", { x: 1, y: -OUT, width: Math.max(7, width - 4), height: OUT - STOP }),
    waiting > 0 && h("rect.waiting", { x: at + 2, y: -STOP - 2 - waiting, width: width - 4, height: waiting }),
    h(green === "none" ? "rect.stop" : `rect.stop.${green}`, { x: at, y: -STOP - 2, width, height: 4 }),
    green !== "none" && h(`path.go.${green}`, { d: `M${at + width / 2 - 6} ${-STOP + 3}h12l-6 9z` }));
}

/** How long the stage goes on: at least, due, at most; the track ends at the latest of them. */
export function countdown(now) {
  if (!now) return null;
  const { changing, least_s: least, most_s: most, due_s: due, next } = now;
  if (changing) return h("p.until", {}, h("strong", {}, next ? `Stage ${next}` : "Next stage"), h("span.unit", {}, due === undefined ? " follows" : ` in ${due} s`));
  const words = [least > 0 ? `at least ${least} s` : "may end now", most !== undefined ? `at most ${most} s` : "no one waits to end it"];
  const whole = Math.max(30, due ?? 0, most ?? 0, least ?? 0);
  const x = (seconds) => `${((seconds / whole) * 100).toFixed(1)}%`;
  const from = least ?? 0, until = most ?? whole;
  return [
    h("p.until", {}, due === undefined ? h("strong", {}, "Goes on") : [h("strong", {}, `${due} s`), h("span.unit", {}, ` to stage ${next}`)]),
    h("svg.window", { "aria-hidden": "true" }, h("rect.track", { y: 3, width: "100%", height: 6, rx: 3 }), until > from && h("rect.may", { x: x(from), y: 3, width: x(until - from), height: 6, rx: 3 }), due !== undefined && h("rect.due", { x: x(Math.min(due, whole * 0.985)), y: 0, width: 2, height: 12 })),
    h("p.small", {}, words.join(" · ")),
  ];
}

/** Degree of saturation and back of queue of each approach as bars, the fullest first. */
export function approachRows(rows, arms) {
  const armOf = new Map(arms.map((arm) => [arm.uid, arm]));
  const sorted = [...rows].sort((a, b) => (b.saturation ?? -1) - (a.saturation ?? -1));
  return h("table.approaches", {}, h("caption.hidden", {}, "Approaches: degree of saturation and queue against storage"),
    h("thead", {}, h("tr", {}, ["Approach", "Saturation", "Queue of room, back"].map((title) => h("th", { scope: "col" }, title)))),
    h("tbody", {}, sorted.map((row) => approachRow(row, armOf.get(row.uid)))));
}

function approachRow(row, arm) {
  const queue = arm?.queue ?? row.queue;
  const back = row.back_m;
  const share = queue === null || queue === undefined || !row.storage ? 0 : queue / row.storage;
  const full = row.saturation;
  return h("tr", {}, h("th", { scope: "row", title: row.name }, h(`i.lamp.${arm?.green ?? "none"}`, { "aria-hidden": "true" }), h("a", { href: `/?asset=${encodeURIComponent(row.uid)}` }, `from ${sideOf(row.heading)}`), h("span.small", {}, row.name.replace(/ from [a-z-]+$/, ""))),
    h("td", {}, bar(full ?? 0, full > 0.9, `degree of saturation ${full ?? "not known"}`), h("span.figure", {}, full === null || full === undefined ? "–" : full.toFixed(2), row.level && h("span.unit", { title: "level of service by control delay, HBS 2015" }, ` ${row.level}`))),
    h("td", {}, bar(share, share > 0.8, `queue ${queue ?? "not known"} of ${row.storage ?? "unknown"} vehicles`), h("span.figure", {}, queue === null || queue === undefined ? "–" : `${Math.round(queue)}`, h("span.unit", {}, row.storage ? ` of ${Math.round(row.storage)}` : " veh", back ? `, ${Math.round(back)} m` : ""))));
}

/** What was seen, and what each stage would have cost, the cheapest first. */
export function whyStage(event, now) {
  if (!event) return h("p.empty", {}, "No request yet: the controller runs its own plan, or nothing has been decided.");
  const costs = costsOf(event.note);
  const most = Math.max(1, ...costs.map((one) => one.cost));
  const least = costs[0]?.cost;
  return [
    h("p.why-text", {}, seenIn(event.note)),
    costs.length > 0 && h("div.costs", {}, costs.map((one) => h("div.cost-row", {}, h(one.chosen ? "strong" : "span", {}, `Stage ${one.stage}${one.held ? ", held" : ""}`), bar(one.cost / most, one.chosen, `stage ${one.stage} costs ${one.cost}`),
      h("span.figure", {}, number(one.cost), h("span.unit", {}, one.cost > least ? ` +${number(one.cost - least)}` : " veh·s"))))),
    h("p.small", {}, `${OUTCOMES[event.outcome] ?? event.outcome} ${duration((now - event.at) / 1000)} ago${costs.some((one) => one.chosen && one.cost > least) ? "; the dearer stage was forced by its wait" : ""}`),
  ];
}

/** The last requests and what became of them. */
export function requestList(events) {
  if (!events.length) return h("p.empty", {}, "No switch request in the log.");
  const good = (one) => one.outcome === "confirmed";
  const bad = (one) => one.outcome === "refused" || one.outcome === "limit" || one.outcome === "unanswered";
  return h("ol.requests", {}, events.slice(0, 5).map((one) => h("li", {}, h("time", { datetime: new Date(one.at).toISOString() }, hms(one.at)),
    h("div", {}, h("span", {}, planWords(one.value)), bad(one) && h("span.small", {}, one.note)),
    h(bad(one) ? "span.outcome.bad" : "span.outcome", {}, good(one) && h("span.ok", { "aria-hidden": "true" }, "✓ "), bad(one) && h("span", { "aria-hidden": "true" }, "✗ "), OUTCOMES[one.outcome] ?? one.outcome))));
}

const STEP_AHEAD = 5; // the step half an hour ahead
const banded = (steps, unit) => {
  const [value, low, high] = steps?.[STEP_AHEAD] ?? [];
  if (value === undefined || value === null) return h("span.unit", {}, "–");
  return [h("strong", {}, number(value)), h("span.unit", {}, low === null ? ` ${unit}` : ` ${number(low)}–${number(high)} ${unit}`)];
};

/** Half an hour ahead: flow, queue and travel time of each approach with their 80 % bands; null where nothing is known yet. */
export function nextHour(found) {
  const known = found.approaches.filter((one) => one.flow || one.queue || one.travel_s);
  if (!known.length) return h("p.empty", {}, "Too little of today or of usual days is known yet.");
  return [
    h("table.approaches.ahead", {}, h("caption.hidden", {}, "Half an hour ahead, with the band that holds 80 %"),
      h("thead", {}, h("tr", {}, ["Approach", "Flow", "Queue", "Travel time"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, known.map((one) => h("tr", {}, h("th", { scope: "row", title: one.name }, `from ${sideOf(one.heading)}`), h("td", {}, banded(one.flow, "veh/h")), h("td", {}, banded(one.queue, "veh")), h("td", {}, banded(one.travel_s, "s")))))),
    h("p.small", {}, "Half an hour ahead, with the 80 % band: how today differs from usual, fading; the band from how wrong that was today."),
  ];
}
