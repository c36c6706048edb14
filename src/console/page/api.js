// Asks the gateway's public API, as any caller does. The visitor's key lives here, in this tab's memory, and nowhere else.

import { parse } from "./exact.js";

let key = null;
const listeners = new Set();

export function useThisKey(text) {
  key = text;
  listeners.forEach((listener) => listener());
}

export const hasKey = () => key !== null;

export function onKey(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const doors = new Set();

// Told when the gateway does not know who asks (any more).
export function onLocked(door) {
  doors.add(door);
  return () => doors.delete(door);
}

// The page is at …/console, and the API beside it, whatever prefix they are mounted below.
export const address = (path) => new URL(path.replace(/^\//, ""), new URL(".", document.baseURI));

// An answer that is not the one asked for: a problem of the API, or no answer at all.
export class Refused extends Error {
  constructor(problem, status, retryAfter) {
    super(problem.detail || problem.title);
    this.name = "Refused";
    this.code = problem.code || "unknown";
    this.title = problem.title;
    this.status = status;
    this.retryAfter = retryAfter;
    this.errors = problem.errors || [];
    this.sources = problem.sources || [];
    this.requestId = problem.request_id;
  }
}

const unreachable = () =>
  new Refused({ code: "unreachable", title: "No answer", detail: "The gateway did not answer. It may be stopped, or the network is." }, 0);

// Longer than any `server.deadline` that makes sense for a person, so that nothing waits for ever.
const PATIENCE = 60_000;

export async function send(path, { method = "GET", accept = "application/json", body, signal, patience = PATIENCE } = {}) {
  const headers = { Accept: accept };
  // The one header that takes keys and tokens of an identity provider alike.
  if (key !== null) headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const signals = [signal, patience ? AbortSignal.timeout(patience) : null].filter(Boolean);
  let response;
  try {
    response = await fetch(address(path), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signals.length > 0 ? AbortSignal.any(signals) : undefined,
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable();
  }
  if (response.ok) return response;
  const problem = await refusal(response);
  if (problem.status === 401) doors.forEach((door) => door(problem));
  throw problem;
}

async function refusal(response) {
  const retryAfter = Number.parseInt(response.headers.get("Retry-After") || "", 10) || null;
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // Not from the gateway, but from something in front of it.
  }
  const fallback = { title: `Status ${response.status}`, detail: "Something between this page and the gateway answered." };
  return new Refused({ ...fallback, ...problem }, response.status, retryAfter);
}

async function whole(reading, signal) {
  try {
    return await reading;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable();
  }
}

export async function ask(path, options = {}) {
  const response = await send(path, options);
  return whole(response.json(), options.signal);
}

// Like `ask`, with every number as the characters that were sent.
export async function askExactly(path, options = {}) {
  const response = await send(path, options);
  return parse(await whole(response.text(), options.signal));
}

export async function askText(path, options = {}) {
  const response = await send(path, { accept: "text/plain", ...options });
  return whole(response.text(), options.signal);
}
