// The canonical record, grouped for a reader: what is known, where it came from, and why the rest is not.

import { html } from "../page.js";
import { FLAGS, MISSING, said } from "../words.js";
import { Theirs } from "../pieces.js";
import { inLine } from "../exact.js";
import { GROUPS, at, nameOf, others } from "./fields.js";
import { Value } from "./value.js";

export function Record({ loan, exact, explained }) {
  const refs = { name: "The provider's references", fields: others(explained) };
  const groups = refs.fields.length > 0 ? [...GROUPS, refs] : GROUPS;
  const extensions = exact.get("extensions")?.list ?? [];
  return html`
    <${Flags} flags=${loan.flags} />
    <div class="groups">
      ${groups.map((group) => html`<${Group} key=${group.name} group=${group} loan=${loan} explained=${explained} />`)}
      ${extensions.length > 0 && html`<section class="group-card"><h2>Other fields of the provider</h2>
        <dl class="record">${extensions.map(([name, value]) => html`<div key=${name}><dt><code><${Theirs}>${name}<//></code></dt><dd><${Extension} value=${value} /></dd></div>`)}</dl></section>`}
    </div>`;
}

const LONG = 80;

function Extension({ value }) {
  const text = typeof value === "string" ? value : inLine(value);
  if (text.length <= LONG) return html`<span class="wrap"><${Theirs}>${text}<//></span>`;
  return html`<details><summary>${text.length} characters</summary><span class="wrap"><${Theirs}>${text}<//></span></details>`;
}

function Flags({ flags }) {
  if (flags.length === 0) return null;
  return html`<section class="flags" aria-label="Flags"><h2>What to know before relying on it</h2><ul>
    ${flags.map(({ code, field }) => html`<li key=${code + field}><span aria-hidden="true">⚑</span> <strong>${nameOf(field)}</strong>: ${FLAGS[code] ?? said(code)} <code>${code}</code></li>`)}
  </ul></section>`;
}

function Group({ group, loan, explained }) {
  const rows = group.fields.map(([path, name, kind]) => ({ path, name, kind, value: at(loan, path) ?? null, told: explained.get(path) }));
  const known = rows.filter(({ value }) => value !== null);
  const missing = rows.filter(({ value }) => value === null);
  const flagsOf = (path) => loan.flags.filter(({ field }) => field === path).map(({ code }) => ({ code, says: FLAGS[code] ?? said(code) }));
  return html`<section class="group-card">
    <h2>${group.name}</h2>
    ${known.length > 0
      ? html`<dl class="record">${known.map(({ path, name, kind, value, told }) => html`<div key=${path} data-field=${path}>
          <dt>${name}</dt><dd><${Value} value=${value} kind=${kind} currency=${loan.currency} told=${told} flags=${flagsOf(path)} /></dd></div>`)}</dl>`
      : html`<p class="note">Nothing of this is known.</p>`}
    ${missing.length > 0 && html`<details class="missing"><summary>${missing.length} not known</summary>
      <dl class="record">${missing.map(({ path, name, told }) => html`<div key=${path} data-missing=${path}><dt>${name}</dt>
        <dd>${told?.missing ? (MISSING[told.missing] ?? said(told.missing)) : "not told why"}${flagsOf(path).map(({ code, says }) => html`<span class="under" key=${code}>⚑ ${says}</span>`)}</dd></div>`)}</dl></details>`}
  </section>`;
}
