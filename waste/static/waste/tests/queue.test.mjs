// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { TapQueue } from "../queue.js";

class Memory extends Map {
  getItem(name) { return this.get(name) ?? null; }
  setItem(name, value) { this.set(name, value); }
}

const failing = (status) => async () => { throw Object.assign(new Error("no"), { status }); };

test("a tap without a network waits and keeps its id", async () => {
  const memory = new Memory();
  let clock = 1000;
  const offline = new TapQueue(memory, "t", failing(0), () => clock);
  offline.add({ id: "a", container: "C-001", outcome: "done" });
  assert.deepEqual(await offline.flush(), []);
  assert.equal(offline.waiting.length, 1);
  clock = 61_000;
  const sent = [];
  const online = new TapQueue(memory, "t", async (tap) => sent.push(tap), () => clock);
  await online.flush();
  assert.deepEqual(sent, [{ id: "a", container: "C-001", outcome: "done", ago_s: 60 }]);
  assert.equal(online.waiting.length, 0);
});

test("what the server refuses for good does not block what follows", async () => {
  const sent = [];
  const queue = new TapQueue(new Memory(), "t", async (tap) => {
    if (tap.id === "a") throw Object.assign(new Error("gone"), { status: 404 });
    sent.push(tap.id);
  });
  queue.add({ id: "a", container: "C-001", outcome: "done" });
  queue.add({ id: "b", container: "C-002", outcome: "blocked" });
  const refused = await queue.flush();
  assert.deepEqual(refused.map((one) => one.tap.id), ["a"]);
  assert.deepEqual(sent, ["b"]);
});

test("taps are sent in the order they were made, and a busy server is asked again later", async () => {
  const queue = new TapQueue(new Memory(), "t", failing(503));
  queue.add({ id: "a", container: "C-001", outcome: "done" });
  queue.add({ id: "b", container: "C-002", outcome: "done" });
  await queue.flush();
  assert.deepEqual(queue.waiting.map((tap) => tap.id), ["a", "b"]);
});

test("a spoiled store is an empty queue", () => {
  const memory = new Memory([["t", "{not json"]]);
  assert.deepEqual(new TapQueue(memory, "t", failing(0)).waiting, []);
});
