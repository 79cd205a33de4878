// SPDX-License-Identifier: Apache-2.0
// <time-strip>: a day of past and half a day ahead; commands and alarms as ticks; the city clock's speed in SIMULATION.

import { instant, list, post } from "#city/api";
import { isSimulation } from "#city/config";
import { fill, h, say, toast } from "#city/dom";
import { live } from "#city/live";
import { cityNow, hm, weekday, when } from "#city/time";
import { number } from "#city/words";

const HOUR = 3600_000;
const SPANS = { "24 h": [24, 12], "6 h": [6, 3], "1 h": [1, 0.5] };
const SPEEDS = [1, 10, 60];
const MOST_TICKS = 60;
const STEPS_H = [0.25, 0.5, 1, 2, 3, 6, 12, 24];

/** Share 0..1 of an instant on the strip. */
export const shareOf = (at, now, [past, ahead]) => (at - (now - past * HOUR)) / ((past + ahead) * HOUR);

/** At most `most` ticks: those in one slot become one that says how many. Pure. */
export function bundled(ticks, most) {
  const slots = new Map();
  for (const tick of ticks) {
    const slot = `${Math.round(tick.share * most)}${tick.kind}`;
    const kept = slots.get(slot);
    if (kept) { kept.count += 1; kept.severity = Math.min(kept.severity ?? 9, tick.severity ?? 9); } else slots.set(slot, { ...tick, count: 1 });
  }
  return [...slots.values()];
}

class TimeStrip extends (globalThis.HTMLElement ?? Object) {
  span = "24 h";
  events = [];

  connectedCallback() {
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", "Time");
    this.spanButton = h("button.button.span", { type: "button", title: "Span of the strip", onclick: () => this.#turn() });
    this.track = h("div.strip-track");
    this.speeds = h("div.speeds", { role: "group", "aria-label": "Speed of the city clock" });
    this.append(this.spanButton, this.track, this.speeds);
    this.#turn(this.span);
    live.addEventListener("change", (event) => { if (event.detail.commands.length || event.detail.alarms) this.#later(); this.#speed(); });
    setInterval(() => this.draw(), 5000);
    setTimeout(() => this.load(), 300);
  }

  #turn(to) {
    const names = Object.keys(SPANS);
    this.span = to ?? names[(names.indexOf(this.span) + 1) % names.length];
    say(this.spanButton, this.span);
    this.spanButton.setAttribute("aria-label", `Past ${this.span} shown; press for another span`);
    if (to) this.draw(); else this.load();
  }

  #later() {
    this.due ??= setTimeout(() => { this.due = null; this.load(); }, 5000);
  }

  async load() {
    const from = Math.round(cityNow() - SPANS[this.span][0] * HOUR);
    try {
      const [commands, alarms] = await Promise.all([list("commands/", { from, limit: 300 }), list("alarms/", { from, limit: 300 })]);
      this.events = [
        ...commands.map((c) => ({ at: instant(c.created_at), kind: "command", text: `${c.asset ?? c.zone ?? ""} ${c.title ?? c.point}`, uid: c.asset })),
        ...alarms.map((a) => ({ at: instant(a.raised_at), kind: "alarm", severity: a.severity, text: `${a.asset ?? ""} ${a.text}`, uid: a.asset })),
      ];
    } catch { /* the strip is an overview: the lists say what is wrong */ }
    this.draw();
  }

  draw() {
    const now = cityNow();
    const span = SPANS[this.span];
    const at = shareOf(now, now, span);
    const percent = (share) => `${(share * 100).toFixed(2)}%`;
    const ticks = bundled(this.events.map((e) => ({ ...e, share: shareOf(e.at, now, span) })).filter((e) => e.share >= 0 && e.share <= at), MOST_TICKS);
    const svg = h("svg.strip", { "aria-hidden": "true" },
      h("rect.past", { x: 0, y: 12, width: percent(at), height: 5, rx: 2.5 }), h("line.ahead", { x1: percent(at), x2: "100%", y1: 14.5, y2: 14.5 }),
      ticks.map((t) => h(`rect.tick.${t.kind}${t.kind === "alarm" ? `.s${t.severity}` : ""}`, { x: percent(t.share), y: t.kind === "alarm" ? 1 : 4, width: 2, height: t.kind === "alarm" ? 9 : 6 }, h("title", {}, `${when(t.at, now)} ${t.text}${t.count > 1 ? ` and ${t.count - 1} more` : ""}`))),
      h("rect.now", { x: percent(at), y: 6, width: 3, height: 17, rx: 1 }),
      this.#labels(now, span, percent));
    const hits = ticks.filter((t) => t.uid).slice(-24).map((t) => this.#hit(t, percent, now));
    fill(this.track, svg, h("div.strip-hits", {}, hits), h("p.hidden", {}, `${this.events.filter((e) => e.kind === "command").length} commands and ${this.events.filter((e) => e.kind === "alarm").length} alarms in the past ${this.span}`));
    this.#speed();
  }

  #labels(now, span, percent) {
    const room = Math.max(1, Math.floor((this.track.clientWidth || 800) / 90));
    const step = STEPS_H.find((hours) => (span[0] + span[1]) / hours <= room) ?? STEPS_H.at(-1);
    const clear = 34 / (this.track.clientWidth || 800);
    const marks = [];
    for (let t = Math.ceil((now - span[0] * HOUR) / (step * HOUR)) * step * HOUR; t < now + span[1] * HOUR; t += step * HOUR) {
      const share = shareOf(t, now, span);
      if (Math.abs(share - span[0] / (span[0] + span[1])) > clear * 1.4 && share > clear && share < 1 - clear / 2) marks.push(h("text", { x: percent(share), y: 34, "text-anchor": "middle" }, hm(t)));
    }
    const start = now - span[0] * HOUR;
    return [h("text", { x: 0, y: 34 }, `${weekday(start)} ${hm(start)}`), ...marks.filter((m) => Number.parseFloat(m.getAttribute("x")) > 330 * clear), h("text.now-text", { x: percent(span[0] / (span[0] + span[1])), y: 34, "text-anchor": "middle" }, "now")];
  }

  #hit(tick, percent, now) {
    const button = h("button", { type: "button", tabindex: "-1", "aria-hidden": "true", title: `${when(tick.at, now)} ${tick.text}${tick.count > 1 ? ` and ${tick.count - 1} more` : ""}` });
    button.style.left = percent(tick.share);
    button.addEventListener("click", () => this.dispatchEvent(new CustomEvent("open-asset", { bubbles: true, cancelable: true, detail: { uid: tick.uid } })));
    return button;
  }

  #speed() {
    const { speed, ceiling } = live.store;
    const said = isSimulation() ? `${ceiling} ${speed}` : "";
    if (this.speeds.dataset.said === said) return;
    this.speeds.dataset.said = said;
    const offered = [...new Set([...SPEEDS, ceiling])].sort((a, b) => a - b);
    fill(this.speeds, isSimulation() && offered.map((s) => h("button", { type: "button", "aria-pressed": s === ceiling, title: s === ceiling && speed < ceiling - 0.01 ? `${number(speed)}× reached: the city yields` : null, onclick: () => this.#set(s) }, `${number(s)}×`)));
  }

  async #set(speed) {
    try {
      await post("clock/speed", { speed });
    } catch (problem) {
      toast(`The speed was not changed. ${problem.words ?? problem.message}`, "problem");
    }
  }
}

if (globalThis.customElements) customElements.define("time-strip", TimeStrip);
