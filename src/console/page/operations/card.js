// One connection: how it does, and what it did in the last 15 minutes.

import { html, useMemo, useState } from "../page.js";
import { CIRCUITS, FAULTS, VERIFICATIONS, said } from "../words.js";
import { clock, duration, since } from "../time.js";
import { Plot } from "../charts/plot.js";
import { WINDOW, columns, state, totals } from "./state.js";
import { Drift } from "./drift.js";

const LATENCY = [{ label: "p50", tint: "--one" }, { label: "p95", tint: "--two" }];
const TRAFFIC = [{ label: "requests", kind: "bars", tint: "--one-soft" }, { label: "failures", kind: "bars", tint: "--bad" }];

const upTo = (least) => (_, low, high) => [0, Math.max(least, (high ?? 0) * 1.15)];

export function Card({ connection, now }) {
  const { id, provider, coverage, verification, health, drift, recent = [] } = connection;
  const judged = state(connection);
  const failed = health.last_failure_code;
  return html`<article class="card" aria-labelledby=${`c-${id}`} data-connection=${id}>
    <header>
      <h2 id=${`c-${id}`}>${id}</h2>
      <span class="quiet">${provider}</span>
      <span class=${`word ${judged.tone}`} title=${judged.says} data-state>${judged.word}</span>
    </header>
    <p class="coverage">${coverage}</p>
    <${History} id=${id} recent=${recent} now=${now} />
    <dl class="facts">
      <div><dt>Circuit</dt><dd title=${CIRCUITS[health.circuit]}>${said(health.circuit)}</dd></div>
      <div><dt>Verified</dt><dd title=${VERIFICATIONS[verification]}>${said(verification)}</dd></div>
      <div><dt>Last success</dt><dd>${since(health.last_success_at, now)}</dd></div>
      <div><dt>Last failure</dt><dd>${since(health.last_failure_at, now)}</dd></div>
      <div><dt>Made again</dt><dd>${health.retried}</dd></div>
      <div><dt>Asks to wait</dt><dd>${health.rate_limited_for_ms === null ? "no" : duration(health.rate_limited_for_ms)}</dd></div>
    </dl>
    <p class="why">${failed ? html`Last failure: ${FAULTS[failed] ?? said(failed)} <code>${failed}</code>` : "No failure since the config was read."}</p>
    <${Drift} list=${drift} />
  </article>`;
}

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
  const all = requests === 0
    ? "nothing asked in 15 minutes"
    : `${requests} asked, ${failures} failed, slowest p95 ${duration(worst)}`;
  return html`<div class="charts">
    <p class="readout">
      ${slot
        ? html`<span>${clock(Date.parse(slot.from))}</span> <span><i class="key one"></i>p50 ${under(slot.p50_ms)}</span>
          <span><i class="key two"></i>p95 ${under(slot.p95_ms)}</span> <span>${slot.requests} asked, ${slot.failures} failed</span>`
        : html`<span><i class="key one"></i>p50</span><span><i class="key two"></i>p95</span> <span>${all}</span>`}
    </p>
    <${Plot} label=${`Time that ${id} took to answer: ${all}`} series=${LATENCY} columns=${latency} height=${92} point=${point}
      shape=${{ bare: true, sync, xRange, yRange: upTo(10), yValues: (_, ticks) => ticks.map(short) }} />
    <${Plot} label=${`Requests to ${id} and how many failed: ${all}`} series=${TRAFFIC} columns=${traffic} height=${72} point=${point}
      shape=${{ sync, xRange, yRange: upTo(4), yValues: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? tick : "")), xValues: (_, ticks) => ticks.map((tick) => clock(tick * 1000)) }} />
  </div>`;
}

// A quantile is the upper end of a bucket: at most that.
const under = (milliseconds) => (milliseconds === null ? "–" : `≤ ${duration(milliseconds)}`);
const short = (milliseconds) => (milliseconds >= 1000 ? `${milliseconds / 1000} s` : `${milliseconds} ms`);
