// SPDX-License-Identifier: Apache-2.0
// How beds look: a square that fills with the moisture of its soil.

export const kinds = {
  bed: { shape: "square", title: "Bed", plural: "beds", legend: "bed", order: 5, chart: "newdomain.moisture", table: true },
};

const moisture = (values) => values.get("newdomain.moisture");

export function style(asset, values) {
  const percent = moisture(values);
  return percent === undefined ? {} : { level: percent / 100, label: `${Math.round(percent)} %` };
}

export function state(asset, values) {
  const percent = moisture(values);
  if (percent === undefined) return null;
  const flow = values.get("newdomain.flow") ?? 0;
  return {
    title: flow > 0 ? "Watering" : "Resting",
    ring: { text: `${Math.round(percent)}`, caption: "%", share: percent / 100 },
    rows: [{ label: "Water flow", value: flow, unit: "l/min", note: `up to ${asset.flow_l_min} l/min` }],
  };
}

export function rows(asset, values) {
  const percent = moisture(values);
  return [
    { label: "Soil moisture", value: percent, unit: "%", bar: percent === undefined ? undefined : percent / 100 },
    { label: "Area", value: asset.area_m2, unit: "m²" },
  ];
}

export function columns() {
  return [
    { title: "Soil moisture", unit: "%", value: (asset, values) => moisture(values), sort: "low" },
    { title: "Water flow", unit: "l/min", value: (asset, values) => values.get("newdomain.flow") },
  ];
}

export function headline(items) {
  const found = items.map(({ values }) => moisture(values)).filter((percent) => percent !== undefined);
  const mean = found.length ? found.reduce((sum, percent) => sum + percent, 0) / found.length : undefined;
  return { value: mean === undefined ? undefined : Math.round(mean), unit: "% soil moisture", note: `${found.length} beds measured` };
}
