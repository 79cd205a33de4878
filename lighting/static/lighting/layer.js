// SPDX-License-Identifier: Apache-2.0
// How lighting looks: luminaires glow by their level, segments stay in the table.

const FAULTS = ["none", "lamp failure", "burning by day", "power too low", "programme invalid", "clock lost"];

export const kinds = {
  luminaire: {
    shape: "dot",
    title: "Luminaire",
    plural: "luminaires",
    legend: "lamp",
    order: 10,
    chart: "lighting.power_w",
    table: true,
  },
  lighting_segment: { shape: "none", title: "Lit street", plural: "lit streets", order: 1, table: true },
};

export function style(asset, values) {
  if (asset.kind !== "luminaire") return { hidden: true };
  return { level: (values.get("lighting.dim_level") ?? 0) / 100 };
}

export function state(asset, values) {
  if (asset.kind !== "luminaire") return null;
  const level = values.get("lighting.dim_level");
  if (level === undefined) return null;
  const power = values.get("lighting.power_w");
  return {
    title: level > 0 ? "Lit" : "Dark",
    ring: { text: `${Math.round(level)}`, caption: "%", share: level / 100 },
    rows: [
      { label: "Dimming level", value: level, unit: "%" },
      { label: "Power", value: power, unit: "W", note: asset.power_w == null ? "rated power not known" : `rated ${asset.power_w} W` },
      { label: "Fault", value: fault(values) },
    ],
  };
}

export function rows(asset, values, children) {
  if (asset.kind === "luminaire") {
    return [{ label: "Share of full light", value: values.get("lighting.dim_level"), unit: "%", bar: (values.get("lighting.dim_level") ?? 0) / 100 }];
  }
  const lamps = children.map((child) => child.values.get("lighting.dim_level")).filter((level) => level !== undefined);
  const mean = lamps.length ? lamps.reduce((sum, level) => sum + level, 0) / lamps.length : undefined;
  return [
    {
      title: "Lighting class",
      rows: [
        { label: "Normal class", value: asset.normal_class || undefined, note: asset.normal_class ? "lighting design" : "in no lighting design yet" },
        { label: "Minimum class", value: asset.minimum_class || undefined, note: "never dimmed below" },
        { label: "Luminaires", value: children.length },
        { label: "Mean dimming level", value: mean, unit: "%", bar: mean === undefined ? undefined : mean / 100 },
      ],
    },
  ];
}

export function columns(kind) {
  if (kind === "lighting_segment") {
    return [
      { title: "Normal class", value: (asset) => asset.normal_class },
      { title: "Minimum class", value: (asset) => asset.minimum_class },
    ];
  }
  return [
    { title: "Dimming level", unit: "%", value: (asset, values) => values.get("lighting.dim_level"), sort: "high" },
    { title: "Power", unit: "W", value: (asset, values) => values.get("lighting.power_w") },
    { title: "Fault", value: (asset, values) => fault(values) },
  ];
}

export function headline(items) {
  const levels = items.map(({ values }) => values.get("lighting.dim_level")).filter((level) => level > 0);
  if (!levels.length) return { value: 0, unit: "% dimming level", note: "dark: light is not due" };
  const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length;
  return { value: Math.round(mean), unit: "% dimming level", note: `${levels.length} luminaires lit` };
}

function fault(values) {
  const code = values.get("lighting.fault");
  return code === undefined ? undefined : FAULTS[Math.round(code)] ?? "unknown";
}
