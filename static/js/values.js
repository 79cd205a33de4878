// SPDX-License-Identifier: Apache-2.0
// One asset's latest values as a domain's layer sees them. Pure but for the store it reads.

import { isStale } from "#city/freshness";
import { isUsable } from "#city/words";

export class Values {
  constructor(asset, world) {
    this.asset = asset;
    this.world = world; // {store, metrics: Map name → metric, now(), speed()}
  }

  /** The latest usable and fresh number of a metric, else undefined. */
  get(metric) {
    const found = this.reading(metric);
    return found?.usable && !found.stale ? found.value : undefined;
  }

  has(metric) {
    return this.get(metric) !== undefined;
  }

  reading(metric) {
    const id = this.asset.series?.[metric];
    const latest = id === undefined ? undefined : this.world.store.values.get(id);
    if (!latest) return undefined;
    const [value, at, quality] = latest;
    const now = this.world.now();
    const every = this.world.metrics.get(metric)?.every_s;
    return { value, at, age_s: Math.max(0, (now - at) / 1000), quality, usable: isUsable(quality), stale: isStale(at, now, every, this.world.speed()) };
  }

  /** How the asset as a whole stands: "none" without a device, "silent" without a reading, "stale", "fresh". */
  get standing() {
    const names = Object.keys(this.asset.series ?? {});
    if (!names.length) return "none";
    let standing = "silent";
    for (const name of names) {
      const found = this.reading(name);
      if (found && !found.stale) return "fresh";
      if (found) standing = "stale";
    }
    return standing;
  }

  /** The youngest reading's instant, or null. */
  get lastAt() {
    let last = null;
    for (const id of Object.values(this.asset.series ?? {})) {
      const at = this.world.store.values.get(id)?.[1];
      if (at !== undefined && (last === null || at > last)) last = at;
    }
    return last;
  }
}
