// SPDX-License-Identifier: Apache-2.0
// The parts of the panel, each from data to nodes. Buttons carry the asset's name.

import { instant } from "#city/api";
import { city } from "#city/city";
import { commandLine, restsOn } from "#city/command-line";
import { config, titleOf } from "#city/config";
import { h, icon } from "#city/dom";
import { layerOf, plainRows } from "#city/layers";
import { live } from "#city/live";
import { lockOut, liftTag } from "#city/lock-out";
import { modeSwitch } from "#city/mode-switch";
import { liftOverride, override } from "#city/override";
import { severityMark } from "#city/severity";
import { cityNow, day, when } from "#city/time";
import { duration, humanise, issuerWord, number, qualityWord, quantity, severityWord, unitText } from "#city/words";

const standingAlarms = (uid) => [...live.store.alarms.values()].filter((a) => a.asset === uid).sort((a, b) => a.severity - b.severity);

/** "Intersection · no faults · 0.4 s ago" */
export function subtitle(asset, detail) {
  const faults = standingAlarms(asset.uid).length;
  const at = asset.values.lastAt;
  const age = at === null ? (asset.values.standing === "none" ? "no device" : "no reading yet") : `${duration((cityNow() - at) / 1000)} ago`;
  const stale = asset.values.standing === "stale";
  return [
    h("span", {}, `${detail?.kind_title ?? asset.kindInfo.title} · ${faults ? `${faults} ${faults === 1 ? "fault" : "faults"}` : "no faults"} · `),
    h(stale ? "span.stale-text" : "span", {}, stale ? `stale, ${age}` : age),
    asset.estimated && h("span.tag", { title: "Not surveyed: stated rules filled in what the map lacks" }, "estimated"),
    asset.simulated && config.mode === "LIVE" && h("span.tag", { title: "Exists only in the twin" }, "simulated"),
  ];
}

export function alarmLines(asset) {
  return standingAlarms(asset.uid).map((alarm) => h("p.alarm-line", {}, severityMark(alarm.severity), h("span", {}, h("strong", {}, humanise(severityWord(alarm.severity))), ` ${alarm.text}`),
    h("a.link", { href: `/alarms/${alarm.id}/` }, "What to do")));
}

export function stateCard(asset, children) {
  const state = layerOf(asset.domain).state(asset, asset.values, children);
  if (!state) return [];
  return h("div.state-card", {}, state.ring && ring(state.ring), h("dl", {}, (state.rows ?? []).filter((row) => row && row.value !== undefined).map((row) => [h("dt", {}, row.label),
    h("dd", {}, h("strong", {}, said(row.value)), row.unit ? h("span.unit", {}, ` ${unitText(row.unit)}`) : null, row.note ? h("span.unit", {}, ` ${row.note}`) : null)])));
}

const isKnown = (row) => row.value !== undefined && row.value !== null && row.value !== "";
const unitOf = (row) => (isKnown(row) && unitText(row.unit) ? h("span.unit", {}, ` ${unitText(row.unit)}`) : null);
const said = (value) => (typeof value === "number" ? number(value) : (value ?? "–"));

function ring({ text, caption, share = 1 }) {
  const round = 2 * Math.PI * 29;
  return h("svg.ring", { viewBox: "0 0 68 68", role: "img", "aria-label": `${caption ?? ""} ${text}` },
    h("circle.ring-track", { cx: 34, cy: 34, r: 29 }), h("circle.ring-share", { cx: 34, cy: 34, r: 29, transform: "rotate(-90 34 34)", "stroke-dasharray": `${(Math.max(0, Math.min(1, share)) * round).toFixed(1)} ${round.toFixed(1)}` }),
    h("text.ring-text", { x: 34, y: caption ? 33 : 39 }, text), caption && h("text.ring-caption", { x: 34, y: 46 }, caption));
}

