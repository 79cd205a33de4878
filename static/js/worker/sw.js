// SPDX-License-Identifier: Apache-2.0
// The service worker: shows what is pushed, opens the alarm it is about, and says so when there is no connection.
// Nothing of the city is kept here: an old picture of a street is worse than none.

const CACHE = "city-offline-1";
const OFFLINE = "/offline/";
const KEPT = [OFFLINE, "/static/css/tokens.css", "/static/css/controls.css", "/static/css/door.css", "/static/js/classic/theme.js", "/static/icons/app.svg", "/static/icons/icons.svg"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(KEPT)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const { origin, pathname } = new URL(request.url);
  if (request.mode === "navigate") event.respondWith(fetch(request).catch(() => caches.match(OFFLINE)));
  else if (origin === self.location.origin && KEPT.includes(pathname)) event.respondWith(fetch(request).catch(() => caches.match(pathname)));
});

/** What a push says, or that it could not be read: every push must show something. */
function read(event) {
  try {
    const said = event.data.json();
    if (typeof said?.title === "string") return said;
  } catch { /* falls through to the plain message */ }
  return { title: "Smart City", body: "An alarm was raised. Open the console.", url: "/alarms/", tag: "alarm", severity: 1 };
}

self.addEventListener("push", (event) => {
  const said = read(event);
  const isAlarm = Number.isInteger(said.id) && said.id > 0;
  event.waitUntil(self.registration.showNotification(said.title, {
    body: said.body,
    tag: said.tag,
    renotify: Boolean(said.tag),
    requireInteraction: said.severity <= 2,
    icon: "/static/icons/app-192.png",
    badge: "/static/icons/app-192.png",
    data: { url: said.url, id: said.id },
    actions: isAlarm ? [{ action: "take", title: "Taking it" }, { action: "open", title: "Open" }] : [],
  }));
});

/** Only pages of this console: a push may name a path, never another site. */
function addressOf(notification, action) {
  const home = self.location.origin;
  const wish = new URL(String(notification.data?.url ?? "/alarms/"), home);
  const page = wish.origin === home ? wish : new URL("/alarms/", home);
  if (action === "take") page.hash = "take"; // the page asks for the one press that acknowledges
  return page.href;
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const address = addressOf(event.notification, event.action);
  event.waitUntil(self.clients.matchAll({ type: "window", includeUncontrolled: true }).then((windows) => {
    const same = windows.find((window) => window.url.split("#")[0] === address.split("#")[0]);
    return same ? same.focus() : self.clients.openWindow(address);
  }));
});
