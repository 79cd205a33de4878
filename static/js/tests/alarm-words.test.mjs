// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import test from "node:test";
import { facts, subtitle } from "#city/alarm-words";

const NOW = Date.UTC(2026, 10, 19, 16, 42);
const alarm = (changes = {}) => ({
  id: 4711, asset: "T-17", asset_name: "Transformer 17", zone_name: "Kluuvi", domain: "energy", severity: 3, text: "T-17: 104 % of rating", raised_at: NOW - 60_000,
  cause: "too much", consequence: "heat", response: "shift load", respond_within_s: 1800, occurrences: 1, members: [], ...changes,
});
const of = (label, given) => Object.fromEntries(facts(given, NOW))[label];

test("one line says how bad, which domain, since when and how often", () => {
  assert.equal(subtitle(alarm(), NOW), "Medium · energy · raised 16:41");
  assert.equal(subtitle(alarm({ occurrences: 3 }), NOW), "Medium · energy · raised 16:41 · third time within the hour");
  assert.match(subtitle(alarm({ cleared_at: NOW }), NOW), /over since 16:42$/);
});

test("the time left to respond counts down and then says it is overdue", () => {
  assert.equal(of("Respond within", alarm()), "29\u00a0min left");
  assert.equal(of("Respond within", alarm({ raised_at: NOW - 3600_000 })), "overdue by 30\u00a0min");
  assert.equal(of("Respond within", alarm({ acknowledged_at: NOW, acknowledged_by: "anna" })), "30\u00a0min");
});

test("a zone's common alarm names its zone and some of its devices", () => {
  const members = Array.from({ length: 1000 }, (_, i) => `L-${i}`);
  const zone = alarm({ asset: null, asset_name: "", members });
  assert.equal(of("Where", zone), "Kluuvi");
  assert.match(of("Devices", zone), /^L-0, .* and 988 more$/);
});

test("who took it and who shelved it is said with the reason", () => {
  assert.match(of("Taken", alarm({ acknowledged_at: NOW, acknowledged_by: "anna", note: "on my way" })), /^by anna, 16:42: on my way$/);
  assert.match(of("Shelved", alarm({ shelved_until: NOW + 3600_000, shelved_by: "bert", shelved_why: "works" })), /^until 17:42 by bert: works$/);
  assert.equal(of("Taken", alarm()), undefined);
});