/** The engineer's figures: the layer's sections, or every metric where there is no layer. */
export function sectionsOf(asset, children) {
  const own = layerOf(asset.domain).rows(asset, asset.values, children);
  const sections = own.length || layerOf(asset.domain).kinds[asset.kind] ? own : plainRows(asset, asset.values, city.metrics);
  return sections.map(({ title, rows }) => h("div.figures-block", {}, h("h3", {}, title), barred(rows), level(rows)));
}

const barred = (rows) => { const own = rows.filter((row) => row.bar !== undefined); return own.length > 0 && h("div.bar-rows", {}, own.map(barRow)); };
const level = (rows) => { const own = rows.filter((row) => row.bar === undefined); return own.length > 0 && h("dl.rows", {}, own.map(plainRow)); };
const plainRow = (row) => [h("dt", {}, row.label), h("dd", {}, h("strong", {}, said(row.value)), unitOf(row), row.of && isKnown(row) ? h("span.unit", {}, ` ${row.of}`) : null, row.note ? h("span.unit", {}, ` ${row.note}`) : null)];

function barRow(row) {
  const share = Math.max(0, Math.min(1, row.bar ?? 0));
  return h("div.bar-row", {}, h("span.bar-label", {}, row.label),
    h("svg.bar", { "aria-hidden": "true" }, h("rect.track", { width: "100%", height: 6, rx: 3 }), share > 0 && h(row.strong ? "rect.share.strong" : "rect.share", { width: `${(share * 100).toFixed(1)}%`, height: 6, rx: 3 })),
    h("span.bar-value", {}, said(row.value), unitOf(row)), h("span.bar-of", {}, row.of ?? row.note ?? ""));
}

/** What stands against the loops here: lock-out, overrides. */
export function standingLines(detail, done) {
  const lines = [];
  const { lockout } = detail;
  if (lockout) {
    lines.push(h("div.standing.locked", {}, icon("lock"), h("p", {}, h("strong", {}, `Locked out by ${lockout.owner}`), ` since ${when(instant(lockout.placed_at))}: ${lockout.reason}. Every command is refused until it is lifted.`),
      (lockout.mine || detail.may?.configure) && h("button.button", { type: "button", onclick: () => liftTag(detail, done) }, `Lift from ${detail.uid}…`)));
  }
  for (const o of detail.overrides ?? []) {
    const point = detail.points?.find((p) => p.name === o.point);
    lines.push(h("div.standing", {}, h("p", {}, h("strong", {}, `Override: ${point?.title ?? o.title ?? humanise(o.point)} ${said(o.value)}${unitText(o.unit) ? ` ${unitText(o.unit)}` : ""}`), ` by ${o.owner} until ${when(instant(o.until))}: ${o.reason}`),
      detail.may?.operate !== false && h("button.button", { type: "button", onclick: () => liftOverride(o, detail, done) }, `End on ${detail.uid}…`)));
  }
  return lines;
}

export function why(detail) {
  if (!detail.why) return [];
  const { reason, alternative, at, issuer, rests_on: rests } = detail.why;
  return [
    h("h3", {}, "Why"), h("p.why-text", {}, reason),
    alternative && h("p.why-text", {}, h("span.unit", {}, "Instead of: "), alternative),
    h("p.small", {}, [issuerWord(issuer, detail.why.issuer_word), at ? when(instant(at)) : "", restsOn(rests)].filter(Boolean).join(" · ")),
  ];
}

export function commandList(commands, detail, done) {
  const head = h("div.part-head", {}, h("h3", {}, "Commands"), h("a.link", { href: `/commands/?asset=${encodeURIComponent(detail.uid)}` }, "event log"));
  if (!commands.length) return [head, h("p.empty", {}, "None yet.")];
  return [head, h("ol.commands-list", {}, commands.slice(0, 6).map((c) => commandLine(c, { may: detail.may?.operate, done })))];
}

