// What the provider sent, beside what became of it.

import { html, useState } from "../page.js";
import { MISSING, said } from "../words.js";
import { Scroller, Theirs } from "../pieces.js";
import { inLine, lines } from "../exact.js";

// A name is broken after its dots and underscores, and not within a word.
const breakable = (name) => name.split(/(?<=[._])/).map((part) => html`${part}<wbr />`);

export function Explain({ records, fields }) {
  const [path, point] = useState(null);
  const own = path !== null && records.length > 1 ? path.slice(path.indexOf(".") + 1) : path;
  const hit = (line) => path !== null && line !== "" && (line === path || line === own);
  return html`<div class="beside">
    <section class="group-card"><h2>As it was received</h2>
      ${records.map(({ name, received }, index) => html`<${Scroller} key=${index} label=${`Record ${name ?? index + 1}`}>
        ${name && html`<p class="quiet small"><code>${name}</code></p>`}
        <pre class="raw">${lines(received).map((line, at) => html`<span key=${at} class=${hit(line.path) ? "hit" : ""} style=${{ paddingLeft: `${line.depth * 14}px` }}><${Theirs}>${line.text}<//></span>`)}</pre>
      <//>`)}
    </section>
    <section class="group-card"><h2>What became of it</h2>
      <${Scroller} label="Fields">
        <table class="plain-table explained"><thead><tr><th scope="col">Field</th><th scope="col">Value</th><th scope="col">From</th><th scope="col">Received</th></tr></thead>
        <tbody>${fields.map(({ field, value, origin, missing, source, received }) => html`<tr key=${field} class=${value === null ? "absent" : ""}
          onMouseEnter=${() => point(source)} onMouseLeave=${() => point(null)}>
          <th scope="row"><code>${breakable(field)}</code></th>
          <td>${value === null ? html`<span class="quiet">${MISSING[missing] ?? said(missing)}</span>` : html`<${Theirs}>${typeof value === "string" ? value : inLine(value)}<//>`}</td>
          <td>${origin && html`<span class=${`word origin-${origin}`}>${origin}</span>`}
            ${source && html` <button class="source" onFocus=${() => point(source)} onBlur=${() => point(null)} onClick=${() => point(source)}><code><${Theirs}>${source}<//></code></button>`}</td>
          <td><code><${Theirs}>${received === null ? "" : inLine(received)}<//></code></td>
        </tr>`)}</tbody></table>
      <//>
    </section>
  </div>`;
}
