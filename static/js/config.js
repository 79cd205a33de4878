// SPDX-License-Identifier: Apache-2.0
// What the server told this page when it rendered it.

const holder = globalThis.document?.getElementById("city-config");

export const config = holder
  ? JSON.parse(holder.textContent)
  : { city: "", zone: "UTC", now: 0, mode: "LIVE", speed: 1, tiles: "", basemap: true, user: "", layers: [], domains: [] };

export const isSimulation = () => config.mode !== "LIVE";
export const titleOf = (domain) => config.domains.find((d) => d.label === domain)?.title ?? domain;
