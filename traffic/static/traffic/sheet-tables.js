// SPDX-License-Identifier: Apache-2.0
// The tables of a timing sheet: groups, intergreens, plans, calendar. With `edit` their figures are fields.

import { h } from "#city/dom";
import { number } from "#city/words";
import * as edits from "./sheet-edits.js";
import { stageDiagram } from "./sheet-diagram.js";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"];
const FIGURES = [["min_green_s", "Min green"], ["max_red_s", "Max red"], ["yellow_s", "Yellow"], ["all_red_s", "All-red"], ["walk_s", "Walk"], ["clearance_s", "Clearance"], ["width_m", "Width"]];
const ON_FOOT = new Set(["walk_s", "clearance_s", "width_m"]);

const figure = (value) => (value === undefined ? "" : number(Number(value.toFixed(1))));
const press = (label, act, more = {}) => h("button.button.small-button", { type: "button", onclick: act, ...more }, label);

function box(label, value, act, { min = 0, step = 0.5 } = {}) {
  const input = h("input.figure", { type: "number", min, step, "aria-label": label, value: value ?? "" });
  input.addEventListener("change", () => { const next = input.value === "" ? null : Number(input.value); act(Number.isFinite(next) || next === null ? next : null); });
  return input;
}

const choose = (label, value, choices, act) => { const list = h("select", { "aria-label": label }, choices.map(([name, words]) => h("option", { value: name, selected: String(name) === String(value) ? true : null }, words))); list.addEventListener("change", () => act(list.value)); return list; };

export function stages(sheet, edit) {
  return h("div.stage-row", {}, sheet.stages.map((stage, place) => h("figure.stage", {}, stageDiagram(sheet, stage),
    h("figcaption", {}, h("strong", {}, `Stage ${stage.number}`), h("span.small", {}, ` ${stage.name}${stage.on_call ? ", on call" : ""}`)),
    edit && h("div.chips", { role: "group", "aria-label": `Green in stage ${stage.number}` }, sheet.groups.map((group) => h("button.chip", { type: "button", "aria-pressed": stage.green.includes(group.id), onclick: () => edit(edits.toggleGreen(sheet, place, group.id)) }, group.id))))));
}

export function groups(sheet, edit) {
  const names = new Map(sheet.approaches.map((a) => [a.uid, a.name]));
  const applies = (group, field) => (group.kind === "pedestrian" ? ON_FOOT.has(field) || field === "max_red_s" : !ON_FOOT.has(field));
  const cell = (group, place, [field, title]) => {
    if (!applies(group, field)) return h("td.number.none", {}, "–");
    return h("td.number", {}, edit ? box(`${title} of ${group.id}`, group[field], (value) => edit(edits.changeGroup(sheet, place, { [field]: value ?? 0 }))) : figure(group[field]));
  };
  return scroll("Signal groups", h("table.sheet-table", {}, h("thead", {}, h("tr", {}, ["Group", "Kind", "Approach", "Right of way"].map((t) => h("th", { scope: "col" }, t)), FIGURES.map(([field, t]) => h("th.number", { scope: "col" }, t, h("span.unit", {}, field.endsWith("_m") ? " m" : " s"))))),
    h("tbody", {}, sheet.groups.map((group, place) => h("tr", {}, h("th", { scope: "row" }, group.id), h("td", {}, group.kind), h("td", {}, names.get(group.approach) ?? group.approach), h("td", {}, group.right), FIGURES.map((f) => cell(group, place, f)))))));
}

export function matrix(sheet, edit) {
  const cell = (ends, begins) => {
    if (ends === begins) return h("td.same-group", { "aria-hidden": "true" });
    const seconds = edits.intergreen(sheet, ends, begins);
    const crosses = edits.isConflict(sheet, ends, begins);
    const words = crosses ? (seconds === undefined ? "missing" : figure(seconds)) : "";
    const style = `td.number${crosses && seconds === undefined ? ".missing" : ""}${crosses && edits.givesWay(sheet, ends, begins) ? ".yields" : ""}${crosses ? "" : ".free"}`;
    return h(style, {}, edit && crosses ? box(`Intergreen from ${ends} to ${begins}`, seconds, (value) => edit(edits.changeIntergreen(sheet, ends, begins, value))) : words);
  };
  const names = sheet.groups.map((g) => g.id);
  return [
    scroll("Intergreen matrix", h("table.sheet-table.matrix", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "ends \\ begins"), names.map((n) => h("th.number", { scope: "col" }, n)))),
      h("tbody", {}, names.map((ends) => h("tr", {}, h("th", { scope: "row" }, ends), names.map((begins) => cell(ends, begins))))))),
    h("p.small", {}, "Seconds from the end of green of the row to the start of green of the column. Empty: they do not conflict. Italic: the row gives way to the column and may be green beside it."),
    edit && conflictForm(sheet, edit),
  ];
}

function conflictForm(sheet, edit) {
  const choices = sheet.groups.map((g) => [g.id, g.id]);
  const [a, b] = [choose("First group", "", choices, () => {}), choose("Second group", "", choices, () => {})];
  return h("p.buttons-row", {}, h("span", {}, "Between"), a, h("span", {}, "and"), b, press("Conflict on or off", () => edit(edits.toggleConflict(sheet, a.value, b.value))));
}

