// SPDX-License-Identifier: Apache-2.0
// City time in the city's zone. Between frames it runs on by the speed the server reported.

import { config } from "#city/config";

const locale = "en-GB";
const formats = new Map();

function format(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, { timeZone: config.zone, ...options }));
  return formats.get(key);
}

const HM = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
export const hm = (ms) => format(HM).format(ms);
export const hms = (ms) => format({ ...HM, second: "2-digit" }).format(ms);
export const day = (ms) => format({ weekday: "short", day: "numeric", month: "short" }).format(ms).replace(",", "");
export const weekday = (ms) => format({ weekday: "short" }).format(ms);
export const dayHms = (ms) => `${day(ms)} · ${hms(ms)}`;

/** "EET", "EEST"; where the browser only knows an offset, that. */
export function zoneName(ms) {
  const summer = isSummer(ms);
  const known = { "Europe/Helsinki": ["EET", "EEST"], "Europe/Berlin": ["CET", "CEST"], "Europe/London": ["GMT", "BST"] }[config.zone];
  if (known) return known[summer ? 1 : 0];
  return format({ timeZoneName: "short" }).formatToParts(ms).find((part) => part.type === "timeZoneName").value;
}

function offset(ms) {
  const parts = Object.fromEntries(format({ ...HM, year: "numeric", month: "numeric", day: "numeric" }).formatToParts(ms).map((p) => [p.type, p.value]));
  return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute) - Math.floor(ms / 60000) * 60000;
}

function isSummer(ms) {
  const year = new Date(ms).getUTCFullYear();
  return offset(ms) > Math.min(offset(Date.UTC(year, 0, 1)), offset(Date.UTC(year, 6, 1)));
}

/** Time alone today, with the day otherwise. */
export function when(ms, now) {
  if (ms === null || ms === undefined) return "–";
  return day(ms) === day(now ?? cityNow()) ? hm(ms) : `${day(ms)} ${hm(ms)}`;
}

export const iso = (ms) => new Date(ms).toISOString();

/** The value of <input type="datetime-local"> for an instant, in the city's zone. */
export function toLocalInput(ms) {
  return new Date(ms + offset(ms)).toISOString().slice(0, 16);
}

/** The instant a datetime-local value means in the city's zone. */
export function fromLocalInput(text) {
  const naive = Date.parse(`${text}:00Z`);
  if (!Number.isFinite(naive)) return null;
  const guess = naive - offset(naive);
  return naive - offset(guess);
}

const anchor = { city: config.now, wall: globalThis.performance?.now() ?? 0, speed: config.speed };

/** Set by live.js from every frame. City time never runs backwards on the page. */
export function setCityTime(at, speed) {
  const now = cityNow();
  anchor.city = Math.abs(at - now) < 2000 * Math.max(1, speed) ? Math.max(at, now) : at;
  anchor.wall = performance.now();
  anchor.speed = speed;
}

export function cityNow() {
  return Math.round(anchor.city + ((globalThis.performance?.now() ?? 0) - anchor.wall) * anchor.speed);
}

export const citySpeed = () => anchor.speed;

/** Hold the clock when the truth about it is gone. */
export function holdCityTime() {
  setCityTime(cityNow(), 0);
}
