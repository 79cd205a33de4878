// SPDX-License-Identifier: Apache-2.0
// A table that sorts by any column, draws only what fits, and keeps its place while values change.

import { fill, h, say } from "#city/dom";
import { number } from "#city/words";

const STEP = 25;

/**
 * columns: [{title, unit?, value(row), text?(row), cell?(row) → node, sort?: "high"|"low", name?: bool}]; `key(row)` is a row's identity.
 * Returns {element, set(rows), refresh()}: set replaces the rows, refresh rewrites changed cells in place.
 */
export function sortable({ columns, key, caption, empty, sort = 0, descending = null, onRow = null }) {
  const state = { rows: [], by: sort, down: descending ?? columns[sort]?.sort === "high", most: STEP, shown: new Map() };
  const heads = columns.map((column, i) => h("th", { scope: "col", class: column.numeric === false || column.cell || column.name ? "" : "numeric" },
    h("button", { type: "button", onclick: () => turn(i) }, column.title, column.unit ? h("span.unit", {}, ` ${column.unit}`) : null, h("span.arrow", { "aria-hidden": "true" }))));
  const body = h("tbody");
  const more = h("button.button", { type: "button", hidden: true, onclick: () => { state.most += STEP * 5; draw(); } }, "Show more");
  const note = h("p.empty", { hidden: true }, empty);
  const element = h("div.table-box", {}, h("table", {}, h("caption.hidden", {}, caption), h("thead", {}, h("tr", {}, heads)), body), note, more);

  function turn(i) {
    state.down = state.by === i ? !state.down : columns[i].sort === "high";
    state.by = i;
    draw();
  }

  function draw() {
    heads.forEach((head, i) => (i === state.by ? head.setAttribute("aria-sort", state.down ? "descending" : "ascending") : head.removeAttribute("aria-sort")));
    const rows = sorted(state.rows, columns[state.by], state.down).slice(0, state.most);
    state.shown = new Map(rows.map((row) => [key(row), { row, cells: columns.map((column) => cellOf(column, row)) }]));
    fill(body, [...state.shown.values()].map(({ row, cells }) => h("tr", { onclick: onRow && ((event) => !event.target.closest("a, button") && onRow(row)), class: onRow ? "opens" : null }, cells)));
    more.hidden = state.rows.length <= state.most;
    if (!more.hidden) say(more, `Show more of ${state.rows.length}`);
    note.hidden = state.rows.length > 0;
  }

  return {
    element,
    set(rows) { state.rows = rows; draw(); },
    refresh() {
      for (const { row, cells } of state.shown.values()) columns.forEach((column, i) => { if (!column.cell) say(cells[i], textOf(column, row)); });
    },
    resort: draw,
  };
}

const textOf = (column, row) => (column.text ? column.text(row) : display(column.value(row)));
const display = (value) => (typeof value === "number" ? number(value) : (value ?? "–"));

function cellOf(column, row) {
  const tag = column.name ? "th" : "td";
  const numeric = !column.cell && !column.name && column.numeric !== false;
  const cell = h(numeric ? `${tag}.numeric` : tag, column.name ? { scope: "row" } : {});
  if (column.cell) cell.append(...[column.cell(row)].flat().filter(Boolean));
  else cell.textContent = textOf(column, row);
  return cell;
}

/** Rows by a column; what has no value comes last either way. */
export function sorted(rows, column, down) {
  if (!column) return [...rows];
  const way = down ? -1 : 1;
  const nothing = (value) => value === null || value === undefined || Number.isNaN(value);
  return rows.map((row) => [column.value(row), row]).sort(([a], [b]) => {
    if (nothing(a) || nothing(b)) return nothing(a) - nothing(b);
    return way * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
  }).map(([, row]) => row);
}
