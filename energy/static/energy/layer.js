// SPDX-License-Identifier: Apache-2.0
// How energy looks: transformers fill by loading, connection points by their contracted capacity, batteries by charge.

export const kinds = {
  feeder: { shape: "none", title: "Feeder", plural: "feeders", order: 1, chart: "energy.feeder_kw", table: true },
  transformer: {
    shape: "triangle",
    title: "Transformer",
    plural: "transformers",
    legend: "transformer",
    order: 20,
    chart: "energy.feeder_kw",
    table: true,
  },
  connection_point: {
    shape: "square",
    title: "Connection point",
    plural: "connection points",
    legend: "connection point",
    order: 10,
    minZoom: 17,
    chart: "energy.import_kw",
    table: true,
  },
  battery: {
    shape: "hexagon",
    title: "Battery",
    plural: "batteries",
    legend: "battery",
    order: 15,
    minZoom: 16.75,
    chart: "energy.battery_kw",
    table: true,
  },
  charger: {
    shape: "dot",
    title: "Charging point",
    plural: "charging points",
    legend: "charging point",
    order: 14,
    minZoom: 17,
    chart: "energy.charging_kw",
    table: true,
  },
  pv_plant: {
    shape: "diamond",
    title: "PV plant",
    plural: "PV plants",
    legend: "PV plant",
    order: 12,
    minZoom: 17,
    chart: "energy.generation_kw",
    table: true,
  },
};

const NEAR_RATING = 90;

export function style(asset, values) {
  const share = use(asset, values);
  if (share === undefined) return {};
  const percent = Math.round(share * 100);
  const label = asset.kind === "transformer" && percent >= NEAR_RATING ? `${percent} %` : undefined;
  return { level: Math.min(1, Math.max(0, share)), label };
}

// Share 0..1 of what the asset can take: rating, contract, capacity or peak; undefined when it is silent.
function use(asset, values) {
  switch (asset.kind) {
    case "transformer":
    case "feeder":
      return part(values.get("energy.loading"), 100);
    case "connection_point":
      return part(values.get("energy.import_kw"), asset.contracted_kw);
    case "battery":
      return part(values.get("energy.soc"), 100);
    case "charger":
      return part(values.get("energy.charging_kw"), asset.power_kw);
    case "pv_plant":
      return part(values.get("energy.generation_kw"), asset.peak_kw);
  }
  return undefined;
}

function part(value, whole) {
  return value === undefined || !(whole > 0) ? undefined : value / whole;
}

export function state(asset, values) {
  const share = use(asset, values);
  if (share === undefined) return null;
  const percent = `${Math.round(share * 100)}`;
  return { ...card(asset, values), ring: { text: percent, caption: "%", share: Math.min(1, Math.max(0, share)) } };
}

function card(asset, values) {
  switch (asset.kind) {
    case "battery":
      return { title: batteryWord(values.get("energy.battery_kw")), rows: [row(values, "State of charge", "energy.soc", "%")] };
    case "charger":
      return { title: values.get("energy.charging_kw") > 0.5 ? "Charging" : "Free", rows: [row(values, "Power", "energy.charging_kw", "kW", asset.power_kw)] };
    case "pv_plant":
      return { title: "Generation", rows: [row(values, "Power", "energy.generation_kw", "kW", asset.peak_kw)] };
    case "connection_point":
      return { title: values.get("energy.import_kw") < 0 ? "Exporting" : "Importing", rows: [row(values, "Import", "energy.import_kw", "kW", asset.contracted_kw)] };
  }
  return { title: "Loading", rows: [row(values, "Load", "energy.feeder_kw", "kW", asset.rated_kva)] };
}

function batteryWord(power) {
  if (power === undefined || Math.abs(power) < 0.5) return "Resting";
  return power > 0 ? "Charging" : "Discharging";
}

function row(values, label, metric, unit, of) {
  const value = values.get(metric);
  return { label, value, unit, of: of === undefined ? undefined : `of ${Math.round(of)} ${unit}` };
}

