// SPDX-License-Identifier: Apache-2.0
// How traffic looks: junctions by the stage they run, approaches by how full they are and how freely they flow.

const STATUS = ["in operation", "dark", "flashing", "conflict trip", "door open", "mains failed"];
const SOURCES = ["local plan", "centre", "manual", "fallback"];
const DOOR = ["closed", "open"];
const MAINS = ["present", "failed"];
const UPS = ["on mains", "on battery", "battery low"];
const RUNGS = ["adaptive", "actuated", "fixed plan", "flash"];
const REASONS = [
  undefined,
  "a detector is silent",
  "most detectors have failed",
  "the centre is silent",
  "clocks disagree",
  "refusals in a row",
  "conflict monitor",
];
const DETECTOR_FAULTS = ["all well", "silent", "stuck on", "stuck off", "chatter", "implausible"];
const FULL = 80; // occupancy in % from which a queue reaches back far
const LONGEST_RED_S = 120;

// HBS 2015, table S5-3: mean speed as a share of the free speed.
const LEVELS = [["A", 0.85], ["B", 0.7], ["C", 0.55], ["D", 0.4], ["E", 0.25], ["F", 0]];

export const kinds = {
  approach: {
    shape: "line",
    title: "Approach",
    plural: "approaches",
    legend: "approach by queue",
    order: 5,
    minZoom: 14,
    chart: "traffic.flow",
    table: true,
  },
  intersection: {
    shape: "square",
    title: "Junction",
    plural: "junctions",
    legend: "junction",
    order: 20,
    chart: "traffic.flow",
    table: true,
    page: { title: "Timing sheet", path: "/traffic/sheets/{uid}/" },
  },
};

/** Kinds that bring their own part of the panel instead of card and figures: an element, loaded when it is first shown. */
export const own = {
  intersection: { tag: "junction-panel", load: () => import("./junction-panel.js") },
};

export function style(asset, values) {
  return asset.kind === "approach" ? road(values) : signal(values);
}

function road(values) {
  const full = share(values.get("traffic.occupancy"), 100);
  if (full === undefined) return { width: 2, tone: "off" };
  return { width: 2 + 6 * full, tone: full * 100 >= FULL || values.get("traffic.congestion") > 0.75 ? "saturated" : "normal" };
}

function signal(values) {
  const wrong = troubles(values);
  if (wrong.length) return { level: 0, label: wrong.join(", ") };
  const waits = share(values.get("traffic.longest_red_s"), LONGEST_RED_S);
  const stage = code(values, "traffic.stage");
  return { level: waits ?? 0, label: stage > 0 ? `stage ${stage}` : undefined };
}

/** Further pages about a junction. */
export function links(asset) {
  return asset.kind === "intersection" ? [{ title: "Measures", href: `/traffic/measures/${encodeURIComponent(asset.uid)}/` }] : [];
}

export function levelOfService(asset, values) {
  const speed = values.get("traffic.speed");
  if (speed === undefined || !(asset.speed_kmh > 0)) return undefined;
  return LEVELS.find(([, least]) => speed / asset.speed_kmh >= least)[0];
}

export function state(asset, values, children = []) {
  if (asset.kind === "approach") return roadState(asset, values);
  const stage = code(values, "traffic.stage");
  if (stage === undefined) return null;
  const status = code(values, "traffic.status");
  const wrong = troubles(values);
  return {
    title: wrong.length ? sentence(wrong.join(", ")) : stage === 0 ? "Changing" : `Stage ${stage}`,
    ring: status > 0
      ? { text: "–", caption: "stage", share: 0 }
      : { text: stage === 0 ? "…" : `${stage}`, caption: "stage", share: share(values.get("traffic.green_s"), 60) ?? 0 },
    rows: [
      { label: "Green so far", value: stage === 0 ? undefined : values.get("traffic.green_s"), unit: "s" },
      { label: "Source of control", value: SOURCES[code(values, "traffic.control_source")] },
      { label: "Way of control", value: RUNGS[code(values, "traffic.rung")], note: REASONS[code(values, "traffic.fallback_reason")] },
      { label: "Plan", value: plan(values) },
      { label: "Vehicles waiting", value: queue(children), unit: "veh" },
    ],
  };
}

function roadState(asset, values) {
  const waiting = values.get("traffic.queue");
  if (waiting === undefined) return null;
  const service = levelOfService(asset, values);
  return {
    title: waiting >= 1 ? "Queue" : "Free",
    ring: { text: `${Math.round(waiting)}`, caption: "vehicles", share: share(values.get("traffic.occupancy"), 100) ?? 0 },
    rows: [
      { label: "Level of service", value: service, note: "A free … F standing" },
      { label: "Flow", value: values.get("traffic.flow"), unit: "veh/h" },
      { label: "Mean speed", value: values.get("traffic.speed"), unit: "km/h", note: asset.speed_kmh == null ? undefined : `${asset.speed_kmh} km/h allowed` },
    ],
  };
}

export function rows(asset, values, children = []) {
  return asset.kind === "approach" ? roadRows(asset, values) : signalRows(values, children);
}

