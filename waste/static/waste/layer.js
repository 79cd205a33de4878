// SPDX-License-Identifier: Apache-2.0
// How waste looks: containers fill from below, trucks are where they are, depots and unload sites stand still.

const STATES = ["off duty", "at the depot", "driving", "emptying", "unloading", "returning"];

export const kinds = {
  container: {
    shape: "hexagon",
    title: "Container",
    plural: "containers",
    legend: "container",
    order: 12,
    chart: "waste.fill_level",
    table: true,
  },
  truck: { shape: "ring", title: "Collection truck", plural: "collection trucks", legend: "truck", order: 40, chart: "waste.load", table: true },
  unload_site: { shape: "diamond", title: "Unload site", plural: "unload sites", legend: "unload site", order: 8, chart: "waste.weighed", table: true },
  depot: { shape: "ring", title: "Depot", plural: "depots", order: 7, table: true },
};

/** Fill level in %: as the sensor says, or from its echo and the container's signed geometry. */
export function fill(asset, values) {
  const level = values.get("waste.fill_level");
  if (level !== undefined) return level;
  const echo = values.get("waste.distance");
  const { empty_mm: empty, full_mm: full } = asset;
  if (echo === undefined || empty == null || full == null || !(full < empty) || echo > 1.1 * empty) return undefined;
  return Math.max(0, Math.min(100, (100 * (empty - echo)) / (empty - full)));
}

/** Where a truck is now; other kinds stay where the map has them. */
export function position(asset, values) {
  if (asset.kind !== "truck") return undefined;
  const [lon, lat] = [values.get("waste.longitude"), values.get("waste.latitude")];
  return lon === undefined || lat === undefined ? undefined : [lon, lat];
}

export function style(asset, values) {
  if (asset.kind === "container") {
    const level = fill(asset, values);
    return { level: (level ?? 0) / 100, label: level === undefined ? "" : `${Math.round(level)} %` };
  }
  if (asset.kind === "truck") {
    const load = values.get("waste.load");
    return { level: Math.min(1, (load ?? 0) / asset.capacity_kg), label: word(values) ?? "" };
  }
  return {};
}

export function state(asset, values) {
  if (asset.kind === "container") return containerState(asset, values);
  if (asset.kind === "truck") return truckState(asset, values);
  return null;
}

function containerState(asset, values) {
  const level = fill(asset, values);
  if (level === undefined) return null;
  return {
    title: level >= 98 ? "Full" : level >= 70 ? "Nearly full" : "Has room",
    ring: { text: `${Math.round(level)}`, caption: "% full", share: level / 100 },
    rows: [
      { label: "Fill level", value: level, unit: "%", note: values.get("waste.fill_level") === undefined ? "from the echo" : undefined },
      asset.kg_full == null
        ? { label: "About", value: undefined, note: "what it weighs when full is not known" }
        : { label: "About", value: (level / 100) * asset.kg_full, unit: "kg", note: `of ${asset.kg_full} kg` },
      { label: "Sensor battery", value: values.get("waste.battery"), unit: "%" },
    ],
  };
}

function truckState(asset, values) {
  const doing = word(values);
  if (doing === undefined) return null;
  const load = values.get("waste.load") ?? 0;
  return {
    title: doing[0].toUpperCase() + doing.slice(1),
    ring: { text: `${Math.round((100 * load) / asset.capacity_kg)}`, caption: "% loaded", share: Math.min(1, load / asset.capacity_kg) },
    rows: [
      { label: "Load", value: load, unit: "kg", note: `of ${asset.capacity_kg} kg` },
      { label: "Stops left", value: values.get("waste.stops_left") },
      { label: "Driven", value: values.get("waste.odometer"), unit: "km" },
    ],
  };
}

export function rows(asset, values) {
  if (asset.kind === "container") {
    return [
      {
        title: "Container",
        rows: [
          { label: "Stream", value: asset.stream },
          { label: "Volume", value: asset.volume_l ?? undefined, unit: "l" },
          ...(asset.series?.["waste.distance"] ? [{ label: "Echo", value: values.get("waste.distance"), unit: "mm", note: asset.empty_mm == null ? "depth not known" : `empty ${asset.empty_mm}, full ${asset.full_mm} mm` }] : []),
          { label: "Temperature", value: values.get("waste.temperature"), unit: "°C" },
          { label: "Position", value: tilt(values) },
          { label: "A truck may stop", value: `${asset.access_from} to ${asset.access_to} h` },
          { label: "Fixed rota", value: rota(asset.rota_every_days), note: "the baseline" },
        ],
      },
    ];
  }
  if (asset.kind === "truck") {
    return [{ title: "Shift", rows: [{ label: "Signed shift", value: `${asset.shift_from} to ${asset.shift_to} h` }, { label: "Signed capacity", value: asset.capacity_kg, unit: "kg" }] }];
  }
  if (asset.kind === "unload_site") {
    return [{ title: "Unload site", rows: [{ label: "Open", value: asset.open_from == null ? "hours not known" : `${asset.open_from} to ${asset.open_to} h` }, { label: "Weighed in", value: values.get("waste.weighed"), unit: "kg" }] }];
  }
  return [];
}

export function columns(kind) {
  if (kind === "container") {
    return [
      { title: "Fill level", unit: "%", value: fill, sort: "high" },
      { title: "Stream", value: (asset) => asset.stream },
      { title: "Battery", unit: "%", value: (asset, values) => values.get("waste.battery"), sort: "low" },
    ];
  }
  if (kind === "truck") {
    return [
      { title: "State", value: (asset, values) => word(values) },
      { title: "Load", unit: "kg", value: (asset, values) => values.get("waste.load"), sort: "high" },
      { title: "Stops left", value: (asset, values) => values.get("waste.stops_left") },
      { title: "Driven", unit: "km", value: (asset, values) => values.get("waste.odometer") },
    ];
  }
  return kind === "unload_site" ? [{ title: "Weighed in", unit: "kg", value: (asset, values) => values.get("waste.weighed") }] : [];
}

export function headline(items) {
  const levels = items.filter(({ asset }) => asset.kind === "container").map(({ asset, values }) => fill(asset, values)).filter((level) => level !== undefined);
  if (!levels.length) return { value: 0, unit: "% fill level", note: "no container has reported yet" };
  const full = levels.filter((level) => level >= 99).length;
  const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length;
  return { value: Math.round(mean), unit: "% fill level", note: `${full} of ${levels.length} full` };
}

function rota(days) {
  if (days == null) return "on none";
  return days === 1 ? "every day" : `every ${days} days`;
}

function word(values) {
  const code = values.get("waste.truck_state");
  return code === undefined ? undefined : STATES[Math.round(code)] ?? "unknown";
}

function tilt(values) {
  const code = values.get("waste.tilt");
  return code === undefined ? undefined : code >= 0.5 ? "tilted" : "upright";
}
