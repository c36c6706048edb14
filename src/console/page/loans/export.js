// Everything that matches, as a file. The key goes in a header, so the browser cannot fetch the file by itself: it is read
// here and handed over when it has ended.

import { html, useEffect, useRef, useState } from "../page.js";
import { send } from "../api.js";
import { asked as askedOf } from "../people.js";
import { asked } from "./filters.js";

const KINDS = {
  ndjson: { name: "NDJSON", accept: "application/x-ndjson" },
  csv: { name: "CSV", accept: "text/csv" },
};

export function Export({ filters, people }) {
  const [state, set] = useState(null);
  const running = useRef(null);
  const question = JSON.stringify({ ...asked(filters), ...askedOf(people) });
  // Whoever leaves the view, or forgets the key, stops it.
  useEffect(() => () => running.current?.abort(), []);
  // What was said of other loans is not said beside these.
  useEffect(() => set((before) => (before?.running ? before : null)), [question]);
  const begin = async (kind) => {
    const mine = new AbortController();
    running.current = mine;
    set({ kind, of: question, bytes: 0, lines: 0, running: true });
    try {
      const file = await pull(kind, JSON.parse(question), mine.signal, (progress) => set({ kind, of: question, running: true, ...progress }));
      mine.signal.throwIfAborted();
      if (file.whole) offer(file.blob, `loans.${kind}`);
      set({ kind, of: question, running: false, ...file });
    } catch (error) {
      set({ kind, of: question, running: false, error, cancelled: mine.signal.aborted });
    }
  };
  return html`<div class="export">
    <span class="quiet">Everything as</span>
    ${Object.entries(KINDS).map(([kind, { name }]) => html`<button key=${kind} class="plain" disabled=${state?.running} onClick=${() => begin(kind)}>${name}</button>`)}
    ${state?.running && html`<button class="plain" onClick=${() => running.current.abort()}>Stop</button>`}
    <span class="small" role="status" data-export=${state && !state.running ? outcome(state) : null}>${state && told(state)}${state && state.of !== question && " It is of the filters it began with."}</span>
    ${state?.blob && !state.whole && html`<button class="plain" onClick=${() => offer(state.blob, `loans.cut.${state.kind}`)}>Keep what came</button>`}
  </div>`;
}

async function pull(kind, body, signal, progress) {
  // No limit of time: an export takes as long as its sources do.
  const response = await send("loans/search", { method: "POST", body, accept: KINDS[kind].accept, signal, patience: 0 });
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const parts = [];
  let bytes = 0;
  let lines = 0;
  let last = "";
  let cut = false;
  for (;;) {
    const { value, done } = await reader.read().catch((error) => {
      if (signal.aborted) throw error;
      cut = true;
      return { done: true };
    });
    if (done) break;
    parts.push(value);
    bytes += value.length;
    const text = decoder.decode(value, { stream: true });
    lines += text.split("\n").length - 1;
    last = lastLine(last + text);
    progress({ bytes, lines });
  }
  const blob = new Blob(parts, { type: KINDS[kind].accept });
  return { blob, bytes, ...ended(kind, last, cut) };
}

// The last line that has begun; without what ends it.
const lastLine = (text) => text.slice(text.trimEnd().lastIndexOf("\n") + 1);

// NDJSON says itself whether it is whole: by its last line. CSV breaks off when it is not.
function ended(kind, last, cut) {
  if (kind === "csv") return { whole: !cut };
  try {
    const line = JSON.parse(last);
    return { whole: !cut && line.end === true, count: line.count, complete: line.complete };
  } catch {
    return { whole: false };
  }
}

function offer(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

const outcome = ({ error, whole }) => (error ? "failed" : whole ? "whole" : "cut");

function told({ running, bytes, lines, error, cancelled, whole, count, complete, kind }) {
  if (running) return `${lines} lines, ${size(bytes)} so far`;
  if (cancelled) return "Stopped; nothing was kept.";
  if (error) return error.message;
  if (!whole) return `Cut: ${kind === "csv" ? "it broke off" : "the line that ends it did not come"}. ${size(bytes)} came.`;
  if (kind === "csv") return `Whole: ${size(bytes)}.`;
  return `Ended whole: ${count} loans, ${complete ? "complete" : "but not complete: a source is missing"}.`;
}

const size = (bytes) => (bytes < 1000 ? `${bytes} B` : bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`);
