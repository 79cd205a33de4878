// SPDX-License-Identifier: Apache-2.0
// The domains' layers, each completed with what it left out.

import { config } from "#city/config";
import { humanise, quantity } from "#city/words";

const SHAPES = ["square", "hexagon", "dot", "triangle", "diamond", "ring", "line", "route", "none"];
const layers = new Map();

/** Load the layers of the installed domains; one that fails to load is replaced by the default and said so in the console. */
export async function loadLayers() {
  await Promise.all(config.domains.map(async ({ label, shape }) => {
    let module = {};
    if (config.layers.includes(label)) {
      try { module = await import(`#city/layers/${label}`); } catch (error) { console.warn(`layer of ${label}:`, error); }
    }
    layers.set(label, completed(module, shape));
  }));
  return layers;
}

export const layerOf = (domain) => layers.get(domain) ?? completed({}, "ring");

/** A layer with every export present; a function of the domain's that throws counts as having nothing to say. */
export function completed(module, shape = "ring") {
  const kinds = module.kinds ?? {};
  const fallback = SHAPES.includes(shape) ? shape : "ring";
  return {
    kind: (name, geometry) => ({
      shape: geometry === "Point" || !geometry ? fallback : "line", title: humanise(name), plural: `${humanise(name).toLowerCase()}s`,
      minZoom: 0, order: 50, table: true, ...kinds[name],
    }),
    kinds,
    own: module.own ?? {},
    style: guarded(module.style, {}),
    position: module.position ? guarded(module.position, null) : null,
    state: guarded(module.state, null),
    rows: (asset, values, children) => sections(guarded(module.rows, null)(asset, values, children) ?? []),
    columns: guarded(module.columns, []),
    links: guarded(module.links, []),
    headline: module.headline ? guarded(module.headline, null) : null,
  };
}

function guarded(fn, otherwise) {
  let told = false;
  return (...given) => {
    if (!fn) return otherwise;
    try {
      return fn(...given) ?? otherwise;
    } catch (error) {
      if (!told) console.warn("a domain's layer failed:", error);
      told = true;
      return otherwise;
    }
  };
}

/** Rows as sections, whichever way the layer gave them. */
function sections(given) {
  const loose = given.filter((item) => !item.rows);
  const titled = given.filter((item) => item.rows?.length);
  return loose.length ? [{ title: "Figures", rows: loose }, ...titled] : titled;
}

/** Every metric of an asset as a row: what a domain without a layer shows. */
export function plainRows(asset, values, metrics) {
  const rows = Object.keys(asset.series ?? {}).map((name) => {
    const metric = metrics.get(name);
    const reading = values.reading(name);
    return { label: metric?.title ?? humanise(name), value: reading ? quantity(reading.value, metric) : "no reading yet" };
  });
  return rows.length ? [{ title: "Latest values", rows }] : [];
}
