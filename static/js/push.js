// SPDX-License-Identifier: Apache-2.0
// This browser's push subscription: whether it can, whether it may, and how it begins and ends.

import { get, post, remove } from "#city/api";

/** The bytes of a base64url text, as PushManager wants its key. Pure. */
export function bytes(text) {
  const padded = text.replaceAll("-", "+").replaceAll("_", "/").padEnd(Math.ceil(text.length / 4) * 4, "=");
  return Uint8Array.from(atob(padded), (letter) => letter.charCodeAt(0));
}

/** base64url without padding. Pure. */
export function text64(buffer) {
  return btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Why this browser cannot be told, or "" when it can. */
export function hindrance() {
  if (!globalThis.isSecureContext) return "Push needs a connection over https; this page came over http.";
  if (!("serviceWorker" in navigator) || !("PushManager" in globalThis)) return "This browser knows no push. On an iPhone, add the console to the home screen first.";
  if (Notification.permission === "denied") return "Notifications are blocked for this site. The browser's site settings can allow them again.";
  return "";
}

/** What the service is told about a subscription. Pure. */
export function described(subscription) {
  return { endpoint: subscription.endpoint, p256dh: text64(subscription.getKey("p256dh")), auth: text64(subscription.getKey("auth")) };
}

const registration = async () => (await navigator.serviceWorker.register("/sw.js")) && navigator.serviceWorker.ready;

/** The subscription this browser has, or null. */
export async function current() {
  return hindrance() ? null : (await registration()).pushManager.getSubscription();
}

/** Ask the person, subscribe with the city's key, and tell the city what to send. Throws with words for the person. */
export async function subscribe(choice) {
  if ((await Notification.requestPermission()) !== "granted") throw new Error("Notifications were not allowed, so nothing will be sent.");
  const { pushManager } = await registration();
  const { key } = await get("push/key");
  let subscription = await pushManager.getSubscription();
  if (subscription && text64(subscription.options.applicationServerKey ?? new ArrayBuffer(0)) !== key) {
    await subscription.unsubscribe(); // made for another key: the city could not send to it
    subscription = null;
  }
  subscription ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  return post("push/subscriptions/", { ...described(subscription), ...choice });
}

/** End it here and at the city. */
export async function unsubscribe(id) {
  await remove(`push/subscriptions/${id}`);
  await (await current())?.unsubscribe();
}
