// SPDX-License-Identifier: Apache-2.0
// What the city last said: values, alarms, modes, figures. Pure: frames in, changes out; no socket, no clock, no DOM.

export class Store {
  values = new Map(); // series → [value, at, quality]
  alarms = new Map(); // id → alarm, standing ones only
  modes = new Map(); // "loop/group" → mode
  kpis = {};
  rate = null;
  seq = null;
  at = 0;
  mode = "";
  speed = 1;
  ceiling = 1;
  notice = ""; // what people must be told: that values stand still, that nobody decides

  /** Take one frame. Returns what changed, or null when a gap was found and a resync is due. */
  apply(frame) {
    if (frame.t === "snapshot") return this.#snapshot(frame);
    if (frame.t !== "delta") return this.#nothing();
    if (this.seq === null || frame.seq !== this.seq + 1) return null;
    this.seq = frame.seq;
    this.#head(frame);
    return this.#merge(frame, this.#nothing());
  }

  #snapshot(frame) {
    this.seq = frame.seq;
    this.values.clear();
    this.alarms.clear();
    this.modes.clear();
    this.kpis = {};
    this.#head(frame);
    return { ...this.#merge(frame, this.#nothing()), everything: true, alarms: true, modes: true, kpis: true };
  }

  #head(frame) {
    this.at = frame.at ?? this.at;
    this.mode = frame.mode ?? this.mode;
    this.speed = frame.speed ?? this.speed;
    this.ceiling = frame.ceiling ?? this.ceiling;
    this.rate = frame.rate ?? this.rate;
    this.notice = frame.notice ?? "";
  }

  #merge(frame, changed) {
    for (const [series, value, at, quality] of frame.values ?? []) {
      const before = this.values.get(series);
      if (before && before[1] > at) continue;
      this.values.set(series, [value, at, quality]);
      changed.series.add(series);
    }
    for (const alarm of frame.alarms ?? []) {
      changed.alarms = true;
      if (alarm.cleared_at || alarm.gone) this.alarms.delete(alarm.id);
      else this.alarms.set(alarm.id, { ...this.alarms.get(alarm.id), ...alarm });
    }
    for (const mode of frame.modes ?? []) {
      changed.modes = true;
      this.modes.set(`${mode.loop}/${mode.group ?? mode.zone ?? ""}`, mode);
    }
    for (const [domain, kpi] of Object.entries(frame.kpis ?? {})) {
      changed.kpis = true;
      this.kpis[domain] = figure({ ...this.kpis[domain], ...kpi });
    }
    changed.commands = frame.commands ?? [];
    return changed;
  }

  #nothing() {
    return { everything: false, series: new Set(), alarms: false, modes: false, kpis: false, commands: [] };
  }
}

/** Two changes as one, so that a browser tab that was hidden catches up in one go. */
export function merged(a, b) {
  if (!a) return b;
  for (const series of b.series) a.series.add(series);
  return {
    everything: a.everything || b.everything, series: a.series, alarms: a.alarms || b.alarms,
    modes: a.modes || b.modes, kpis: a.kpis || b.kpis, commands: [...a.commands, ...b.commands],
  };
}

/** A headline as the page draws it: `range` the whole bar, `normal` its grey band, `note` the line of meaning. */
export function figure(kpi) {
  const known = (...ends) => (ends.every((end) => typeof end === "number") ? ends : null);
  return {
    ...kpi, range: kpi.range ?? known(kpi.floor, kpi.ceiling), normal: kpi.normal ?? known(kpi.low, kpi.high), note: kpi.note ?? kpi.line ?? "",
  };
}

const isOut = (alarm, now) => Boolean(alarm.shelved) || (Boolean(alarm.shelved_until) && ms(alarm.shelved_until) > now);
export const isAcknowledged = (alarm) => Boolean(alarm.acknowledged_at || alarm.acknowledged);

const ms = (value) => (typeof value === "number" ? value : Date.parse(value ?? "") || 0);

/** Unacknowledged and not shelved, worst first, then newest: what must be in sight. */
export function inSight(alarms, now) {
  return [...alarms]
    .filter((a) => !a.cleared_at && !isAcknowledged(a) && !isOut(a, now))
    .sort((a, b) => a.severity - b.severity || ms(b.raised_at) - ms(a.raised_at));
}

/** asset uid → worst severity of its standing alarms that are not shelved. */
export function worstByAsset(alarms, now) {
  const worst = new Map();
  for (const alarm of alarms) {
    if (alarm.cleared_at || !alarm.asset || isOut(alarm, now)) continue;
    worst.set(alarm.asset, Math.min(worst.get(alarm.asset) ?? 9, alarm.severity));
  }
  return worst;
}