/** Greens of a plan to scale, the changes between them darker. */
function bar(plan, changes) {
  const total = Math.max(plan.cycle_s, plan.splits.reduce((sum, s) => sum + s.green_s, 0) + changes.reduce((sum, c) => sum + c, 0), 1);
  const share = (seconds) => `${Math.max(0, (100 * seconds) / total).toFixed(2)}%`;
  let at = 0;
  const parts = plan.splits.flatMap((split, place) => {
    const [from, green, change] = [at, split.green_s, changes[place] ?? 0];
    at += green + change;
    return [h("rect.green", { x: share(from), y: 0, width: share(green), height: "100%" }), h("rect.change", { x: share(from + green), y: 0, width: share(change), height: "100%" }), green / total > 0.06 && h("text", { x: share(from + green / 2), y: "70%" }, `${split.stage}: ${figure(green)}`)];
  });
  const words = plan.splits.map((s) => `stage ${s.stage} ${figure(s.green_s)} s`).join(", ");
  return h("svg.split-bar", { role: "img", "aria-label": `Plan ${plan.number}: ${words}` }, h("rect.track", { width: "100%", height: "100%" }), parts);
}

export function plans(sheet, changes, edit) {
  const shown = sheet.plans.map((plan, place) => {
    const name = `plan ${plan.number}`;
    const figures = edit
      ? [h("label", {}, "Cycle ", box(`Cycle of ${name}`, plan.cycle_s, (v) => edit(edits.changePlan(sheet, place, { cycle_s: v ?? 0 }))), " s"), h("label", {}, "Offset ", box(`Offset of ${name}`, plan.offset_s, (v) => edit(edits.changePlan(sheet, place, { offset_s: v ?? 0 }))), " s"), sheet.plans.length > 1 && press(`Remove ${name}`, () => edit(edits.removePlan(sheet, place)))]
      : h("span.small", {}, `cycle ${figure(plan.cycle_s)} s, offset ${figure(plan.offset_s)} s`);
    return h("div.plan", {}, h("div.plan-head", {}, h("strong", {}, `Plan ${plan.number}`), h("span.small", {}, plan.name), figures), bar(plan, changes[plan.number] ?? []), edit && splits(sheet, place, edit));
  });
  return [shown, edit && h("p.buttons-row", {}, press("Add a plan", () => edit(edits.addPlan(sheet))))];
}

function splits(sheet, plan, edit) {
  const { number: name } = sheet.plans[plan];
  return h("div.splits", {}, sheet.plans[plan].splits.map((split, place) => h("span.split", {}, choose(`Stage at place ${place + 1} of plan ${name}`, split.stage, sheet.stages.map((s) => [s.number, `Stage ${s.number}`]), (v) => edit(edits.changeSplit(sheet, plan, place, { stage: Number(v) }))),
    box(`Green at place ${place + 1} of plan ${name}`, split.green_s, (v) => edit(edits.changeSplit(sheet, plan, place, { green_s: v ?? 0 }))),
    press("←", () => edit(edits.moveSplit(sheet, plan, place, -1)), { "aria-label": `Move place ${place + 1} of plan ${name} forward`, disabled: place === 0 }), press("×", () => edit(edits.removeSplit(sheet, plan, place)), { "aria-label": `Remove place ${place + 1} of plan ${name}` }))),
  press("Add a stage", () => edit(edits.addSplit(sheet, plan)), { "aria-label": `Add a stage to plan ${name}` }));
}

export function calendar(sheet, edit) {
  if (!sheet.calendar.length && !edit) return h("p.small", {}, sheet.plans.length === 1 ? `Plan ${sheet.plans[0].number} runs all the time.` : "No calendar.");
  const time = (label, place, field, value) => { const input = h("input.figure", { type: "text", "aria-label": label, value: edits.clock(value) }); input.addEventListener("change", () => { const next = edits.minutes(input.value); edit(next === null ? sheet : edits.changeEntry(sheet, place, { [field]: next }), true); }); return input; };
  const days = (entry, place) => (edit ? h("div.chips", { role: "group", "aria-label": `Days of entry ${place + 1}` }, DAYS.map((day) => h("button.chip", { type: "button", "aria-pressed": entry.days.includes(day), onclick: () => edit(edits.changeEntry(sheet, place, { days: DAYS.filter((d) => (d === day ? !entry.days.includes(d) : entry.days.includes(d))) })) }, day))) : entry.days.join(", "));
  const row = (entry, place) => h("tr", {}, h("td", {}, days(entry, place)), h("td", {}, edit ? time(`Start of entry ${place + 1}`, place, "from_min", entry.from_min) : edits.clock(entry.from_min)), h("td", {}, edit ? time(`End of entry ${place + 1}`, place, "until_min", entry.until_min) : edits.clock(entry.until_min)),
    h("td", {}, edit ? choose(`Plan of entry ${place + 1}`, entry.plan, sheet.plans.map((p) => [p.number, `Plan ${p.number}`]), (v) => edit(edits.changeEntry(sheet, place, { plan: Number(v) }))) : `Plan ${entry.plan}`), edit && h("td", {}, press("×", () => edit(edits.removeEntry(sheet, place)), { "aria-label": `Remove entry ${place + 1}` })));
  const table = sheet.calendar.length > 0 && scroll("Calendar", h("table.sheet-table", {}, h("thead", {}, h("tr", {}, ["Days", "From", "Until", "Plan"].map((t) => h("th", { scope: "col" }, t)), edit && h("td", {}))), h("tbody", {}, sheet.calendar.map(row))));
  return [table, edit && h("p.buttons-row", {}, press("Add an entry", () => edit(edits.addEntry(sheet))))];
}

const scroll = (label, table) => h("div.scroll", { tabindex: 0, role: "region", "aria-label": label }, table);
