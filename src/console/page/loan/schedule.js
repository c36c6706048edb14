// The instalments: what falls due when, and what is left to pay.

import { html } from "../page.js";
import { grouped, scaled } from "../money.js";
import { said } from "../words.js";
import { Marks, Scroller, Word } from "../pieces.js";
import { Rows, partOf, useRows } from "./rows.js";

const PARTS = [
  ["principal_due", "principal", "one"],
  ["interest_due", "interest", "two"],
  ["fees_due", "fees", "three"],
  ["penalties_due", "penalties", "four"],
];

export function Schedule({ id }) {
  const rows = useRows(id, "schedule");
  return html`<${Rows} rows=${rows} empty="The plan has no instalments.">${(data, page) => html`<${Bars} rows=${data} page=${page} /><${Table} rows=${data} />`}<//>`;
}

// One column for each instalment. The heights are positions on the screen; the amounts are in the table.
function Bars({ rows, page }) {
  const heights = rows.map((row) => {
    const parts = PARTS.map(([key, , tint]) => ({ tint, size: scaled(row[key]) ?? 0 }));
    const known = parts.reduce((sum, { size }) => sum + size, 0);
    const total = scaled(row.total_due) ?? known;
    // A plan that names no parts is one block.
    return known === 0 ? [{ tint: "plain", size: total }] : parts;
  });
  const highest = Math.max(...heights.map((parts) => parts.reduce((sum, { size }) => sum + size, 0)), 1e-9);
  const currency = rows[0].currency ?? "";
  const used = PARTS.filter(([key]) => rows.some((row) => (scaled(row[key]) ?? 0) > 0));
  return html`<figure class="group-card">
    <figcaption><h2>What falls due</h2><span class="legend small">${used.map(([key, name, tint]) => html`<span key=${key}><i class=${`key ${tint}`}></i>${name}</span>`)}
      <span class="quiet">${rows.length < page.total ? `${partOf(rows.length, page)} instalments, ` : ""}${currency}, at most ${grouped(rows.map(({ total_due }) => total_due).sort((one, other) => (scaled(other) ?? 0) - (scaled(one) ?? 0))[0] ?? "")} at once</span></span></figcaption>
    <div class=${`columns ${rows.length > 40 ? "many" : ""}`} role="img" aria-label=${`${partOf(rows.length, page)} instalments from ${rows[0].due_on} to ${rows.at(-1).due_on}. The amounts are in the table below.`}>
      ${heights.map((parts, index) => html`<span key=${index} class=${`column ${rows[index].status}`} title=${`${rows[index].due_on}: ${grouped(rows[index].total_due)} ${currency}, ${said(rows[index].status)}`}>
        ${parts.map(({ tint, size }, part) => html`<i key=${part} class=${tint} style=${{ height: `${(size / highest) * 100}%` }}></i>`)}
        <b aria-hidden="true"></b>
      </span>`)}
    </div>
    <p class="ends-of small quiet"><span>${rows[0].due_on}</span><span>${rows.length > 1 ? rows.at(-1).due_on : ""}</span></p>
  </figure>`;
}

const MONEY = [["total_due", "Due"], ["principal_due", "Principal"], ["interest_due", "Interest"], ["fees_due", "Fees"], ["penalties_due", "Penalties"], ["total_paid", "Paid"], ["total_outstanding", "Left"]];

const Table = ({ rows }) => html`<${Scroller} label="Instalments"><table class="plain-table">
  <thead><tr><th class="number" scope="col">No.</th><th scope="col">Due on</th><th scope="col">State</th>${MONEY.map(([key, name]) => html`<th key=${key} scope="col" class="number">${name}</th>`)}<th scope="col">Flags</th></tr></thead>
  <tbody>${rows.map((row, index) => html`<tr key=${index}>
    <td class="number">${row.number ?? "–"}</td><td class="number left">${row.due_on ?? "–"}</td><td><${Word} of=${row.status} /></td>
    ${MONEY.map(([key]) => html`<td key=${key} class="number">${row[key] === null ? html`<span class="quiet">–</span>` : grouped(row[key])}</td>`)}
    <td><${Marks} flags=${row.flags} /></td>
  </tr>`)}</tbody></table><//>`;