/** Every series with its value, age and quality. */
export function readings(asset, detail, open) {
  const rows = (detail.series ?? []).map((s) => {
    const live_ = asset.values.reading(s.metric);
    const latest = live_ ?? (s.latest ? { value: s.latest.value, at: instant(s.latest.at), quality: s.latest.quality, age_s: (cityNow() - instant(s.latest.at)) / 1000 } : null);
    return [h("dt", {}, s.title ?? humanise(s.metric)), h(latest?.stale ? "dd.stale-text" : "dd", {}, latest ? [h("strong", {}, quantity(latest.value, s)), h("span.unit", {}, ` ${duration(latest.age_s)} ago · ${qualityWord(latest.quality)}${latest.stale ? " · stale" : ""}`)] : h("span.unit", {}, "no reading yet"))];
  });
  return rows.length ? h("details.more", { open: open ? true : null }, h("summary", {}, `Latest values (${rows.length})`), h("dl.rows", {}, rows)) : [];
}

export function engineering(detail) {
  const record = detail.engineering;
  const page = ownPage(detail);
  if (!record) return [h("p.small", {}, "No engineering data: the loops may advise, never act by themselves."), page];
  const signed = record.signed_by ? `signed by ${record.signed_by}${record.valid_until ? ` until ${day(instant(record.valid_until))}` : ""}` : "unsigned: the loops may advise only";
  return [page, h("details.more", {}, h("summary", {}, `Engineering data, version ${record.version}, ${signed}`), record.basis && h("p.small", {}, record.basis),
    h("dl.rows", {}, Object.entries(record.data ?? {}).slice(0, 40).map(([name, value]) => [h("dt", {}, humanise(name)), h("dd", {}, plain(value))])))];
}

/** The page a domain has for one asset of this kind. */
function ownPage({ domain, kind, uid }) {
  const page = layerOf(domain).kinds[kind]?.page;
  return page && h("p.small", {}, h("a.link", { href: page.path.replace("{uid}", encodeURIComponent(uid)) }, page.title));
}

function plain(value) {
  if (typeof value === "number") return number(value);
  if (value === null || typeof value !== "object") return String(value ?? "–");
  const text = JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}

export function facts(detail) {
  const { device } = detail;
  const rows = [["Domain", titleOf(detail.domain)], ["Zone", detail.zone?.name ?? detail.zone?.code], ["Part of", detail.parent && h("a", { href: `/?asset=${detail.parent}` }, detail.parent)],
    ["Device", device && `${device.uid} · ${device.codec}${device.last_seen ? ` · last seen ${when(instant(device.last_seen))}` : ""}`], ["Source", [detail.source, detail.external_id].filter(Boolean).join(" ")],
    ["Estimated", detail.estimated && "yes: not surveyed, stated rules filled in what the map lacks"], ["Simulated", detail.simulated && "yes: exists only in the twin"]].filter(([, value]) => value);
  return h("details.more", {}, h("summary", {}, "Record"), h("dl.rows", {}, rows.map(([label, value]) => [h("dt", {}, label), h("dd", {}, value)])));
}

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

/** Override, lock-out and the mode in the trade's words, or one sentence saying why there is nothing to press. */
export function actions(detail, done) {
  const pages = layerOf(detail.domain).links(detail).map(({ title, href }) => h("a.button", { href }, title));
  if (detail.may && !detail.may.operate) return [h("p.small", {}, `Your account may look at ${detail.uid}, not act on it.`), pages.length ? h("div.panel-actions", {}, pages) : null];
  const points = detail.points ?? [];
  const blocked = detail.commandable === false ? sentence(detail.why_not_commandable || "it cannot be commanded now") : "";
  const buttons = [];
  if (points.length && !blocked && !detail.lockout) buttons.push(h("button.button.primary", { type: "button", "aria-haspopup": "dialog", onclick: () => override(detail, done) }, `Override ${detail.uid}…`));
  if ((points.length || detail.device) && !detail.lockout) buttons.push(h("button.button", { type: "button", "aria-haspopup": "dialog", "aria-label": `Lock out ${detail.uid}`, onclick: () => lockOut(detail, done) }, "Lock out"));
  return [blocked && h("p.small", {}, blocked), h("div.panel-actions", {}, buttons, pages, (detail.modes ?? []).slice(0, 2).map((mode) => modeSwitch(mode, done)))];
}

