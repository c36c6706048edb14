// What does this loan look like, and where does this number come from?

import { html, useLayoutEffect, useRef, useState } from "../page.js";
import { askExactly } from "../api.js";
import { Entries, plain } from "../exact.js";
import { useAsked } from "../live.js";
import { lastList, loanAddress } from "../route.js";
import { grouped } from "../money.js";
import { STABILITY, said } from "../words.js";
import { instant } from "../time.js";
import { Theirs, Trouble, Waiting, Word } from "../pieces.js";
import { Sources } from "../loans/sources.js";
import { Record } from "./record.js";
import { Explain } from "./explain.js";
import { Schedule } from "./schedule.js";
import { Transactions } from "./transactions.js";
import { Snapshots } from "./snapshots.js";

// Each with the capability it needs of the loan's connection.
const TABS = [
  { tab: "", name: "Record" },
  { tab: "schedule", name: "Schedule", needs: "schedule", view: Schedule },
  { tab: "transactions", name: "Transactions", needs: "transactions", view: Transactions },
  { tab: "snapshots", name: "Snapshots", needs: "snapshots", view: Snapshots },
  { tab: "explain", name: "Raw beside it", needs: "explain" },
];

// The explanation has all of it: the loan, what was received, and each field's origin. Numbers stay as they were sent.
async function explained(id, signal) {
  const answer = await askExactly(`loans/${encodeURIComponent(id)}/explain`, { signal });
  const data = answer.get("data");
  const fields = data.get("fields").map((field) => Object.fromEntries(field.list));
  const exact = data.get("loan");
  return {
    loan: plain(exact),
    exact,
    fields,
    explained: new Map(fields.map((field) => [field.field, field])),
    records: data.get("records").map((record) => (record instanceof Entries ? { name: record.get("name"), received: record.get("received") } : { received: record })),
    complete: answer.get("complete"),
    sources: plain(answer.get("sources")),
  };
}

export function Loan({ id, tab, connections }) {
  if (id === null) {
    return html`<h1>This address was for one tab</h1><p>The loan's id holds the reference of a person, so it is not in the address.
      Open it from the <a href="#/loans">list of loans</a>.</p>`;
  }
  return html`<${Known} id=${id} tab=${tab} connections=${connections} />`;
}

function Known({ id, tab, connections }) {
  const written = useRef(null);
  const { value, error, again } = useAsked((signal) => explained(id, signal), [id]);
  const connection = connections.find((one) => id.startsWith(`${one.id}:`));
  const tabs = TABS.filter(({ needs }) => !needs || connection?.capabilities.includes(needs));
  const shown = tabs.find((one) => one.tab === tab) ?? tabs[0];
  return html`
    <p class="crumbs"><a href=${lastList()}>Loans</a> <span aria-hidden="true">/</span> <bdi ref=${written}>${id}</bdi> <${Copy} text=${id} of=${written} /></p>
    ${error && html`<h1>${error.status === 404 ? "There is no such loan" : "The loan cannot be read"}</h1>`}
    <${Trouble} error=${error} again=${again}>${error?.sources?.length > 0 && html`<${Sources} complete=${false} sources=${error.sources} again=${again} />`}<//>
    ${!value && !error && html`<${Waiting} rows=${9} what="Reading the loan" />`}
    ${value && html`
      <${Head} loan=${value.loan} />
      ${!value.complete && html`<${Sources} complete=${value.complete} sources=${value.sources} more=${false} again=${again} />`}
      <${Tabs} id=${id} tabs=${tabs} shown=${shown} />
      ${shown.view
        ? html`<${shown.view} id=${id} />`
        : shown.tab === "explain"
          ? html`<${Explain} records=${value.records} fields=${value.fields} />`
          : html`<${Record} loan=${value.loan} exact=${value.exact} explained=${value.explained} />`}`}`;
}

// On a phone the one that is shown may be beyond the window's edge.
function Tabs({ id, tabs, shown }) {
  const row = useRef(null);
  useLayoutEffect(() => {
    const { offsetLeft, offsetWidth } = row.current.querySelector("[aria-current]");
    row.current.scrollLeft = offsetLeft - row.current.offsetLeft - (row.current.clientWidth - offsetWidth) / 2;
  }, [shown.tab]);
  return html`<nav class="tabs" aria-label="Parts of the loan" ref=${row}>${tabs.map(({ tab, name }) => html`<a key=${tab} href=${loanAddress(id, tab)} aria-current=${tab === shown.tab ? "page" : null}>${name}</a>`)}</nav>`;
}

function Head({ loan }) {
  const { amounts, currency, lender, next_payment: next, rate } = loan;
  const title = lender.name ?? lender.product_name ?? loan.native_kind ?? said(loan.kind === "unknown" ? loan.record_type : loan.kind);
  const figures = [
    ["Owed in all", amounts.total_outstanding && money(amounts.total_outstanding, currency)],
    ["At the start", (amounts.original_principal ?? amounts.requested) && money(amounts.original_principal ?? amounts.requested, currency)],
    ["Next payment", next.due_on && html`${next.due_on}${next.amount && html` <span class="under">${money(next.amount, currency)}</span>`}`],
    ["Rate", rate.percent && html`${rate.percent} % <span class="under">${said(rate.basis)}${rate.period ? `, per ${rate.period}` : ""}</span>`],
  ];
  return html`<header class="loan-head">
    <h1 class="capital"><${Theirs}>${title}<//></h1>
    <p class="states"><${Word} of=${loan.status} /> ${loan.payment_status !== "unknown" && loan.payment_status !== "not_applicable" && html`<${Word} of=${loan.payment_status} />`} ${loan.stale && html`<span class="word watch">stale</span>`}
      <span class="quiet">${[loan.kind !== "unknown" && said(loan.kind), said(loan.record_type), `from ${loan.connection}`, `data of ${instant(loan.as_of)}`, `its id is ${STABILITY[loan.id_stability] ?? said(loan.id_stability)}`].filter(Boolean).join(" · ")}</span></p>
    <dl class="tiles">${figures.map(([name, value]) => html`<div class="tile" key=${name}><dt>${name}</dt><dd class="figure">${value || html`<span class="quiet">unknown</span>`}</dd></div>`)}</dl>
  </header>`;
}

const money = (amount, currency) => html`<span class="amount">${grouped(amount)}</span> <span class="currency">${currency}</span>`;

// A browser lets a page write to the clipboard only where nobody in between can change the page. Elsewhere the id is selected.
function Copy({ text, of }) {
  const [done, set] = useState("");
  const select = () => {
    getSelection().selectAllChildren(of.current);
    set("Selected");
  };
  const copy = () => (navigator.clipboard ? navigator.clipboard.writeText(text).then(() => set("Copied"), select) : select());
  return html`<button class="plain small" onClick=${copy}>${done || "Copy id"}</button>`;
}
