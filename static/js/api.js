// SPDX-License-Identifier: Apache-2.0
// The REST interface. Errors are RFC 9457 problems, said to the person as the server wrote them.

export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail || body?.title || (status ? `The server answered ${status}.` : "The server cannot be reached."));
    this.status = status;
    this.errors = body?.errors ?? {};
  }

  /** The sentence and, per field, what is wrong with it. */
  get words() {
    const fields = Object.entries(this.errors).map(([field, what]) => `${field}: ${[what].flat().join(" ")}`);
    return [this.message, ...fields].join(" ");
  }
}

function csrf() {
  return document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";
}

async function call(method, path, body, headers = {}) {
  const init = { method, headers: { Accept: "application/json", ...headers }, credentials: "same-origin" };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers["Content-Type"] = "application/json";
  }
  if (method !== "GET") init.headers["X-CSRFToken"] = csrf();
  let response;
  try {
    response = await fetch(`/api/v1/${path}`, init);
  } catch {
    throw new Problem(0, null);
  }
  if (response.status === 401) location.assign(`/sign-in/?next=${encodeURIComponent(location.pathname + location.search)}`);
  const text = await response.text();
  let data = null;
  try { data = text ? JSON.parse(text) : null; } catch { /* an HTML error page: the status says enough */ }
  if (!response.ok) throw new Problem(response.status, data);
  return data;
}

export const get = (path, params = {}) => call("GET", withQuery(path, params));
export const post = (path, body = {}, { key } = {}) => call("POST", path, body, key ? { "Idempotency-Key": key } : {});
export const put = (path, body = {}) => call("PUT", path, body);
export const remove = (path) => call("DELETE", path);

/** A list, whichever way it is paged. */
export async function list(path, params = {}) {
  const data = await get(path, params);
  return Array.isArray(data) ? data : (data?.results ?? []);
}

export function withQuery(path, params) {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

/** One key per deliberate act: sending twice changes nothing. */
export const newKey = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

/** Milliseconds of an instant given as milliseconds or ISO 8601; null when there is none. */
export function instant(value) {
  if (value === null || value === undefined || value === "") return null;
  const ms = typeof value === "number" ? value : Date.parse(value);
  return Number.isFinite(ms) ? ms : null;
}
