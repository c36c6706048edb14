// Whether the answer is whole, and if not: who is missing, why, and what can be done.

import { html } from "../page.js";
import { FAULTS, SKIPPED, SOURCES, said, tone } from "../words.js";
import { duration, instant } from "../time.js";

// `asking`: this is of the question before, until its own answer is there.
export function Sources({ complete, sources, more, asking, again }) {
  const gaps = sources.filter(isGap);
  const asked = sources.filter(({ status }) => status !== "skipped");
  const head = asking ? ASKING : verdict(complete, gaps, asked, more);
  return html`<section class=${`sources ${head.tone}`} aria-label="Completeness" aria-busy=${asking} data-complete=${asking ? "asking" : String(complete)}>
    <p class="headline" role="status"><strong>${head.word}</strong> ${head.text}</p>
    ${!asking && html`<${Gaps} sources=${gaps} again=${again} />`}
    <details>
      <summary>${asked.length} of ${sources.length} sources asked</summary>
      <div class="scroller" tabindex="0" role="region" aria-label="Sources">
      <table class="plain-table">
        <thead><tr><th>Source</th><th>State</th><th class="number">Loans</th><th>Cache</th><th class="number">Took</th><th>Data of</th></tr></thead>
        <tbody>${sources.map((source) => html`<tr key=${source.connection}>
          <td>${source.connection}</td>
          <td><span class=${`word ${tone(source.status)}`}>${source.status}</span> <span class="quiet">${source.reason ? (SKIPPED[source.reason] ?? said(source.reason)) : left(source)}</span></td>
          <td class="number">${source.count}${source.total === null ? "" : ` of ${source.total}`}</td>
          <td>${source.cache}</td>
          <td class="number">${duration(source.elapsed_ms)}</td>
          <td>${source.as_of ? instant(source.as_of) : "–"}</td>
        </tr>`)}</tbody>
      </table></div>
    </details>
  </section>`;
}

export const isGap = ({ status }) => status !== "ok" && status !== "skipped";

export function Gaps({ sources, again }) {
  const gaps = sources.filter(isGap);
  if (gaps.length === 0) return null;
  return html`<ul class="gaps">${gaps.map((source) => html`<li key=${source.connection}>
    <strong>${source.connection}</strong> ${why(source)}
    ${source.error && html` <code>${source.error.code}</code>`}
    ${again && source.error?.retryable && html` <button class="plain" onClick=${again}>Ask again</button>`}
  </li>`)}</ul>`;
}

// The same in a line, for a window in which the rest is soon out of sight.
export function Brief({ complete, sources, more, asking }) {
  const gaps = sources.filter(isGap);
  const head = asking ? ASKING : verdict(complete, gaps, sources.filter(({ status }) => status !== "skipped"), more);
  const missing = asking ? "" : gaps.map(({ connection, status }) => `${connection} ${said(status)}`).join(", ");
  return html`<p class=${`brief ${head.tone}`} aria-hidden="true"><strong>${head.word}</strong> ${missing}</p>`;
}

const ASKING = { tone: "plain", word: "Asking…", text: "What stands below is what was there before." };

function verdict(complete, gaps, asked, more) {
  if (asked.length === 0) return { tone: "watch", word: "Nobody was asked.", text: "No source knows whom to look for: add a reference." };
  if (complete) {
    return more
      ? { tone: "good", word: "Nothing is missing so far.", text: "There are more pages." }
      : { tone: "good", word: "Complete.", text: `Every source that was asked gave all it has.` };
  }
  if (gaps.length === 0) return { tone: "watch", word: "Incomplete.", text: "The answer was cut by a limit or by its deadline." };
  return { tone: "watch", word: "Incomplete.", text: gaps.length === 1 ? "One source is missing or not whole:" : `${gaps.length} sources are missing or not whole:` };
}

export function why({ status, error, count, rejected }) {
  const gave = count > 0 && status === "failed" ? `gave ${count} loans, then no more` : (SOURCES[status] ?? said(status));
  const fault = error ? `: ${FAULTS[error.code] ?? said(error.code)}` : "";
  const tries = error?.attempts > 1 ? `, after ${error.attempts} attempts` : "";
  const wait = error?.retry_after_ms ? `; it may work in ${duration(error.retry_after_ms)}` : "";
  const lost = rejected > 0 ? `; ${rejected} of its records cannot be used` : "";
  return `${gave}${fault}${tries}${wait}${lost}.`;
}

const left = ({ duplicates, rejected }) =>
  [duplicates > 0 && `${duplicates} given already`, rejected > 0 && `${rejected} unusable`].filter(Boolean).join(", ");
