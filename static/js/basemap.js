// SPDX-License-Identifier: Apache-2.0
// The calm ground: our own vector tiles in the theme's near-greys, or the tile server the city configured.

import L from "#city/leaflet";
import { config } from "#city/config";
import { token } from "#city/dom";

const POLYGON = 3;
const LINE = 2;
// road class → [width at zoom 16, first zoom]
const ROADS = {
  motorway: [15, 10], trunk: [14, 10], primary: [13, 10], secondary: [11, 11], tertiary: [9.5, 12], unclassified: [7, 13], residential: [7, 13],
  living_street: [6, 13], pedestrian: [4.5, 14], service: [3, 15], track: [2, 15], busway: [5, 13],
};
const PATHS = ["footway", "path", "cycleway", "steps", "bridleway"];
const roadClass = (f) => String(f.props.kind ?? "").replace("_link", "");
const zoomed = (z, at16) => Math.max(0.5, at16 * 2 ** ((z - 16) * 0.72));

export function baseLayer() {
  if (config.tiles) return L.tileLayer(config.tiles, { maxZoom: 20, attribution: "" });
  const kit = globalThis.protomapsL;
  if (!kit || !config.basemap) return null; // a city without a map has none
  return kit.leafletLayer({
    url: "/basemap/city.pmtiles", paintRules: paintRules(kit), labelRules: labelRules(kit), backgroundColor: token("--land"), maxDataZoom: 16, attribution: "", lang: "en",
  });
}

function paintRules(kit) {
  const [building, road, edge, water, park, rail, land] = ["building", "road", "road-edge", "water", "park", "rail", "land"].map((n) => token(`--${n}`));
  const area = (layer, fill, minzoom = 0) => ({
    dataLayer: "city", minzoom, filter: (_, f) => f.props.layer === layer && f.geomType === POLYGON, symbolizer: new kit.PolygonSymbolizer({ fill }),
  });
  const line = (filter, options, minzoom = 0) => ({
    dataLayer: "city", minzoom, filter: (z, f) => f.geomType === LINE && filter(z, f), symbolizer: new kit.LineSymbolizer({ lineCap: "round", lineJoin: "round", ...options }),
  });
  const isRoad = (z, f) => f.props.layer === "road" && roadClass(f) in ROADS && z >= ROADS[roadClass(f)][1];
  const width = (extra) => (z, f) => zoomed(z, ROADS[roadClass(f)]?.[0] ?? 4) + extra;
  return [
    area("land", land), area("park", park), area("water", water),
    line((_, f) => f.props.layer === "water", { color: water, width: (z) => zoomed(z, 5) }),
    area("pier", building), area("building", building, 13), area("road", road),
    line((z, f) => f.props.layer === "road" && PATHS.includes(f.props.kind) && z >= 15, { color: edge, width: (z) => zoomed(z, 1.6) }),
    line(isRoad, { color: edge, width: width(2) }),
    line(isRoad, { color: road, width: width(0) }),
    line((_, f) => f.props.layer === "rail", { color: rail, width: (z) => zoomed(z, 1.4), dash: [5, 3], dashColor: rail, dashWidth: (z) => zoomed(z, 1.4), lineCap: "butt" }, 12),
    line((_, f) => f.props.layer === "tram", { color: rail, width: (z) => zoomed(z, 1.1), dash: [4, 3], dashColor: rail, dashWidth: (z) => zoomed(z, 1.1), lineCap: "butt" }, 14),
  ];
}

function labelRules(kit) {
  const text = { fill: token("--map-ink"), stroke: token("--land"), width: 3, labelProps: ["name"] };
  const family = "Inter Variable, Inter, sans-serif";
  const major = ["primary", "secondary", "tertiary", "trunk", "pedestrian"];
  const road = (kinds, minzoom, size) => ({
    dataLayer: "city", minzoom, filter: (_, f) => f.props.layer === "road" && f.geomType === LINE && f.props.name && kinds.includes(roadClass(f)),
    symbolizer: new kit.LineLabelSymbolizer({ ...text, font: `450 ${size}px ${family}`, fontFamily: family, fontSize: size, repeatDistance: 420, maxLabelChars: 30 }),
  });
  return [
    { dataLayer: "city", filter: (_, f) => f.props.layer === "place" && f.props.name,
      symbolizer: new kit.CenteredTextSymbolizer({ ...text, font: `550 14px ${family}` }) },
    road(major, 14, 13),
    road(["residential", "unclassified", "living_street"], 16, 12),
  ];
}