export function rows(asset, values, children) {
  switch (asset.kind) {
    case "feeder":
    case "transformer":
      return [
        bar("Loading", values.get("energy.loading"), "% of rating", 100, `of ${Math.round(asset.rated_kva)} kVA`),
        { label: asset.kind === "feeder" ? "Transformers" : "Connection points", value: children.length },
      ];
    case "connection_point":
      return [
        bar("Import, of contract", values.get("energy.import_kw"), "kW", asset.contracted_kw, `of ${Math.round(asset.contracted_kw)} kW`),
        { label: "Building load", value: values.get("energy.load_kw"), unit: "kW" },
        { label: "Use", value: asset.use },
        { label: "Behind it", value: behind(children) },
      ];
    case "battery":
      return [
        bar("State of charge", values.get("energy.soc"), "%", 100, `of ${Math.round(asset.capacity_kwh)} kWh`),
        { label: "Power", value: values.get("energy.battery_kw"), unit: "kW", note: "charging is positive", of: `of ${Math.round(asset.power_kw)} kW` },
      ];
    case "charger":
      return [bar("Power", values.get("energy.charging_kw"), "kW", asset.power_kw, `of ${Math.round(asset.power_kw)} kW`)];
    case "pv_plant":
      return [bar("Generation", values.get("energy.generation_kw"), "kW", asset.peak_kw, `of ${Math.round(asset.peak_kw)} kW peak`)];
  }
  return [];
}

function bar(label, value, unit, whole, of) {
  const share = part(value, whole);
  return { label, value, unit, bar: share === undefined ? undefined : Math.min(1, Math.max(0, share)), of, strong: share > 0.95 };
}

function behind(children) {
  const counts = {};
  for (const { asset } of children) counts[asset.kind] = (counts[asset.kind] ?? 0) + 1;
  const words = Object.entries(counts).map(([kind, count]) => `${count} ${count === 1 ? kinds[kind].title.toLowerCase() : kinds[kind].plural}`);
  return words.join(", ").replace(/\bpv\b/g, "PV") || "nothing to steer";
}

const PERCENT = { title: "Loading", unit: "% of rating", value: (asset, values) => values.get("energy.loading"), sort: "high" };
const OF_RATING = { title: "Load", unit: "kW", value: (asset, values) => values.get("energy.feeder_kw") };

export function columns(kind) {
  switch (kind) {
    case "feeder":
    case "transformer":
      return [PERCENT, OF_RATING, { title: "Rating", unit: "kVA", value: (asset) => asset.rated_kva }];
    case "connection_point":
      return [
        { title: "Share of contract", unit: "%", value: (asset, values) => percent(part(values.get("energy.import_kw"), asset.contracted_kw)), sort: "high" },
        { title: "Import", unit: "kW", value: (asset, values) => values.get("energy.import_kw") },
        { title: "Contracted", unit: "kW", value: (asset) => asset.contracted_kw },
      ];
    case "battery":
      return [
        { title: "State of charge", unit: "%", value: (asset, values) => values.get("energy.soc"), sort: "low" },
        { title: "Power", unit: "kW", value: (asset, values) => values.get("energy.battery_kw") },
        { title: "Capacity", unit: "kWh", value: (asset) => asset.capacity_kwh },
      ];
    case "charger":
      return [
        { title: "Power", unit: "kW", value: (asset, values) => values.get("energy.charging_kw"), sort: "high" },
        { title: "Rating", unit: "kW", value: (asset) => asset.power_kw },
      ];
    case "pv_plant":
      return [
        { title: "Generation", unit: "kW", value: (asset, values) => values.get("energy.generation_kw"), sort: "high" },
        { title: "Peak power", unit: "kW", value: (asset) => asset.peak_kw },
      ];
  }
  return [];
}

function percent(share) {
  return share === undefined ? undefined : Math.round(100 * share);
}

export function headline(items) {
  const imports = items.map(({ values }) => values.get("energy.import_kw")).filter((kw) => kw !== undefined);
  if (!imports.length) return { value: undefined, unit: "MW import", note: "no meter has reported yet" };
  const total = imports.reduce((sum, kw) => sum + kw, 0) / 1000;
  return { value: Math.round(total * 10) / 10, unit: "MW import", note: `${imports.length} connection points` };
}
