// The loan as it was seen on earlier days, newest first.

import { html, useMemo, useState } from "../page.js";
import { grouped, scaled } from "../money.js";
import { instant } from "../time.js";
import { Marks, Scroller, Word } from "../pieces.js";
import { Rows, partOf, useRows } from "./rows.js";
import { Line } from "./transactions.js";

export function Snapshots({ id }) {
  const rows = useRows(id, "snapshots");
  return html`<${Rows} rows=${rows} empty="There is no snapshot.">${(data, page) => html`<${Owed} rows=${data} page=${page} /><${Table} rows=${data} />`}<//>`;
}

function Owed({ rows, page }) {
  const dated = useMemo(() => rows.filter(({ as_of, amounts }) => as_of !== null && amounts.total_outstanding !== null).reverse(), [rows]);
  const columns = useMemo(() => [dated.map(({ as_of }) => Date.parse(as_of) / 1000), dated.map(({ amounts }) => scaled(amounts.total_outstanding))], [dated]);
  const [at, point] = useState(null);
  if (dated.length < 2) return null;
  const row = dated[at ?? dated.length - 1];
  return html`<${Line} title="Owed, as observed" row=${{ on: instant(row.as_of), amount: row.amounts.total_outstanding, currency: row.currency }} columns=${columns} point=${point} part=${rows.length < page.total && `snapshots: ${partOf(rows.length, page)}`}
    label=${`Owed from ${grouped(dated[0].amounts.total_outstanding)} to ${grouped(dated.at(-1).amounts.total_outstanding)} over ${rows.length < page.total ? partOf(dated.length, page) : dated.length} snapshots. The amounts are in the table below.`} />`;
}

const MONEY = [["total_outstanding", "Owed"], ["principal_outstanding", "Principal"], ["interest_outstanding", "Interest"], ["penalties_outstanding", "Penalties"], ["total_paid", "Paid"]];

const Table = ({ rows }) => html`<${Scroller} label="Snapshots"><table class="plain-table">
  <thead><tr><th scope="col">Seen</th><th scope="col">Status</th><th scope="col">Payment</th>${MONEY.map(([key, name]) => html`<th key=${key} scope="col" class="number">${name}</th>`)}<th scope="col" class="number">Days late</th><th scope="col">Collection</th><th scope="col">Flags</th></tr></thead>
  <tbody>${rows.map((row) => html`<tr key=${row.snapshot_id}>
    <td class="number left">${instant(row.as_of)}</td><td><${Word} of=${row.status} /></td><td><${Word} of=${row.payment_status} /></td>
    ${MONEY.map(([key]) => html`<td key=${key} class="number">${row.amounts[key] === null ? html`<span class="quiet">–</span>` : html`${grouped(row.amounts[key])} <span class="currency">${row.currency}</span>`}</td>`)}
    <td class="number">${row.days_past_due ?? "–"}</td><td class="number left">${row.collection_on ?? "–"}</td>
    <td><${Marks} flags=${row.flags} /></td>
  </tr>`)}</tbody></table><//>`;
