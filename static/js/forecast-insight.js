// SPDX-License-Identifier: Apache-2.0
// <forecast-insight>: behind a forecast's chart what it is made of, how likely it crosses a threshold, and what it would be if.

import { percent } from "#city/accuracy-words";
import { get } from "#city/api";
import { field, loadInto } from "#city/dialog";
import { fill, h } from "#city/dom";
import { chance, crossingWords, differenceWords, peakWords, pull, signed } from "#city/insight-words";
import { methodHistory } from "#city/method-history";
import { rangeOf, smallChart } from "#city/small-chart";
import { cityNow, fromLocalInput, toLocalInput, when } from "#city/time";
import { humanise, number, unitText } from "#city/words";

const HOUR = 3600_000;
const CASES = [["holiday", "Public holiday"], ["change", "Event or closure"], ["warmer", "Warmer or colder"]];

class ForecastInsight extends HTMLElement {
  /** The series whose forecast is looked into; null hides it. What is open is asked for again only when the series changes. */
  show(series) {
    this.hidden = !series;
    if (!series || this.series?.id === series.id) return;
    this.series = series;
    fill(this, this.#part("Why this?", (place) => why(place, series)), this.#part("How likely?", (place) => chances(place, series)), this.#part("What if?", (place) => whatIf(place, series)));
  }

  #part(title, open) {
    const place = h("div.insight");
    const part = h("details.more", {}, h("summary", {}, title), place);
    part.addEventListener("toggle", () => { if (part.open && !place.firstChild) open(place); });
    return part;
  }
}

function why(place, series) {
  return loadInto(place, async () => {
    const [found, methods] = await Promise.all([get(`series/${series.id}/forecast/parts`), get(`series/${series.id}/forecast/methods`)]);
    return [found.parts.length ? made(found, series) : h("p.small", {}, found.words), h("details.more", {}, h("summary", {}, "Which methods, and since when"), methodHistory(methods)),
      h("p.small", {}, h("a", { href: `/forecasts/cards/${encodeURIComponent(series.metric)}/${encodeURIComponent(series.kind)}/` }, "Model card"), ": what these forecasts are for, where they fail, and who approved them.")];
  }, "Taking it apart…");
}

function made({ at, parts, words, unit }, series) {
  const range = rangeOf(...parts.slice(1).map((part) => part.values));
  const plain = unitText(unit);
  const heads = [...parts.map((part) => humanise(part.name)), "Forecast"];
  const rows = at.map((ms, i) => [ms, ...parts.map((part) => part.values[i]), parts.reduce((sum, part) => sum + part.values[i], 0)]);
  return [
    h("ul.parts", {}, parts.map((part, i) => h("li", {},
      h("p", {}, h("strong", {}, humanise(part.name)), h("span.unit", {}, ` ${pull(part.values, plain, i === 0)}`), shareOf(part)),
      i ? smallChart({ line: part.values, range, label: `${humanise(part.name)}: ${pull(part.values, plain)}` }) : null))),
    ends(at), h("p.small", {}, words), behind(`${series.title}: parts of the forecast${plain ? `, ${plain}` : ""}`, "The parts as a table", heads, rows.map((row) => row.map((v, i) => (i ? number(Number(v.toPrecision(3))) : v)))),
  ];
}

const shareOf = ({ share }) => (typeof share === "number" && Math.abs(share) >= 0.01 ? h("span.unit", {}, ` · ${share < 0 ? `−${percent(-share)}` : percent(share)} of the movement`) : null);

function chances(place, series) {
  const above = h("input", { type: "number", step: "any", autocomplete: "off" });
  const unit = unitText(series.unit);
  const asked = field(`Above${unit ? `, ${unit}` : ""}`, above, "Empty: the limit of this asset, where it has one.");
  const answer = h("div");
  const load = () => loadInto(answer, async () => {
    const found = await get(`series/${series.id}/forecast/chances`, { above: above.value });
    if (!above.value && found.limit) { above.value = found.limit.value; asked.querySelector(".hint").textContent = `The ${found.limit.words}.`; }
    return likely(found, series);
  }, "Reckoning…");
  above.addEventListener("change", load);
  fill(place, asked, answer);
  return load();
}

