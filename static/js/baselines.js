// SPDX-License-Identifier: Apache-2.0
// What measured worth is compared with: the stored baselines, a form that draws another from measured days, and the way back.

import { get, instant, post } from "#city/api";
import { isSimulation, titleOf } from "#city/config";
import { askWhy, dialog, failure, field, sendOnce } from "#city/dialog";
import { fill, h, toast } from "#city/dom";
import { cityNow, day, fromLocalInput, toLocalInput, when, zoneName } from "#city/time";
import { number, unitText } from "#city/words";

const STEADY_MS = 600; // the second step arms only after a double click is over
const DAY_MS = 86400_000;

/** The section below the ledger; `done` is called when what the ledger compares with has changed. */
export async function baselines(domain, done) {
  const { results, figures } = await get("baselines/", { domain });
  return [h("header.section-head", {}, h("h2", { id: "baselines-title" }, "Baselines"), figures.length ? storeButton(figures, done) : null),
    h("p.small", {}, whyNothing(figures, isSimulation()) || "A measured figure is compared with the newest baseline in force."),
    results.length ? table(results, done) : h("p.empty", {}, "No baseline is stored: measured figures stand without a comparison.")];
}

/** Why no baseline can be stored, in a sentence; "" when one can, or when it is not this person's to do. Pure. */
export function whyNothing(figures, simulated) {
  if (!figures.length || figures.some((figure) => figure.days > 0)) return "";
  return simulated ? "Nothing is measured in a SIMULATION, and it needs no baseline: it runs the comparison beside." : "Nothing to store one from yet: no whole day has been measured. The first is there after midnight.";
}

function storeButton(figures, done) {
  const known = figures.filter((figure) => figure.days > 0);
  return h("button.button", { type: "button", disabled: !known.length, "aria-haspopup": "dialog", onclick: () => storeBaseline(known, done) }, "Store a baseline…");
}

function table(rows, done) {
  const heads = ["Figure", "Baseline", "A day", "Measured", "How it was drawn", "Stored", ""];
  return h("div.table-box", {}, h("table.baselines-table", {}, h("caption.hidden", {}, "Stored baselines"), h("thead", {}, h("tr", {}, heads.map((text, i) => h(i === 2 ? "th.numeric" : "th", { scope: "col" }, text)))), h("tbody", {}, rows.map((row) => line(row, done)))));
}

function line(row, done) {
  const take = row.may_withdraw ? h("button.button", { type: "button", "aria-haspopup": "dialog", "aria-label": `Withdraw ${row.name}…`, onclick: () => withdrawBaseline(row, done) }, "Withdraw…") : null;
  return h(row.withdrawn_at ? "tr.gone" : "tr", {}, h("th", { scope: "row" }, `${titleOf(row.domain)}: ${row.title}`, h("span.small", {}, row.beside ? ` ${row.beside}` : "")),
    h("td", {}, row.name, h("span.small", {}, ` ${standing(row)}`)), h("td.numeric", {}, number(row.value), h("span.unit", {}, ` ${unitText(row.unit)}`)),
    h("td", {}, spanWords(instant(row.from), instant(row.to))), h("td", {}, row.design), h("td", {}, `${when(instant(row.stored_at))} by ${row.stored_by}`), h("td", {}, take));
}

const standing = (row) => (row.withdrawn_at ? `withdrawn ${when(instant(row.withdrawn_at))} by ${row.withdrawn_by}` : row.in_force ? "in force" : "replaced by a newer one");
const spanWords = (from, to) => `${day(from)} – ${day(to - 1)}`;

const titleWords = (figure) => `${figure.title}, ${unitText(figure.unit)}${figure.beside ? ` (${figure.beside})` : ""}`;
const dateOf = (ms) => toLocalInput(ms).slice(0, 10);

/** The instants at which the first day begins and the last one ends, in the city's zone; null where a date is none. */
export function spanOf(first, last) {
  const from = fromLocalInput(`${first}T00:00`);
  const after = Date.parse(`${last}T00:00Z`);
  if (from === null || !Number.isFinite(after)) return null;
  return { from, to: fromLocalInput(`${new Date(after + DAY_MS).toISOString().slice(0, 10)}T00:00`) };
}

/** What is wrong with the form, in a sentence; "" when nothing is. Pure but for the clock. */
export function faultOf({ name, design, reason, span }, now = cityNow()) {
  if (!span) return "Give the first and the last day.";
  if (span.to <= span.from) return "The last day is before the first.";
  if (span.from > now) return "These days are still to come: a baseline is drawn from days that were measured.";
  if (name.length < 3) return "Give it a name that says what it is, for example “October, programme only”.";
  if (design.length < 3) return "Say how the days were chosen, or nobody can judge the comparison.";
  return reason.length < 3 ? "Say why, in a few words." : "";
}

export function storeBaseline(figures, done) {
  const box = dialog("Store a baseline", { wide: true, kind: "baseline" });
  ask(box, figures, { figure: figures[0], name: "", design: "", reason: "" }, done);
}

