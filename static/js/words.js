// SPDX-License-Identifier: Apache-2.0
// The console's words and numbers. Pure.

export const SEVERITIES = ["", "critical", "high", "medium", "low"];
export const severityWord = (severity) => SEVERITIES[severity] ?? "unknown";

const STATES = {
  proposed: "proposed", approved: "approved", queued: "waiting to be sent", sent: "sent", received: "received by the device",
  applied: "applied, effect not yet measured", verified: "effect confirmed", refused: "refused", expired: "expired",
  failed: "no effect measured", superseded: "replaced by a later one", "rolled back": "rolled back",
};
export const STEPS = ["queued", "sent", "received", "applied", "verified"];
export const stateWord = (state, word) => word || STATES[state] || state;
export const isUnderWay = (state) => ["proposed", "approved", "queued", "sent", "received", "applied"].includes(state);
export const isBad = (state) => ["refused", "expired", "failed"].includes(state);

const QUALITIES = {
  0: "good", 1: "late", 2: "estimated", 10: "outside its range", 11: "changes too fast", 12: "stuck", 13: "spike", 14: "clock wrong",
};
export const qualityWord = (quality) => QUALITIES[quality] ?? "unknown";
export const isUsable = (quality) => quality < 10;

/** A number as a person reads it: three significant figures, thin spaces between thousands, a real minus. */
export function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  const text = size >= 1e6 || size >= 10000
    ? Math.round(value).toString().replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f")
    : trim(value.toFixed(digits));
  return text.replace("-", "−");
}

const trim = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/** A unit as it is printed; "1" is none. */
export const unitText = (unit) => (!unit || unit === "1" ? "" : unit);

/** "24.1 s/veh", or a state's word. */
export function quantity(value, metric) {
  if (value === null || value === undefined) return "–";
  if (metric?.states?.length) return metric.states[Math.round(value)] ?? number(value);
  const unit = unitText(metric?.unit);
  return unit ? `${number(value)}\u00a0${unit}` : number(value);
}

/** How long ago or how long: "0.4 s", "12 s", "3 min", "2 h 10 min", "4 d". */
export function duration(seconds) {
  const s = Math.max(0, seconds);
  if (s < 10) return `${Number.isInteger(s) ? s : s.toFixed(1)}\u00a0s`;
  if (s < 90) return `${Math.round(s)}\u00a0s`;
  const minutes = Math.round(s / 60);
  if (minutes < 90) return `${minutes}\u00a0min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)}\u00a0h${minutes % 60 ? ` ${minutes % 60}\u00a0min` : ""}`;
  return `${Math.round(minutes / 1440)}\u00a0d`;
}

/** "control_delay" → "Control delay". */
export function humanise(name) {
  const words = String(name).split(".").at(-1).replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** loop:lighting.dimming → "the dimming loop"; a user's name stays. */
export function issuerWord(issuer, word) {
  if (word) return word;
  return issuer?.startsWith("loop:") ? `loop ${humanise(issuer.slice(5)).toLowerCase()}` : (issuer ?? "");
}

/** The telephone number inside a text such as "grid desk, 09 310 1234", for a tel: link; "" when there is none. */
export function telephone(text) {
  const found = /(\+?\d[\d ()-]{1,}\d)/.exec(text ?? "");
  return found ? found[1].replace(/[^\d+]/g, "") : "";
}

/** Who is called, without the number: "Call grid desk". */
export function callLabel(text) {
  const whom = String(text ?? "").replace(/[,:]?\s*\+?\d[\d ()-]{3,}\d\s*$/, "").trim();
  return whom ? `Call ${whom.charAt(0).toLowerCase() === whom.charAt(0) || /^[A-Z0-9]{2}/.test(whom) ? whom : whom.charAt(0).toLowerCase() + whom.slice(1)}` : "";
}
