// Small things that every view shows.

import { html } from "./page.js";
import { FLAGS, said, tone } from "./words.js";

// A word with its colour.
export const Word = ({ of, as = tone(of) }) => html`<span class="word ${as}">${said(of)}</span>`;

// Text from a provider: isolated, so that its direction cannot turn what stands beside it.
export const Theirs = ({ children }) => html`<bdi>${children}</bdi>`;

// What went wrong, in the API's own words, and what can be done.
export function Trouble({ error, again, children }) {
  if (!error) return null;
  return html`<div class="trouble" role="alert">
    <p><strong>${error.title || "Something went wrong"}.</strong> ${error.message}</p>
    ${error.errors?.length > 0 &&
    html`<ul>${error.errors.map(({ parameter, detail }) => html`<li><code>${parameter}</code> ${detail}</li>`)}</ul>`}
    ${children}
    <p class="small">
      ${again && html`<button class="plain" onClick=${again}>Ask again</button> `}
      ${error.retryAfter && html`<span>It may work in ${error.retryAfter} s. </span>`}
      ${error.requestId && html`<span>Request <code>${error.requestId}</code></span>`}
    </p>
  </div>`;
}

// Flags of one row; what each means is shown to whoever opens it.
export const Marks = ({ flags }) => flags.map(({ code, field }) => html`<details key=${code + field} class="mark"><summary class="marks">⚑ ${said(code)}</summary>${FLAGS[code] ?? said(code)} <code>${field}</code></details>`);

export const Empty = ({ title, children }) => html`<div class="empty"><p><strong>${title}</strong></p>${children}</div>`;

// Room for what is on its way, so that nothing moves when it comes.
export const Waiting = ({ rows = 3, what = "Asking the gateway" }) => html`<div class="waiting" role="status">
  <span class="unseen">${what}</span>
  ${Array.from({ length: rows }, (_, row) => html`<span class="bone" key=${row}></span>`)}
</div>`;

// What is clipped or wide scrolls by itself, and by keyboard.
export const Scroller = ({ label, children }) =>
  html`<div class="scroller" tabindex="0" role="region" aria-label=${label}>${children}</div>`;