function likely(found, series) {
  const { crossing, peak, words } = found;
  if (!peak) return h("p.small", {}, words);
  const now = cityNow();
  const hours = new Map(peak.hours);
  const steps = crossing?.steps ?? peak.hours.map(([at]) => [at, null]);
  const rows = steps.map(([at, share]) => [at, share === null ? "" : chance(share), hours.has(at) ? chance(hours.get(at)) : ""]);
  return [
    crossing ? [h("p", {}, crossingWords(found)), smallChart({ line: crossing.steps.map((step) => step[1]), range: [0, Math.max(0.1, ...crossing.steps.map((step) => step[1]))], label: crossingWords(found) })] : h("p.small", {}, "Nothing limits this series; write a threshold to ask about."),
    h("p", {}, peakWords(found, now)), smallChart({ bars: peak.hours.map((hour) => hour[1]), range: [0, Math.max(0.1, ...peak.hours.map((hour) => hour[1]))], label: peakWords(found, now) }),
    ends(steps.map((step) => step[0])), h("p.small", {}, words),
    behind(`${series.title}: chances of the coming day`, "The chances as a table", ["Above it", "Peak in this hour"], rows),
  ];
}

function whatIf(place, series) {
  const which = h("select", {}, CASES.map(([value, title]) => h("option", { value }, title)));
  const fields = h("div.insight-fields");
  const answer = h("div");
  const controls = {
    holiday: () => ({ on: given("On", h("input", { type: "date", value: toLocalInput(cityNow() + 24 * HOUR).slice(0, 10) })) }),
    change: () => ({
      percent: given("Change, %", h("input", { type: "number", value: "-30", min: -100, max: 500 })),
      from: given("From", h("input", { type: "datetime-local", value: toLocalInput(hourFrom(1)) })), to: given("To", h("input", { type: "datetime-local", value: toLocalInput(hourFrom(4)) })),
    }),
    warmer: () => ({ degrees: given("Degrees, °C", h("input", { type: "number", value: "3", min: -20, max: 20, step: 0.5 })) }),
  };
  let shown = {};
  const given = (label, control) => { fields.append(field(label, control)); return control; };
  const choose = () => { fill(fields); fill(answer); shown = controls[which.value](); };
  which.addEventListener("change", choose);
  const ask = () => loadInto(answer, async () => {
    const query = Object.fromEntries(Object.entries(shown).map(([name, control]) => [name, control.type === "datetime-local" ? fromLocalInput(control.value) : control.value]));
    try {
      return would(await get(`series/${series.id}/forecast/what-if`, { case: which.value, ...query }), series);
    } catch (problem) {
      if (problem.status !== 400) throw problem;
      return h("p.small", { role: "status" }, problem.words);
    }
  }, "Reckoning…");
  fill(place, h("form.insight-form", { onsubmit: (event) => { event.preventDefault(); ask(); } }, field("What", which), fields, h("button.button", { type: "submit" }, "Show")), answer);
  choose();
}

const hourFrom = (hours) => Math.ceil(cityNow() / HOUR) * HOUR + (hours - 1) * HOUR;

function would({ points, difference, words, unit }, series) {
  if (!points.length) return h("p.small", { role: "status" }, words);
  const said = differenceWords(difference, unitText(unit), cityNow());
  const [middle, low, high] = [1, 2, 3].map((k) => difference.map((point) => point[k]));
  const rows = points.map(([at, median], i) => [at, number(Number(median.toPrecision(3))), ...difference[i].slice(1).map(signed)]);
  return [
    h("p", {}, said), smallChart({ line: middle, band: { low, high }, range: rangeOf(low, high), label: `The difference: ${said}` }), ends(points.map((point) => point[0])),
    h("p.small", {}, words), behind(`${series.title}: what it would be`, "The difference as a table", ["It would be", "Difference", "80 % from", "80 % to"], rows),
  ];
}

/** First and last instant under a small picture. */
const ends = (at) => h("p.ends", { "aria-hidden": "true" }, h("span", {}, when(at[0], cityNow())), h("span", {}, when(at.at(-1), cityNow())));

/** rows: [instant, text…]. */
function behind(label, title, heads, rows) {
  return h("details.chart-table", {}, h("summary", {}, title), h("div.scroll", { tabindex: "0", role: "region", "aria-label": label }, h("table", {},
    h("thead", {}, h("tr", {}, ["Time", ...heads].map((head, i) => h("th", { scope: "col", class: i ? "numeric" : null }, head)))),
    h("tbody", {}, rows.map(([at, ...cells]) => h("tr", {}, h("th", { scope: "row" }, when(at, cityNow())), cells.map((cell) => h("td.numeric", {}, cell))))))));
}

if (globalThis.customElements) customElements.define("forecast-insight", ForecastInsight);