function roadRows(asset, values) {
  const full = values.get("traffic.occupancy");
  return [
    {
      label: "Occupancy",
      value: full,
      unit: "%",
      bar: share(full, 100),
      of: `of ${Math.round(asset.length_m)} m`,
      strong: full >= FULL,
    },
    { label: "Speed lost", value: percent(values.get("traffic.congestion")), unit: "%" },
    { label: "Lanes", value: asset.lanes ?? undefined },
  ];
}

function signalRows(values, children) {
  const waited = values.get("traffic.longest_red_s");
  const signals = {
    title: "Signal",
    rows: [
      { label: "Longest red with a call", value: waited, unit: "s", bar: share(waited, LONGEST_RED_S), of: `of ${LONGEST_RED_S} s`, strong: waited > 90 },
      { label: "Status", value: STATUS[code(values, "traffic.status")] },
      { label: "Cabinet door", value: DOOR[code(values, "traffic.door")] },
      { label: "Mains", value: MAINS[code(values, "traffic.mains")] },
      { label: "Battery", value: UPS[code(values, "traffic.ups")] },
      { label: "Detectors", value: DETECTOR_FAULTS[code(values, "traffic.detector_fault")] },
    ],
  };
  const waits = {
    title: "Waits, last 5 min",
    rows: [
      compared("Vehicles", values, "traffic.control_delay", "traffic.fixed_plan_delay", "s/veh"),
      compared("Trams", values, "traffic.tram_delay", "traffic.fixed_plan_tram_delay", "s/tram"),
      compared("On foot", values, "traffic.pedestrian_wait", "traffic.fixed_plan_pedestrian_wait", "s"),
    ].filter((row) => row.value !== undefined),
  };
  const approaches = {
    title: "Approaches",
    rows: children.map((child) => ({
      label: child.asset.name,
      value: child.values.get("traffic.queue"),
      unit: "veh",
      bar: share(child.values.get("traffic.occupancy"), 100),
      of: levelOfService(child.asset, child.values),
    })),
  };
  return [signals, waits, approaches].filter((group) => group.rows.length);
}

function compared(label, values, metric, baseline, unit) {
  const fixed = values.get(baseline);
  return { label, value: values.get(metric), unit, note: fixed === undefined ? undefined : `fixed plan ${fixed.toFixed(1)}, simulated` };
}

export function columns(kind) {
  if (kind === "approach") {
    return [
      { title: "Queue", unit: "veh", value: (asset, values) => values.get("traffic.queue"), sort: "high" },
      { title: "Flow", unit: "veh/h", value: (asset, values) => values.get("traffic.flow") },
      { title: "Mean speed", unit: "km/h", value: (asset, values) => values.get("traffic.speed") },
      { title: "Level of service", value: levelOfService },
    ];
  }
  return [
    { title: "Control delay", unit: "s/veh", value: (asset, values) => values.get("traffic.control_delay"), sort: "high" },
    { title: "Stage", value: (asset, values) => code(values, "traffic.stage") },
    { title: "Longest red", unit: "s", value: (asset, values) => values.get("traffic.longest_red_s") },
    { title: "Control", value: (asset, values) => SOURCES[code(values, "traffic.control_source")] },
    { title: "Status", value: (asset, values) => troubles(values).join(", ") || STATUS[code(values, "traffic.status")] },
  ];
}

export function headline(items) {
  let lost = 0;
  let flow = 0;
  for (const { asset, values } of items) {
    const delay = values.get("traffic.control_delay");
    const weight = values.get("traffic.flow");
    if (asset.kind !== "intersection" || delay === undefined || !(weight > 0)) continue;
    lost += delay * weight;
    flow += weight;
  }
  if (!flow) return { value: undefined, unit: "s/veh control delay", note: "no delay measured yet" };
  return { value: Math.round((lost / flow) * 10) / 10, unit: "s/veh control delay", note: `${Math.round(flow)} veh/h over the stop lines` };
}

// Everything that is wrong at once: what the signal shows, its door, its mains.
function troubles(values) {
  const found = new Set();
  const status = code(values, "traffic.status");
  if (status > 0) found.add(STATUS[status]);
  if (code(values, "traffic.door") === 1) found.add("door open");
  if (code(values, "traffic.mains") === 1) found.add("mains failed");
  if (code(values, "traffic.red_lamp") === 1) found.add("red lamp out");
  if (code(values, "traffic.ups") === 2) found.add("battery low");
  return [...found];
}

function plan(values) {
  const number = code(values, "traffic.plan");
  return number === undefined ? undefined : number === 0 ? "stages by request" : `fixed plan ${number}`;
}

function queue(children) {
  const waiting = children.map((child) => child.values.get("traffic.queue")).filter((value) => value !== undefined);
  return waiting.length ? waiting.reduce((sum, value) => sum + value, 0) : undefined;
}

function code(values, metric) {
  const value = values.get(metric);
  return value === undefined ? undefined : Math.round(value);
}

function share(value, whole) {
  return value === undefined ? undefined : Math.min(1, Math.max(0, value / whole));
}

function percent(value) {
  return value === undefined ? undefined : 100 * value;
}

function sentence(words) {
  return words[0].toUpperCase() + words.slice(1);
}
