// SPDX-License-Identifier: Apache-2.0
// The city's assets in this browser: loaded once per domain, found by uid, by series and by parent.

import { get, list } from "#city/api";
import { config } from "#city/config";
import { layerOf, loadLayers } from "#city/layers";
import { live } from "#city/live";
import { cityNow, citySpeed } from "#city/time";
import { Values } from "#city/values";

class City extends EventTarget {
  assets = new Map(); // uid → asset
  bySeries = new Map(); // series id → asset
  byDomain = new Map(); // label → [asset]
  metrics = new Map(); // name → metric
  failed = new Map(); // label → Problem
  pending = new Map(); // asset uid → how many commands are under way
  #children = new Map();
  #loading = null;

  world = { store: live.store, metrics: this.metrics, now: cityNow, speed: citySpeed };

  /** Layers, metrics and the assets of `labels` (all installed domains by default). Safe to call twice. */
  load(labels = config.domains.map((d) => d.label)) {
    this.#loading ??= Promise.all([loadLayers(), this.#loadMetrics()]);
    return Promise.all([this.#loading, ...labels.map((label) => this.#loadDomain(label))]);
  }

  async #loadMetrics() {
    try {
      for (const metric of await list("metrics/", { page_size: 1000 })) this.metrics.set(metric.name, metric);
    } catch { /* units and titles are missing then, numbers are not */ }
  }

  async #loadDomain(label) {
    if (this.byDomain.has(label)) return;
    this.byDomain.set(label, []);
    try {
      const { features } = await get(`map/${label}`);
      await this.#loading;
      this.byDomain.set(label, features.map((feature) => this.#take(label, feature)));
      this.failed.delete(label);
    } catch (problem) {
      this.byDomain.delete(label);
      this.failed.set(label, problem);
    }
    this.dispatchEvent(new CustomEvent("assets", { detail: { domain: label } }));
  }

  #take(domain, feature) {
    const asset = { ...feature.properties, domain, geometry: feature.geometry };
    asset.kindInfo = layerOf(domain).kind(asset.kind, feature.geometry?.type);
    asset.values = new Values(asset, this.world);
    this.assets.set(asset.uid, asset);
    for (const id of Object.values(asset.series ?? {})) this.bySeries.set(id, asset);
    if (asset.parent) {
      if (!this.#children.has(asset.parent)) this.#children.set(asset.parent, []);
      this.#children.get(asset.parent).push(asset);
    }
    return asset;
  }

  retry(label) {
    this.failed.delete(label);
    return this.#loadDomain(label);
  }

  /** [{asset, values}] of the assets whose parent is `uid`, in uid order. */
  childrenOf(uid, domain) {
    return (this.#children.get(uid) ?? [])
      .filter((asset) => !domain || asset.domain === domain)
      .sort((a, b) => a.uid.localeCompare(b.uid, "en", { numeric: true }))
      .map((asset) => ({ asset, values: asset.values }));
  }

  items(domain) {
    return (this.byDomain.get(domain) ?? []).map((asset) => ({ asset, values: asset.values }));
  }
}

export const city = new City();
export const nameOf = (asset) => (asset.name && asset.name !== asset.uid ? `${asset.uid} ${asset.name}` : asset.uid);
