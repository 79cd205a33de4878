// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import vm from "node:vm";

const source = readFileSync(new URL("../worker/sw.js", import.meta.url), "utf8");

/** A service worker in a world of its own: what it shows, opens and answers is written down. */
function worker({ windows = [], offline = false } = {}) {
  const heard = {};
  const world = { shown: [], opened: [], focused: [], kept: [] };
  const self = {
    location: { origin: "https://city.example" },
    addEventListener: (name, handler) => { heard[name] = handler; },
    skipWaiting: () => {},
    registration: { showNotification: async (title, options) => world.shown.push({ title, ...options }) },
    clients: { claim: async () => {}, openWindow: async (url) => world.opened.push(url), matchAll: async () => windows.map((url) => ({ url, focus: async () => world.focused.push(url) })) },
  };
  const caches = { open: async () => ({ addAll: async (list) => world.kept.push(...list) }), keys: async () => [], match: async (key) => `kept ${key}` };
  const fetch = async (request) => { if (offline) throw new TypeError("offline"); return `fetched ${request.url}`; };
  vm.runInNewContext(source, { self, caches, fetch, URL, Promise, Number, String, Boolean });
  world.fire = async (name, event) => { let work; heard[name]({ ...event, waitUntil: (p) => { work = p; }, respondWith: (p) => { work = p; } }); return work; };
  return world;
}

const pushed = (body) => ({ data: { json: () => (typeof body === "string" ? JSON.parse(body) : body) } });
const alarm = { id: 4711, title: "SIMULATION · high · Waste", body: "Alarm 4711: full", severity: 2, simulated: true, url: "/alarms/4711/", tag: "alarm-4711" };
const clicked = (url, action = "") => ({ action, notification: { data: { url }, close() {} } });

test("a push shows its title with the simulation mark and stays until somebody looks", async () => {
  const world = worker();
  await world.fire("push", pushed(alarm));
  const [shown] = world.shown;
  assert.equal(shown.title, "SIMULATION · high · Waste");
  assert.equal(shown.body, "Alarm 4711: full");
  assert.equal(shown.requireInteraction, true);
  assert.deepEqual([...shown.actions].map((a) => a.action), ["take", "open"]);
});

test("a push that cannot be read still shows that there is an alarm", async () => {
  for (const bad of ["{", "null", "[]", "7"]) {
    const world = worker();
    await world.fire("push", pushed(bad));
    assert.equal(world.shown.length, 1);
    assert.equal(world.shown[0].data.url, "/alarms/");
  }
});

test("a click opens the alarm's own page, or the window that shows it already", async () => {
  const fresh = worker({ windows: ["https://city.example/"] });
  await fresh.fire("notificationclick", clicked("/alarms/4711/"));
  assert.deepEqual(fresh.opened, ["https://city.example/alarms/4711/"]);
  const there = worker({ windows: ["https://city.example/alarms/4711/"] });
  await there.fire("notificationclick", clicked("/alarms/4711/", "take"));
  assert.deepEqual([there.opened, there.focused], [[], ["https://city.example/alarms/4711/"]]);
});

test("taking it from the notification asks for one press on the page", async () => {
  const world = worker();
  await world.fire("notificationclick", clicked("/alarms/4711/", "take"));
  assert.deepEqual(world.opened, ["https://city.example/alarms/4711/#take"]);
});

test("a push never opens another site", async () => {
  for (const url of ["https://evil.example/", "//evil.example/x", "javascript:alert(1)"]) {
    const world = worker();
    await world.fire("notificationclick", clicked(url));
    assert.deepEqual(world.opened, ["https://city.example/alarms/"]);
  }
});

test("without a connection a page becomes the offline page, and data are never answered from a cache", async () => {
  const world = worker({ offline: true });
  assert.equal(await world.fire("fetch", { request: { method: "GET", mode: "navigate", url: "https://city.example/waste/" } }), "kept /offline/");
  assert.equal(await world.fire("fetch", { request: { method: "GET", mode: "cors", url: "https://city.example/api/v1/alarms/" } }), undefined);
  assert.equal(await world.fire("fetch", { request: { method: "POST", mode: "cors", url: "https://city.example/api/v1/commands/" } }), undefined);
  assert.equal(await world.fire("fetch", { request: { method: "GET", mode: "no-cors", url: "https://city.example/static/css/door.css" } }), "kept /static/css/door.css");
});

test("what is kept holds nothing of the city", async () => {
  const world = worker();
  await world.fire("install", {});
  assert.ok(world.kept.every((path) => path === "/offline/" || path.startsWith("/static/")));
});
