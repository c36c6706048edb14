// The ledger: what moved the debt, and what was only booked.

import { html, useMemo, useState } from "../page.js";
import { grouped, scaled } from "../money.js";
import { day } from "../time.js";
import { said } from "../words.js";
import { Marks, Scroller, Theirs } from "../pieces.js";
import { Plot } from "../charts/plot.js";
import { Rows, partOf, useRows } from "./rows.js";

const SIGNS = { increases_debt: "+", decreases_debt: "−", none: "" };

export function Transactions({ id }) {
  const [moved, only] = useState(false);
  const rows = useRows(id, "transactions", moved ? "&monetary=true&reversed=false" : "");
  return html`
    <label class="inline choice"><input type="checkbox" checked=${moved} onChange=${() => only(!moved)} /><span>Only what moved the debt</span></label>
    <${Rows} rows=${rows} empty="The ledger has no such rows.">${(data, page) => html`<${Balance} rows=${data} page=${page} /><${Table} rows=${data} />`}<//>`;
}

function Balance({ rows, page }) {
  const dated = useMemo(() => rows.filter(({ balance_after, posted_on }) => balance_after !== null && posted_on !== null), [rows]);
  const columns = useMemo(() => [dated.map(({ posted_on }) => Date.parse(posted_on) / 1000), dated.map(({ balance_after }) => scaled(balance_after))], [dated]);
  const [at, point] = useState(null);
  if (dated.length < 2) return null;
  const row = dated[at ?? dated.length - 1];
  return html`<${Line} title="Principal left" row=${{ on: row.posted_on, amount: row.balance_after, currency: row.currency }} columns=${columns} kind="steps" point=${point} part=${rows.length < page.total && `rows: ${partOf(rows.length, page)}`}
    label=${`Principal${rows.length < page.total ? `, in ${partOf(rows.length, page)} rows,` : ""} from ${grouped(dated[0].balance_after)} on ${dated[0].posted_on} to ${grouped(dated.at(-1).balance_after)} on ${dated.at(-1).posted_on}. The amounts are in the table below.`} />`;
}

// A sum over time, with the one that the pointer is at in words.
export function Line({ title, row, columns, kind, point, label, part }) {
  const series = useMemo(() => [{ label: title, tint: "--one", fill: "--one-faint", kind }], [title, kind]);
  return html`<figure class="group-card">
    <figcaption><h2>${title}</h2>${part && html`<span class="small quiet">${part}</span>`}<span class="small"><span class="quiet">${row.on}</span> <span class="amount">${grouped(row.amount)}</span> <span class="currency">${row.currency}</span></span></figcaption>
    <${Plot} label=${label} series=${series} columns=${columns} height=${170} point=${point} shape=${{ gutter: 62, xValues: (_, ticks) => ticks.map((tick) => day(tick * 1000)), yRange: (_, low, high) => [0, (high || 1) * 1.1], yValues: (_, ticks) => ticks.map(rounded) }} />
  </figure>`;
}

// For the axis only: the amounts themselves are in words beside it.
let axis = null;
const rounded = (tick) => (axis ??= new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 1 })).format(tick);

const PARTS = ["principal", "interest", "fees", "penalties"];

const Table = ({ rows }) => html`<${Scroller} label="Transactions"><table class="plain-table">
  <thead><tr><th scope="col">Posted</th><th scope="col">What</th><th scope="col" class="number">Amount</th>${PARTS.map((part) => html`<th key=${part} scope="col" class="number">${said(part)}</th>`)}<th scope="col" class="number">Principal left</th><th scope="col">Remarks</th></tr></thead>
  <tbody>${rows.map((row, index) => html`<tr key=${index} class=${`${row.reversed ? "reversed" : ""} ${row.monetary ? "" : "bookkeeping"}`}>
    <td class="number left">${row.posted_on ?? "–"}</td>
    <td>${said(row.type)}${row.native_type && html`<span class="under"><${Theirs}>${row.native_type}<//></span>`}</td>
    <td class="number">${row.amount === null ? "–" : html`${SIGNS[row.direction] ?? ""}${grouped(row.amount)} <span class="currency">${row.currency}</span>`}</td>
    ${PARTS.map((part) => html`<td key=${part} class="number">${row.breakdown?.[part] ? grouped(row.breakdown[part]) : html`<span class="quiet">–</span>`}</td>`)}
    <td class="number">${row.balance_after === null ? html`<span class="quiet">–</span>` : grouped(row.balance_after)}</td>
    <td>${row.reversed && html`<span class="word watch">reversed</span> `}${row.monetary === false && html`<span class="word plain">bookkeeping</span> `}
      <${Marks} flags=${row.flags} /></td>
  </tr>`)}</tbody></table><//>`;

