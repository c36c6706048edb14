// What a provider sends that none of its documents names. Names of fields only; never values.

import { html } from "../page.js";
import { Theirs } from "../pieces.js";

const KINDS = { unknown_field: "new field", unknown_value: "new word in", changed_type: "other type in" };

export function Drift({ list }) {
  if (list.length === 0) return html`<p class="drift quiet">No drift: it sends what its documents say.</p>`;
  const times = list.reduce((sum, { count }) => sum + count, 0);
  return html`<details class="drift">
    <summary><span class="word watch">drift</span> ${list.length} ${list.length === 1 ? "name" : "names"}, seen ${times} times</summary>
    <ul>${list.map(({ kind, field, count }) => html`<li key=${kind + field}>
      <span class="quiet">${KINDS[kind] ?? kind}</span> <code><${Theirs}>${field}<//></code> <span class="count">${count}×</span>
    </li>`)}</ul>
  </details>`;
}
