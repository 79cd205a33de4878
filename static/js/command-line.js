// SPDX-License-Identifier: Apache-2.0
// One command as a line: when, what, the step it has reached, why. What was wished is never shown as a fact.

import { instant, post } from "#city/api";
import { city } from "#city/city";
import { dialog, failure, field } from "#city/dialog";
import { fill, h, toast } from "#city/dom";
import { hms, when } from "#city/time";
import { STEPS, humanise, isBad, isUnderWay, issuerWord, number, stateWord, unitText } from "#city/words";

const said = (value) => (typeof value === "number" ? number(value) : (value ?? "–"));

/** "Dimming level 40 %"; structured values are shortened, the full text stands in the details. */
export function whatOf(c) {
  const value = typeof c.value === "object" && c.value !== null ? "" : ` ${said(c.value)}${unitText(c.unit) ? ` ${unitText(c.unit)}` : ""}`;
  return `${c.title ?? humanise(c.point)}${value}`;
}

/** "series:633@1795600800000" → "K-12 traffic flow of 12:00", where the map knows it; older commands name no instant. */
export function named(text) {
  const [, what, digits] = /^(.*)@(\d{12,})$/.exec(text) ?? [, text];
  const words = nameOf(what);
  return digits === undefined ? words : `${words} of ${when(Number(digits))}`;
}

function nameOf(text) {
  const [, kind, digits] = /^(series|forecast):(\d+)$/.exec(text) ?? [];
  const id = Number(digits);
  const asset = city.bySeries.get(id);
  const metric = asset && Object.keys(asset.series).find((name) => asset.series[name] === id);
  return metric ? `${kind === "forecast" ? "forecast of " : ""}${asset.uid} ${(city.metrics.get(metric)?.title ?? humanise(metric)).toLowerCase()}` : text;
}

/** What a decision rests on: at most three names, whichever way they were written down. */
export function restsOn(rests) {
  const names = (rests ?? []).map((r) => (typeof r === "object" && r !== null ? (r.name ?? r.metric ?? r.series ?? "") : named(r))).filter(Boolean);
  return names.length ? `rests on ${names.slice(0, 3).join(", ")}${names.length > 3 ? ` and ${names.length - 3} more` : ""}` : "";
}

export function commandLine(c, { whole = false, may = false, done = () => {} } = {}) {
  const mark = c.state === "verified" ? h("span.ok", { "aria-hidden": "true" }, "✓ ") : isBad(c.state) ? h("span.bad", { "aria-hidden": "true" }, "✗ ") : null;
  const whom = whole ? h("a", { href: c.asset ? `/?asset=${encodeURIComponent(c.asset)}` : `/?layers=${c.domain}` }, c.asset ?? c.zone ?? "everywhere") : null;
  const at = instant(c.created_at);
  return h("li", { title: whole ? null : `${c.reason}${c.state_note ? ` (${c.state_note})` : ""}` }, h("time", { datetime: new Date(at).toISOString() }, when(at)),
    h("div.command-what", {}, h("span", {}, whom, whom ? " " : "", whatOf(c)), h("span.small", {}, `${issuerWord(c.issuer, c.issuer_word)} · ${c.reason}`), whole && details(c),
      may && c.state === "proposed" && h("span.decide", {}, h("button.button", { type: "button", onclick: () => decide(c, "approve", done) }, `Approve for ${c.asset ?? c.zone}…`), h("button.button", { type: "button", onclick: () => decide(c, "reject", done) }, "Reject…"))),
    h("span.command-state", {}, mark, stateWord(c.state, c.word), isUnderWay(c.state) && c.state !== "proposed" && steps(c)));
}

function steps(c) {
  const reached = STEPS.indexOf(c.state);
  return h("span.steps", { role: "img", "aria-label": `step ${reached + 1} of ${STEPS.length}` }, STEPS.map((_, i) => h(i <= reached ? "i.on" : "i")));
}

function details(c) {
  const value = typeof c.value === "object" && c.value !== null ? JSON.stringify(c.value) : "";
  const rows = [["Instead of", c.alternative], ["Rests on", restsOn(c.rests_on).replace("rests on ", "")], ["Value", value], ["Expected", c.expected], ["Measured", typeof c.measured === "number" ? number(c.measured) : ""], ["Valid until", c.expires_at ? when(instant(c.expires_at)) : ""], ["Priority", c.priority], ["Note", c.state_note]].filter(([, text]) => text);
  if (!rows.length && !c.transitions?.length) return null;
  return h("details.more", {}, h("summary", {}, "Steps and grounds"),
    h("ol.transitions", {}, (c.transitions ?? []).map((t) => h("li", {}, h("time", {}, hms(instant(t.at))), ` ${stateWord(t.state, t.word)}`, t.note ? h("span.unit", {}, ` ${t.note}`) : null))),
    h("dl.rows", {}, rows.map(([label, text]) => [h("dt", {}, label), h("dd", {}, String(text))])));
}

/** What a loop proposed is sent, or not, by a person with a reason. */
function decide(c, verb, done) {
  const title = `${verb === "approve" ? "Approve" : "Reject"}: ${whatOf(c)}, ${c.asset ?? c.zone}`;
  const box = dialog(title);
  const reason = h("input", { type: "text", maxlength: 500, autocomplete: "off" });
  const send = h("button.button.primary", { type: "button" }, verb === "approve" ? `Approve for ${c.asset ?? c.zone}` : "Reject");
  fill(box.body, h("p", {}, c.reason), field("Reason", reason, verb === "approve" ? "It is sent after the limit checks." : "The loop will propose anew when the picture changes."));
  fill(box.foot, h("button.button", { type: "button", onclick: box.close }, "Cancel"), send);
  reason.focus();
  send.addEventListener("click", async () => {
    if (send.disabled) return;
    send.disabled = true;
    try {
      await post(`commands/${c.id}/${verb}`, { reason: reason.value.trim() || (verb === "approve" ? "as proposed" : "not now") });
      box.close();
      toast(verb === "approve" ? "Approved." : "Rejected.");
      done();
    } catch (problem) {
      box.body.querySelector("[role=alert]")?.remove();
      box.body.append(failure(problem));
      send.disabled = false;
    }
  });
}
