// The loans of one page.

import { html } from "../page.js";
import { grouped } from "../money.js";
import { loanAddress } from "../route.js";
import { FLAGS, said } from "../words.js";
import { Theirs, Word } from "../pieces.js";

// `sort`: the API's word for the order of a column.
const COLUMNS = [
  { name: "Loan", sort: "id", cell: Name },
  { name: "Kind", cell: Kind, width: "w-m", from: "middle" },
  { name: "Status", width: "w-m", cell: Status },
  { name: "Payment", width: "w-m", cell: ({ payment_status }) => html`<${Word} of=${payment_status} />`, from: "small" },
  { name: "Owed", sort: "outstanding", cell: Owed, number: true, width: "w-l" },
  { name: "Next due", width: "w-m", sort: "due_on", cell: ({ next_payment }) => next_payment.due_on ?? "–", number: true, from: "middle" },
  { name: "Days late", width: "w-s", sort: "days_past_due", cell: ({ delinquency }) => delinquency.days_past_due ?? "–", number: true, from: "large" },
  { name: "Opened", width: "w-m", sort: "opened_on", cell: ({ dates }) => dates.opened_on ?? "–", number: true, from: "large" },
];

export function Table({ loans, sort, setSort, asking }) {
  return html`<table class=${`loans ${asking ? "asking" : ""}`} aria-busy=${asking}>
    <caption class="unseen">Loans</caption>
    <thead><tr>${COLUMNS.map((column) => html`<${Head} key=${column.name} column=${column} sort=${sort} setSort=${setSort} />`)}</tr></thead>
    <tbody>${loans.map((loan) => html`<tr key=${loan.id} data-loan=${loan.id}>${COLUMNS.map(
      (column) => html`<td key=${column.name} class=${`${column.number ? "number" : ""} ${column.from ?? ""} ${sorts(column, sort) ? "sorted" : ""}`}><${column.cell} ...${loan} /></td>`,
    )}</tr>`)}</tbody>
  </table>`;
}

// A column that the list is sorted by is there, however little room there is.
const sorts = (column, sort) => column.sort !== undefined && (sort === column.sort || sort === `-${column.sort}`);

function Head({ column, sort, setSort }) {
  const { name, number, width = "", from = "" } = column;
  const down = sort === `-${column.sort}`;
  const up = sort === column.sort && column.sort !== undefined;
  const next = up ? `-${column.sort}` : down ? "" : column.sort;
  const order = up ? "ascending" : down ? "descending" : "none";
  return html`<th scope="col" class=${`${number ? "number" : ""} ${width} ${from} ${sorts(column, sort) ? "sorted" : ""}`} aria-sort=${column.sort ? order : null}>
    ${column.sort
      ? html`<button class="sort" onClick=${() => setSort(next)}>${name}<i aria-hidden="true">${up ? "↑" : down ? "↓" : "↕"}</i></button>`
      : name}
  </th>`;
}

function Name({ id, lender, kind, record_type, native_kind, connection, stale, flags }) {
  return html`<a href=${loanAddress(id)}><${Theirs}>${lender.name ?? lender.product_name ?? native_kind ?? said(kind === "unknown" ? record_type : kind)}<//></a>
    <span class="under id" title=${id}><${Theirs}>${id}<//></span>
    <span class="under">${connection}
      ${stale && html` <span class="word watch">stale</span>`}
    </span>
    ${flags.length > 0 && html`<details class="mark"><summary class="marks">⚑ ${flags.length}<span class="unseen"> ${flags.length === 1 ? "flag" : "flags"}</span></summary>
      ${flags.map(({ code, field }) => html`<p key=${code + field}><b>${said(code)}</b> <code>${field}</code> ${FLAGS[code]}</p>`)}</details>`}`;
}

function Kind({ kind, record_type }) {
  if (kind === "unknown") return html`<span class="quiet">${said(record_type)}</span>`;
  return html`${said(kind)}<span class="under">${said(record_type)}</span>`;
}

const TELLING = ["current", "overdue", "in_arrears", "defaulted"];

function Status({ status, arrangement, payment_status }) {
  return html`<${Word} of=${status} />${TELLING.includes(payment_status) && html`<span class="narrow"><${Word} of=${payment_status} /></span>`}
    ${arrangement !== "none" && arrangement !== "unknown" && html`<span class="under">${said(arrangement)}</span>`}`;
}

function Owed(loan) {
  return html`<${Amount} ...${loan} />${loan.next_payment.due_on && html`<span class="under narrow">due ${loan.next_payment.due_on}</span>`}`;
}

function Amount({ amounts, currency, record_type }) {
  if (amounts.total_outstanding !== null) return html`<span class="amount">${grouped(amounts.total_outstanding)}</span> <span class="currency">${currency}</span>`;
  if (record_type === "loan_application" && amounts.requested !== null) {
    return html`<span class="amount quiet">${grouped(amounts.requested)}</span> <span class="currency">${currency}</span><span class="under">asked for</span>`;
  }
  if (amounts.principal_outstanding !== null) {
    return html`<span class="amount quiet">${grouped(amounts.principal_outstanding)}</span> <span class="currency">${currency}</span><span class="under">principal only</span>`;
  }
  return html`<span class="quiet">unknown</span>`;
}
