// SPDX-License-Identifier: Apache-2.0
// What forecasts know beforehand: how the weather is, and the events that people enter, change and cancel.

import { post, put } from "#city/api";
import { titleOf } from "#city/config";
import { askWhy, dialog, field, sendOnce } from "#city/dialog";
import { fill, h, toast } from "#city/dom";
import { cityNow, fromLocalInput, toLocalInput, when, zoneName } from "#city/time";
import { number } from "#city/words";

const HOUR_MS = 3_600_000;
const PAST_SHOWN = 20;

/** The section's content; `again` is called when something has changed. */
export function events(found, again, now = cityNow()) {
  const { coming, past } = apart(found.results, now);
  const may = found.zones.length > 0;
  const enter = may ? h("button.button", { type: "button", "aria-haspopup": "dialog", onclick: () => ask(found, null, again) }, "Enter an event…") : null;
  return [
    h("header.section-head", {}, h("h2", { id: "events-title" }, "Weather and events"), enter),
    h(found.weather.is_well ? "p.small" : "p.worse", {}, found.weather.words),
    coming.length ? h("ul.coming", {}, coming.map((one) => line(one, found, again, now))) : h("p.empty", {}, "No event is coming. A match, a market or road works that were entered are reckoned with from the next hourly forecast on."),
    past.length ? h("details.meaning", {}, h("summary", {}, `Past and cancelled events (${number(past.length)})`), h("ul.coming", {}, past.slice(0, PAST_SHOWN).map((one) => line(one, found, again, now)))) : null,
  ];
}

/** Those that come, the next first, and those that are over or cancelled, the newest first. Pure. */
export function apart(rows, now) {
  const isComing = (one) => one.cancelled_at === null && one.end + one.after_s * 1000 > now;
  return { coming: rows.filter(isComing).sort((a, b) => a.start - b.start), past: rows.filter((one) => !isComing(one)).sort((a, b) => b.start - a.start) };
}

function line(one, found, again, now) {
  const acts = one.may_change && one.cancelled_at === null ? [" ", h("button.link", { type: "button", "aria-label": `Change ${one.name}…`, onclick: () => ask(found, one, again) }, "Change…"), " ", h("button.link", { type: "button", "aria-label": `Cancel ${one.name}…`, onclick: () => cancel(one, again) }, "Cancel…")] : null;
  return h("li", {}, h("strong", {}, one.name), ` ${when(one.start, now)} to ${when(one.end, now)}, ${whereWords(one)}. `,
    h("span.small", {}, `${capital(one.title)}${concernWords(one)}; ${expectedWords(one)}. ${one.owner}, ${when(one.entered_at, now)}: ${one.reason}${one.cancelled_at === null ? "" : `. Cancelled by ${one.cancelled_by}, ${when(one.cancelled_at, now)}`}`), acts);
}

/** Pure. */
export function whereWords(one) {
  const zone = one.zone ? one.zone_name : "";
  if (one.radius_m === null) return zone || "whole city";
  const circle = `within ${number(one.radius_m)} m of ${one.lat.toFixed(4)}, ${one.lon.toFixed(4)}`;
  return zone ? `${zone}, ${circle}` : circle;
}

const concernWords = (one) => (one.concerns.length ? `, ${one.concerns.map((name) => titleOf(name)).join(", ")} only` : "");
const expectedWords = (one) => (one.expected_percent === null ? "what it does is learnt from those before it" : `expected ${one.expected_percent > 0 ? "+" : "−"}${number(Math.abs(one.expected_percent))} % until others have been`);

