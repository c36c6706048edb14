// Asks the gateway's public API, as any caller does. The visitor's key lives here, in this tab's memory, and nowhere else.

import { parse } from "./exact.js";

let key = null;
const listeners = new Set();

// Ends with the key: what was asked with one says nothing to who comes with another.
let visit = new AbortController();

export function useThisKey(text) {
  visit.abort();
  visit = new AbortController();
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

// How many milliseconds the gateway's clock is ahead of this machine's, as its last answer said. `Date` has whole seconds, so
// less than two are none.
let skew = 0;
export const ahead = () => skew;

function compare(response) {
  const difference = Date.parse(response.headers.get("Date")) - Date.now();
  if (Number.isFinite(difference)) skew = Math.abs(difference) < 2000 ? 0 : difference;
}

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

const over = () =>
  new Refused({ code: "forgotten", title: "Stopped", detail: "It was asked with a key that is not used any more." }, 0);

const unreachable = () =>
  new Refused({ code: "unreachable", title: "No answer", detail: "The gateway did not answer. It may be stopped, or the network is." }, 0);

// Longer than any `server.deadline` that makes sense for a person, so that nothing waits for ever.
const PATIENCE = 60_000;

export async function send(path, { method = "GET", accept = "application/json", body, signal, patience = PATIENCE } = {}) {
  const headers = { Accept: accept };
  const own = visit.signal;
  // The one header that takes keys and tokens of an identity provider alike.
  if (key !== null) headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const signals = [own, signal, patience ? AbortSignal.timeout(patience) : null].filter(Boolean);
  let response;
  try {
    response = await fetch(address(path), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.any(signals),
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw own.aborted ? over() : unreachable();
  }
  compare(response);
  if (response.ok) return response;
  const problem = await refusal(response);
  if (own.aborted) throw over();
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

async function whole(own, signal, reading) {
  try {
    return await reading;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw own.aborted ? over() : unreachable();
  }
}

export async function ask(path, options = {}) {
  const own = visit.signal;
  const response = await send(path, options);
  return whole(own, options.signal, response.json());
}

// Like `ask`, with every number as the characters that were sent.
export async function askExactly(path, options = {}) {
  const own = visit.signal;
  const response = await send(path, options);
  return parse(await whole(own, options.signal, response.text()));
}

export async function askText(path, options = {}) {
  const own = visit.signal;
  const response = await send(path, { accept: "text/plain", ...options });
  return whole(own, options.signal, response.text());
}
