// One connection: how it does, and what it did in the last 15 minutes.

import { html, useMemo, useState } from "../page.js";
import { CIRCUITS, FAULTS, VERIFICATIONS, said } from "../words.js";
import { clock, duration, since } from "../time.js";
import { Plot } from "../charts/plot.js";
import { WINDOW, ceiling, columns, state, totals } from "./state.js";
import { Drift } from "./drift.js";

const LATENCY = [{ label: "p50", tint: "--one" }, { label: "p95", tint: "--two" }];
const TRAFFIC = [{ label: "requests", kind: "bars", tint: "--one-soft" }, { label: "failures", kind: "bars", tint: "--bad" }];

// Room above the end of the scale, so that its word is not cut.
const upTo = (least) => (_, low, high) => [0, ceiling(high ?? 0, least) * 1.12];
const ends = (_, axis, low, high) => [0, Math.round(high / 1.12)];

// `whole`: with everything below what is said of it; without, there is room for that.
export function Card({ connection, now, stale, whole }) {
  const { id, provider, coverage } = connection;
  const judged = state(connection);
  return html`<article class="card" aria-labelledby=${`c-${id}`} data-connection=${id}>
    <header>
      <h2 id=${`c-${id}`} elementtiming="useful">${id}</h2>
      <span class="quiet">${provider}</span>
      <span class=${`word ${stale ? "plain" : judged.tone}`} data-state>${stale ? `was ${judged.word}` : judged.word}</span>
    </header>
    <p class="says small">${stale ? "How it does now is not known." : judged.says}</p>
    <p class="coverage">${coverage}</p>
    ${whole ? html`<${Details} connection=${connection} now=${now} />` : html`<div class="room"></div>`}
  </article>`;
}

function Details({ connection, now }) {
  const { id, verification, health, drift, recent = [] } = connection;
  return html`<${History} id=${id} recent=${recent} now=${now} />
    <dl class="facts">
      <div><dt>Circuit</dt><dd>${said(health.circuit)}</dd><dd class="under">${CIRCUITS[health.circuit]}</dd></div>
      <div><dt>Last success</dt><dd>${since(health.last_success_at, now)}</dd></div>
      <div><dt>Last failure</dt><dd>${since(health.last_failure_at, now)}</dd></div>
      <div><dt>Made again</dt><dd>${health.retried}</dd></div>
      <div><dt>Asks to wait</dt><dd>${health.rate_limited_for_ms === null ? "no" : duration(health.rate_limited_for_ms)}</dd></div>
      <div class="across"><dt>Verified</dt><dd>${said(verification)} ${VERIFICATIONS[verification] && html`<span class="under">${VERIFICATIONS[verification]}</span>`}</dd></div>
    </dl>
    <p class="why">${cause(health)}</p>
    <${Drift} list=${drift} />`;
}

// What says something of the question, and nothing of how the provider does.
const ANSWERS = ["upstream_not_found", "upstream_pending", "upstream_rejected", "upstream_forbidden"];

function cause({ last_failure_code: code }) {
  if (code === null) return "No failure since the config was read.";
  return html`Last failure: ${fault(code)}${ANSWERS.includes(code) && html`. This is an answer, and does not count as failed above`}.`;
}

const fault = (code) => html`${FAULTS[code] ?? said(code)} <code>${code}</code>`;

function History({ id, recent, now }) {
  const [at, point] = useState(null);
  const drawn = useMemo(() => columns(recent), [recent]);
  const latency = useMemo(() => [drawn.at, drawn.p50, drawn.p95], [drawn]);
  const traffic = useMemo(() => [drawn.at, drawn.good, drawn.bad], [drawn]);
  if (recent.length === 0) {
    return html`<p class="note charts">This gateway keeps no history of its connections.</p>`;
  }
  const xRange = () => [(now - WINDOW) / 1000, now / 1000];
  const sync = `c-${id}`;
  const slot = at === null ? null : recent[at];
  const { requests, failures } = totals(recent);
  const worst = recent.reduce((worst, { p95_ms }) => Math.max(worst, p95_ms ?? 0), 0);
  const asked = requests === 0 ? "nothing asked in 15 minutes" : `${requests} asked, ${failures} failed`;
  const slowest = requests === 0 ? "" : `slowest p95 ${duration(worst)}`;
  const when = slot && html`<span>${clock(Date.parse(slot.from))}</span>`;
  return html`<div class="charts">
    <p class="readout"><b>Time to answer</b> <span><i class="key one"></i>p50 ${slot && under(slot.p50_ms)}</span>
      <span><i class="key two"></i>p95 ${slot && under(slot.p95_ms)}</span> ${when ?? html`<span>${slowest}</span>`}</p>
    <${Plot} label=${`Time that ${id} took to answer: ${slowest || asked}`} series=${LATENCY} columns=${latency} height=${92} point=${point}
      shape=${{ bare: true, sync, xRange, yRange: upTo(10), ySplits: ends, yValues: (_, ticks) => ticks.map(short) }} />
    <p class="readout"><b>Requests</b> <span><i class="key asked"></i>asked ${slot && slot.requests}</span>
      <span><i class="key failed"></i>failed ${slot && slot.failures}</span> ${when ?? html`<span>${asked}</span>`}</p>
    <${Plot} label=${`Requests to ${id} and how many failed: ${asked}`} series=${TRAFFIC} columns=${traffic} height=${78} point=${point}
      shape=${{ sync, xRange, yRange: upTo(2), ySplits: ends, yValues: (_, ticks) => ticks.map(String), xValues: (_, ticks) => ticks.map((tick) => clock(tick * 1000)) }} />
  </div>`;
}

// A quantile is the upper end of a bucket: at most that.
const under = (milliseconds) => (milliseconds === null ? "–" : `≤ ${duration(milliseconds)}`);
const short = (milliseconds) => (milliseconds >= 1000 ? `${milliseconds / 1000} s` : `${milliseconds} ms`);