/** What is wrong with the form, in a sentence; "" when nothing is. Pure. */
export function faultOf(wish) {
  if (wish.name.length < 3) return "Give it a name by which others know it.";
  if (wish.start === null || wish.end === null) return "Give the day and time it starts and ends.";
  if (wish.end <= wish.start) return "It ends before it starts.";
  const circle = [wish.lat, wish.lon, wish.radius_m].filter((value) => value !== null).length;
  if (circle !== 0 && circle !== 3) return "A point needs latitude, longitude and a radius.";
  if (wish.expected_percent === 0) return "Leave out what is expected if it changes nothing you know of.";
  return wish.reason.length < 3 ? "Say where you know it from, in a few words." : "";
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
const numberOf = (input) => (input.value.trim() === "" ? null : Number(input.value));

function ask(found, old, again) {
  const box = dialog(old ? `Change ${old.name}` : "Enter an event", { wide: true });
  const soon = Math.ceil(cityNow() / HOUR_MS) * HOUR_MS + 24 * HOUR_MS;
  const text = (value, longest) => h("input", { type: "text", required: true, maxlength: longest, autocomplete: "off", value });
  const at = (ms) => h("input", { type: "datetime-local", required: true, value: toLocalInput(ms) });
  const figure = (value, more) => h("input", { type: "number", value: value ?? "", ...more });
  const choose = (rows, value) => { const made = h("select", {}, rows.map(([key, title]) => h("option", { value: key }, title))); made.value = value; return made; };
  const name = text(old?.name ?? "", 120);
  const kind = choose(found.kinds.map((one) => [one.kind, capital(one.title)]), old?.kind ?? found.kinds[0].kind);
  const [start, end] = [at(old?.start ?? soon), at(old?.end ?? soon + 2 * HOUR_MS)];
  const [before, after] = [old?.before_s, old?.after_s].map((s) => figure((s ?? 3600) / 60, { min: 0, max: 1440, step: 5 }));
  const zone = choose(found.zones.map((one) => [one.code, one.name]), old?.zone ?? found.zones[0].code);
  const [lat, lon, radius] = [[old?.lat, { step: "any" }], [old?.lon, { step: "any" }], [old?.radius_m, { min: 10, step: 10 }]].map(([value, more]) => figure(value, more));
  const concerns = choose([["", "Everything foreseen there"], ...found.domains.map((one) => [one, titleOf(one)])], old?.concerns[0] ?? "");
  const expected = figure(old?.expected_percent, { min: -100, max: 500, step: 5 });
  const reason = text("", 500);
  const wrong = h("p.problem", { role: "alert", hidden: true });
  const circle = h("details", {}, h("summary", {}, "Only around a point"), h("div.three", {}, field("Latitude", lat), field("Longitude", lon), field("Radius, m", radius)));
  circle.open = Number.isFinite(old?.radius_m);
  fill(box.body, h("form.event-form", { method: "dialog", novalidate: true }, h("div.two", {}, field("Name", name), field("Kind", kind, "Those of one kind teach what the next one does.")),
    h("div.two", {}, field("Starts", start, `City time, ${zoneName(cityNow())}.`), field("Ends", end)), h("div.two", {}, field("Effect grows over, minutes before", before), field("Effect fades over, minutes after", after)),
    h("div.two", {}, field("Where", zone), field("Concerns", concerns)), circle,
    field("Expected change, %", expected, "May be left empty. It is used until an event of this kind has been, and the band is wider there."), field("Reason", reason, "Where you know it from. Kept with your name."), wrong));
  const send = h("button.button.primary", { type: "button" }, old ? "Change" : "Enter");
  fill(box.foot, h("button.button", { type: "button", onclick: box.close }, "Cancel"), send);
  name.focus();
  send.addEventListener("click", () => {
    const wish = {
      name: name.value.trim(), kind: kind.value, start: fromLocalInput(start.value), end: fromLocalInput(end.value), before_s: Math.round((numberOf(before) ?? 0) * 60), after_s: Math.round((numberOf(after) ?? 0) * 60),
      zone: zone.value, lat: numberOf(lat), lon: numberOf(lon), radius_m: numberOf(radius), concerns: old && old.concerns.length > 1 && concerns.value === old.concerns[0] ? old.concerns : concerns.value ? [concerns.value] : [],
      expected_percent: numberOf(expected), reason: reason.value.trim(),
    };
    const fault = faultOf(wish);
    wrong.hidden = !fault;
    wrong.textContent = fault;
    if (fault) return;
    sendOnce(box, send, async () => {
      await (old ? put(`forecasts/events/${old.id}`, wish) : post("forecasts/events", wish));
      toast(`${wish.name} is reckoned with from the next hourly forecast on.`);
      again();
    });
  });
}

function cancel(one, again) {
  askWhy(`Cancel ${one.name}`, "Forecasts do without it from the next hour on. It stays in the list as cancelled.", "Cancel the event", async (reason) => {
    await post(`forecasts/events/${one.id}/cancel`, { reason });
    toast(`${one.name} is cancelled.`);
    again();
  });
}