/** First step: which figure, which days, under what name. */
function ask(box, figures, state, done) {
  const pick = h("select", {}, [...new Set(figures.map((f) => f.domain))].map((domain) => h("optgroup", { label: titleOf(domain) }, figures.filter((f) => f.domain === domain).map((f) => h("option", { value: `${f.domain}/${f.kpi}` }, titleWords(f))))));
  pick.value = `${state.figure.domain}/${state.figure.kpi}`;
  const dates = () => [instant(state.figure.first), instant(state.figure.last) - 1].map(dateOf);
  const [first, last] = ["First day", "Last day"].map((label, i) => h("input", { type: "date", required: true, "aria-label": label, value: state.dates?.[i] ?? dates()[i] }));
  const known = h("span");
  const sayKnown = () => { known.textContent = `${state.figure.days} whole days are measured, ${spanWords(instant(state.figure.first), instant(state.figure.last))}. City time, ${zoneName(cityNow())}; both days count.`; };
  pick.addEventListener("change", () => {
    state.figure = figures.find((f) => `${f.domain}/${f.kpi}` === pick.value);
    [first.value, last.value] = dates();
    sayKnown();
  });
  const [name, design, reason] = [["name", 120], ["design", 500], ["reason", 500]].map(([key, longest]) => h("input", { type: "text", required: true, maxlength: longest, autocomplete: "off", value: state[key] }));
  const wrong = h("p.problem", { role: "alert", hidden: true });
  const form = h("form", { method: "dialog", novalidate: true }, field("Figure", pick), h("div.two", {}, field("First day", first), field("Last day", last)), h("p.hint", {}, known),
    field("Name", name, "What the ledger calls it."), field("How it was drawn", design, "How the days were chosen and what was kept the same: before/after with controls, on/off days."), field("Reason", reason, "Kept in the audit with your name."), wrong);
  sayKnown();
  const next = h("button.button.primary", { type: "submit" }, "Work out the mean…");
  fill(box.body, form);
  fill(box.foot, h("button.button", { type: "button", onclick: box.close }, "Cancel"), next);
  next.addEventListener("click", (event) => { event.preventDefault(); form.requestSubmit(); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    Object.assign(state, { dates: [first.value, last.value], span: spanOf(first.value, last.value), name: name.value.trim(), design: design.value.trim(), reason: reason.value.trim() });
    const fault = faultOf(state);
    wrong.hidden = !fault;
    wrong.textContent = fault;
    if (!fault) confirm(box, figures, state, done);
  });
  pick.focus();
}

/** Second step: what would be stored, worked out by the server, and the button that stores it. */
async function confirm(box, figures, state, done) {
  const { figure, span } = state;
  const back = h("button.button", { type: "button", onclick: () => ask(box, figures, state, done) }, "Back");
  const send = h("button.button.primary", { type: "button", disabled: true }, "Store the baseline");
  fill(box.body, h("p.waiting", { role: "status" }, "Working out the mean…"));
  fill(box.foot, back, send);
  let found;
  try {
    found = await get("baselines/preview", { domain: figure.domain, kpi: figure.kpi, ...span });
  } catch (problem) {
    return fill(box.body, failure(problem));
  }
  if (!box.element.open) return;
  if (found.why_not) return fill(box.body, h("p.problem", { role: "alert" }, found.why_not));
  fill(box.body, h("p.big", {}, `${number(found.value)} ${unitText(figure.unit)} a day`),
    h("dl.rows", {}, h("dt", {}, "Figure"), h("dd", {}, `${titleOf(figure.domain)}: ${titleWords(figure)}`), h("dt", {}, "Mean of"), h("dd", {}, `${found.days} whole ${found.days === 1 ? "day" : "days"}, ${spanWords(span.from, span.to)}`), h("dt", {}, "Name"), h("dd", {}, state.name), h("dt", {}, "How it was drawn"), h("dd", {}, state.design),
      found.replaces && [h("dt", {}, "Replaces"), h("dd", {}, `“${found.replaces}”, which is in force until now`)]),
    h("p.small", {}, "From the next hour on, every day's figure stands beside it. It can be withdrawn."));
  setTimeout(() => { send.disabled = false; send.focus(); }, STEADY_MS);
  send.addEventListener("click", () => sendOnce(box, send, async () => {
    await post("baselines/", { domain: figure.domain, kpi: figure.kpi, ...span, name: state.name, design: state.design, reason: state.reason });
    toast(`“${state.name}” is in force. Withdraw takes it back.`);
    done();
  }));
}

export function withdrawBaseline(row, done) {
  const lead = row.in_force ? "From the next hour on the ledger compares with the baseline stored before it, or with none. Days of the past keep what they were compared with." : "It is not in force; it stays in the list as withdrawn.";
  askWhy(`Withdraw “${row.name}”`, lead, "Withdraw the baseline", async (reason) => {
    await post(`baselines/${row.id}/withdraw`, { reason });
    toast(`“${row.name}” is withdrawn.`);
    done();
  }, { hint: "Kept in the audit with your name." });
}
