// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import test from "node:test";
import { bytes, described, text64 } from "#city/push";
import { choiceWords } from "#city/choice-words";

test("keys go to base64url and back, whatever their length", () => {
  for (let length = 0; length < 70; length += 1) {
    const key = Uint8Array.from({ length }, (_, i) => (i * 37 + 251) % 256);
    assert.deepEqual(bytes(text64(key)), key);
    assert.doesNotMatch(text64(key), /[+/=]/);
  }
});

test("the city is told endpoint and keys, nothing else", () => {
  const subscription = { endpoint: "https://push.example/x", expirationTime: null, getKey: (name) => new Uint8Array(name === "auth" ? [1, 2] : [3, 4]).buffer };
  assert.deepEqual(described(subscription), { endpoint: "https://push.example/x", p256dh: "AwQ", auth: "AQI" });
});

test("a choice reads as a sentence", () => {
  const titles = new Map([["energy", "Energy"], ["waste", "Waste"]]);
  assert.equal(choiceWords({ worst_only: 1, domains: [] }, titles), "Critical, in every domain");
  assert.equal(choiceWords({ worst_only: 3, domains: ["energy", "waste"] }, titles), "Critical, high and medium, in Energy and Waste");
  assert.equal(choiceWords({ worst_only: 4, domains: [] }, titles), "Every alarm, in every domain");
});
