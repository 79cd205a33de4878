// SPDX-License-Identifier: Apache-2.0
// The address of what is on the screen: ?layers=traffic,lighting&at=60.17,24.94,16&asset=K-12. Pure.

const UID = /^[A-Za-z0-9_.-]{1,64}$/;

export function parsePlace(search, known) {
  const given = new URLSearchParams(search);
  const at = (given.get("at") ?? "").split(",").map(Number);
  const usable = at.length === 3 && at.every(Number.isFinite) && Math.abs(at[0]) <= 85 && Math.abs(at[1]) <= 180 && at[2] >= 1 && at[2] <= 22;
  const layers = given.has("layers") ? given.get("layers").split(",").filter((label) => known.includes(label)) : known;
  const asset = given.get("asset");
  return { at: usable ? at : null, layers: [...layers], asset: asset && UID.test(asset) ? asset : null };
}

export function writePlace({ at, layers, asset }, known) {
  const given = [];
  if (layers.length !== known.length) given.push(`layers=${layers.join(",")}`);
  if (at) given.push(`at=${at.join(",")}`);
  if (asset) given.push(`asset=${asset}`);
  return given.length ? `/?${given.join("&")}` : "/";
}
