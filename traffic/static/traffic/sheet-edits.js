// SPDX-License-Identifier: Apache-2.0
// Changes to a timing sheet: each takes a sheet and returns another. And the way back.

/** What was, what is, what was taken back. `push` what is new; `undo` and `redo` return the sheet to show. */
export class History {
  constructor(sheet) {
    this.past = [];
    this.now = sheet;
    this.future = [];
  }

  push(sheet) {
    if (JSON.stringify(sheet) === JSON.stringify(this.now)) return this.now;
    this.past.push(this.now);
    this.future = [];
    return (this.now = sheet);
  }

  undo() {
    if (this.past.length) { this.future.push(this.now); this.now = this.past.pop(); }
    return this.now;
  }

  redo() {
    if (this.future.length) { this.past.push(this.now); this.now = this.future.pop(); }
    return this.now;
  }
}

const at = (rows, place, row) => rows.map((other, n) => (n === place ? row : other));
const without = (rows, place) => rows.filter((_, n) => n !== place);
const changed = (sheet, part, place, changes) => ({ ...sheet, [part]: at(sheet[part], place, { ...sheet[part][place], ...changes }) });

export const changeGroup = (sheet, place, changes) => changed(sheet, "groups", place, changes);
export const changePlan = (sheet, place, changes) => changed(sheet, "plans", place, changes);
export const changeEntry = (sheet, place, changes) => changed(sheet, "calendar", place, changes);
export const confirmPart = (sheet, part) => ({ ...sheet, estimated: sheet.estimated.filter((other) => other !== part) });

export function toggleGreen(sheet, place, group) {
  const { green } = sheet.stages[place];
  const next = green.includes(group) ? green.filter((name) => name !== group) : sheet.groups.map((g) => g.id).filter((name) => name === group || green.includes(name));
  return changed(sheet, "stages", place, { green: next });
}

export const isConflict = (sheet, a, b) => sheet.conflicts.some((pair) => (pair.a === a && pair.b === b) || (pair.a === b && pair.b === a));
export const givesWay = (sheet, a, b) => sheet.yields.some((pair) => pair.a === a && pair.b === b);
export const intergreen = (sheet, ends, begins) => sheet.intergreens.find((row) => row.ends === ends && row.begins === begins)?.seconds;

/** Null takes the figure away; a figure between groups that did not conflict makes them conflict. */
export function changeIntergreen(sheet, ends, begins, seconds) {
  const others = sheet.intergreens.filter((row) => row.ends !== ends || row.begins !== begins);
  if (seconds === null) return { ...sheet, intergreens: others };
  const found = { ...sheet, intergreens: [...others, { ends, begins, seconds }] };
  return isConflict(sheet, ends, begins) ? found : { ...found, conflicts: [...sheet.conflicts, { a: ends, b: begins }] };
}

/** Groups that conflict no longer do, with their intergreens; others do from now on. */
export function toggleConflict(sheet, a, b) {
  if (a === b) return sheet;
  const isPair = (x, y) => (x === a && y === b) || (x === b && y === a);
  if (!isConflict(sheet, a, b)) return { ...sheet, conflicts: [...sheet.conflicts, { a, b }] };
  return { ...sheet, conflicts: sheet.conflicts.filter((p) => !isPair(p.a, p.b)), yields: sheet.yields.filter((p) => !isPair(p.a, p.b)), intergreens: sheet.intergreens.filter((r) => !isPair(r.ends, r.begins)) };
}

export const changeSplit = (sheet, plan, place, changes) => changePlan(sheet, plan, { splits: at(sheet.plans[plan].splits, place, { ...sheet.plans[plan].splits[place], ...changes }) });
export const removeSplit = (sheet, plan, place) => changePlan(sheet, plan, { splits: without(sheet.plans[plan].splits, place) });
export const addSplit = (sheet, plan) => changePlan(sheet, plan, { splits: [...sheet.plans[plan].splits, { stage: sheet.stages[0]?.number ?? 1, green_s: 10 }] });

export function moveSplit(sheet, plan, place, by) {
  const splits = [...sheet.plans[plan].splits];
  const to = place + by;
  if (to < 0 || to >= splits.length) return sheet;
  [splits[place], splits[to]] = [splits[to], splits[place]];
  return changePlan(sheet, plan, { splits });
}

/** A copy of the last plan under the next number. */
export function addPlan(sheet) {
  const last = sheet.plans.at(-1) ?? { name: "", cycle_s: 60, offset_s: 0, splits: sheet.stages.map((s) => ({ stage: s.number, green_s: 10 })) };
  const number = Math.max(0, ...sheet.plans.map((plan) => plan.number)) + 1;
  return { ...sheet, plans: [...sheet.plans, { ...last, number, name: `plan ${number}` }] };
}

export const removePlan = (sheet, place) => ({ ...sheet, plans: without(sheet.plans, place) });
export const addEntry = (sheet) => ({ ...sheet, calendar: [...sheet.calendar, { plan: sheet.plans[0]?.number ?? 1, days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], from_min: 0, until_min: 1440 }] });
export const removeEntry = (sheet, place) => ({ ...sheet, calendar: without(sheet.calendar, place) });

/** 450 → "07:30" and back; null for what is no time of day. */
export const clock = (minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
export function minutes(text) {
  const found = /^(\d{1,2}):(\d{2})$/.exec(text.trim());
  const value = found ? Number(found[1]) * 60 + Number(found[2]) : NaN;
  return found && Number(found[2]) < 60 && value <= 1440 ? value : null;
}
