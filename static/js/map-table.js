// SPDX-License-Identifier: Apache-2.0
// The map's equivalent as a table: the assets in view of the layers shown, with the columns their domains declare.

import { nameOf } from "#city/city";
import { titleOf } from "#city/config";
import { h } from "#city/dom";
import { severityMark } from "#city/severity";
import { lonLat } from "#city/scene";
import { sortable } from "#city/table";
import { duration, severityWord } from "#city/words";
import { cityNow } from "#city/time";

export const stateText = (look, asset) => {
  if (look?.severity) return severityWord(look.severity);
  return { fresh: "normal", stale: "stale", silent: "no reading yet", none: "no device" }[asset.values.standing];
};

export function ageText(asset) {
  const at = asset.values.lastAt;
  return at === null ? "–" : duration((cityNow() - at) / 1000);
}

export function mapTable(map, place, select) {
  const table = sortable({
    caption: "Assets in view", empty: "No asset of the layers shown is in view.", key: (item) => item.asset.uid, sort: 2,
    columns: [
      { title: "Asset", name: true, value: ({ asset }) => asset.uid, cell: ({ asset }) => h("button.link", { type: "button", onclick: () => select(asset.uid) }, nameOf(asset)) },
      { title: "Kind", numeric: false, value: ({ asset }) => asset.kindInfo.title },
      { title: "State", value: ({ look }) => look?.severity || 9, cell: ({ asset, look }) => [look?.severity ? severityMark(look.severity) : null, ` ${stateText(look, asset)}`] },
      { title: "Last reading", value: ({ asset }) => asset.values.lastAt, text: ({ asset }) => ageText(asset), sort: "high" },
      { title: "Domain", numeric: false, value: ({ asset }) => titleOf(asset.domain) },
      { title: "Flags", numeric: false, value: ({ asset }) => [asset.estimated && "estimated", asset.simulated && "simulated"].filter(Boolean).join(", ") },
    ],
    onRow: ({ asset }) => select(asset.uid),
  });
  const inView = () => map.scene.items.filter(({ asset, place: at }) => {
    const [lon, lat] = lonLat(at.point);
    return asset.kindInfo.table && place.layers.includes(asset.domain) && map.map.getBounds().contains([lat, lon]);
  });
  const refresh = () => table.set(inView());
  refresh();
  let last = 0;
  return {
    element: h("section.map-table", { "aria-label": "The map as a table", tabindex: "-1" }, table.element), refresh,
    update(change) {
      if (change.everything || change.alarms) return refresh();
      if (performance.now() - last > 1000) { last = performance.now(); table.refresh(); }
    },
  };
}
