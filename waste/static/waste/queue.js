// SPDX-License-Identifier: Apache-2.0
// Taps that wait for a network. Each has an id made once, so that sending it twice counts once.

const KEEP_MS = 12 * 3600 * 1000;

export class TapQueue {
  /** `storage` like localStorage, `send(tap)` a promise that fails with {status}; `now()` in ms. */
  constructor(storage, name, send, now = () => Date.now()) {
    Object.assign(this, { storage, name, send, now, running: false });
  }

  get waiting() {
    try { return JSON.parse(this.storage.getItem(this.name) ?? "[]"); } catch { return []; }
  }

  #keep(taps) {
    this.storage.setItem(this.name, JSON.stringify(taps));
  }

  add(tap) {
    this.#keep([...this.waiting, { ...tap, at: this.now() }]);
  }

  /** Send in order; what the server refuses for good is returned, what it could not take stays. */
  async flush() {
    const refused = [];
    if (this.running) return refused;
    this.running = true;
    try {
      for (let [first] = this.waiting; first; [first] = this.waiting) {
        const { at, ...tap } = first;
        const age = this.now() - at;
        try {
          if (age > KEEP_MS) throw Object.assign(new Error("It waited for more than twelve hours."), { status: 410 });
          await this.send({ ...tap, ago_s: Math.max(0, age / 1000) });
        } catch (problem) {
          if (isPassing(problem.status)) return refused;
          refused.push({ tap, words: problem.words ?? problem.message });
        }
        this.#keep(this.waiting.filter((other) => other.id !== first.id));
      }
      return refused;
    } finally {
      this.running = false;
    }
  }
}

/** No network, a busy or restarting server, a session to renew: try again later. */
const isPassing = (status) => !status || status === 401 || status === 429 || status >= 500;
