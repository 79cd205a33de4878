// SPDX-License-Identifier: Apache-2.0
// One WebSocket. Snapshot, sequenced deltas, resync on a gap, reconnect with backoff, and the truth about all of it.
// Changes are handed out once per animation frame: listen to "change", "connection" and "stale" on `live`.

import { config } from "#city/config";
import { Store, merged } from "#city/store";
import { holdCityTime, setCityTime } from "#city/time";

export const STALE_AFTER_MS = 3000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15000;
const FATAL = { 4401: "signed out", 4403: "this account may see nothing live" };

class Live extends EventTarget {
  store = new Store();
  state = "connecting"; // connecting | live | stale | down | refused
  lastFrameAt = performance.now();
  #socket = null;
  #retry = FIRST_RETRY_MS;
  #pending = null;
  #scheduled = false;
  #resyncing = false;

  start() {
    this.#connect();
    setInterval(() => this.#check(), 500);
    addEventListener("online", () => this.#socket?.readyState !== 1 && this.#connect());
    addEventListener("pagehide", () => this.#socket?.readyState === 1 && this.#socket.close());
    addEventListener("pageshow", (event) => event.persisted && this.#connect());
  }

  get isFresh() {
    return this.state === "live";
  }

  #connect() {
    if (this.#socket && this.#socket.readyState < 2) return;
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
    this.#socket = socket;
    socket.onmessage = (event) => this.#take(event.data);
    socket.onclose = (event) => this.#closed(socket, event.code);
  }

  #closed(socket, code) {
    if (socket !== this.#socket) return;
    if (FATAL[code]) return this.#become("refused", FATAL[code]);
    if (this.state === "live" || this.state === "connecting") this.#become("down");
    setTimeout(() => this.#connect(), this.#retry * (0.75 + Math.random() / 2));
    this.#retry = Math.min(this.#retry * 2, LONGEST_RETRY_MS);
  }

  #take(text) {
    let frame;
    try { frame = JSON.parse(text); } catch { return; }
    const change = this.store.apply(frame);
    if (change === null) return this.#resync();
    this.#resyncing = false;
    this.#retry = FIRST_RETRY_MS;
    this.lastFrameAt = performance.now();
    if (this.store.mode) config.mode = this.store.mode;
    setCityTime(this.store.at, this.store.speed);
    this.#become("live");
    this.#pending = merged(this.#pending, change);
    this.#schedule();
  }

  #resync() {
    if (this.#resyncing) return;
    this.#resyncing = true;
    this.#socket.send(JSON.stringify({ t: "resync" }));
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const go = () => {
      this.#scheduled = false;
      const change = this.#pending;
      this.#pending = null;
      if (change) this.dispatchEvent(new CustomEvent("change", { detail: change }));
    };
    if (document.hidden) setTimeout(go, 1000);
    else requestAnimationFrame(go);
  }

  #check() {
    const silent = performance.now() - this.lastFrameAt;
    if (silent > STALE_AFTER_MS && this.state !== "refused") this.#become(this.#socket?.readyState === 1 ? "stale" : "down");
    if (silent > 4 * STALE_AFTER_MS && this.#socket?.readyState === 1) this.#socket.close();
  }

  #become(state, reason = "") {
    if (this.state === state) return;
    this.state = state;
    if (state !== "live") holdCityTime();
    this.dispatchEvent(new CustomEvent("connection", { detail: { state, reason, lastFrameAt: this.lastFrameAt } }));
  }
}

export const live = new Live();
