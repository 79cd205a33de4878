// SPDX-License-Identifier: Apache-2.0
// The Leaflet that django-leaflet carries: a plain script the page loads before its modules; protomaps-leaflet finds it too.

export default globalThis.L;
