// What is owed in each currency. Currencies are never added, and never compared: each has a bar of its own.

import { html, useState } from "../page.js";
import { ask, send } from "../api.js";
import { useAsked } from "../live.js";
import { asked as askedOf } from "../people.js";
import { grouped, scaled, sum } from "../money.js";
import { said } from "../words.js";
import { Trouble } from "../pieces.js";
import { asked, summaryQuery } from "./filters.js";
import { Gaps, isGap } from "./sources.js";
import { records } from "./stream.js";

const BY = [["connection", "connection"], ["kind", "kind"], ["phase", "phase"], ["payment_status", "payment"]];
const TINTS = 6;
const SHOWN = 4;

// With people in the question their ids would have to be in the address of GET /loans/summary. So the loans themselves are
// asked for, by POST, and added here, exactly.
async function figures(filters, people, anew, signal) {
  const whom = askedOf(people);
  const age = anew && { max_age: 0 };
  if (Object.keys(whom).length === 0) return ask(`loans/summary${summaryQuery(filters, age)}`, { signal });
  const { sort, ...body } = asked(filters);
  const response = await send("loans/search", { method: "POST", body: { ...body, ...whom, ...age }, accept: "application/x-ndjson", signal });
  const { loans, complete, sources } = await whole(response.body, signal);
  return { data: added(loans), complete, sources };
}

const CUT = { title: "The totals were cut", message: "The loans broke off before the line that ends them, so what came cannot be added." };

async function whole(body, signal) {
  const loans = [];
  let end = null;
  try {
    for await (const line of records(body)) {
      const record = JSON.parse(line);
      if (record.end) end = record;
      else loans.push(record);
    }
  } catch (error) {
    throw signal.aborted ? error : CUT;
  }
  if (end === null || end.count !== loans.length) throw CUT;
  return { loans, complete: end.complete, sources: end.sources };
}

function added(loans) {
  const group = (list, keys, amount, name) => {
    const groups = new Map();
    for (const loan of list) {
      const key = keys.map((key) => loan[key]).join(" ");
      groups.set(key, [...(groups.get(key) ?? []), loan]);
    }
    return [...groups.values()].map((members) => {
      const known = members.map((loan) => loan.amounts[amount]).filter((text) => text !== null);
      const total = { amount: known.length > 0 ? sum(known) : null, loans: members.length, unknown: members.length - known.length };
      return { ...Object.fromEntries(keys.map((key) => [key, members[0][key]])), loans: members.length, [name]: total };
    });
  };
  const part = (list, amount, name) => ({
    by_currency: group(list, ["currency"], amount, name),
    ...Object.fromEntries(BY.map(([key]) => [`by_${key}`, group(list, [key, "currency"], amount, name)])),
  });
  const isApplication = ({ record_type }) => record_type === "loan_application";
  return {
    debt: part(loans.filter((loan) => !isApplication(loan)), "total_outstanding", "total_outstanding"),
    applications: part(loans.filter(isApplication), "requested", "requested"),
  };
}

export function Totals({ filters, people, round, anew }) {
  const [by, split] = useState("connection");
  const keys = [summaryQuery(filters), people, round];
  const { value, error, asking, again } = useAsked((signal) => figures(filters, people, anew, signal), keys);
  return html`<section class="totals" aria-label="Totals" aria-busy=${asking}>
    <header><h2>Owed, by currency</h2>
      <label class="inline">split by <select value=${by} onChange=${(event) => split(event.target.value)}>${BY.map(([key, name]) => html`<option key=${key} value=${key}>${name}</option>`)}</select></label>
    </header>
    <${Trouble} error=${error} again=${again} />
    ${!value && !error && html`<div class="bars waiting"><span class="bone"></span><span class="bone"></span></div>`}
    ${value && html`<${Lacks} ...${value} asking=${asking} />`}
    ${value && html`<div class=${asking ? "asking" : ""}><${Figures} ...${value.data} by=${by} /></div>`}
  </section>`;
}

// Totals are an answer of their own: the list can be whole so far and they not, or the other way round.
function Lacks({ complete, sources, asking }) {
  if (asking) return html`<p class="lacks small quiet" data-totals="asking">Adding up…</p>`;
  if (complete) return html`<p class="lacks small quiet" data-totals="whole">Of everything that matches.</p>`;
  return html`<div class="lacks small" data-totals="partial">
    <p><span class="word watch">incomplete</span> ${sources.some(isGap) ? "These totals lack what is not here:" : "These totals lack what a limit or their deadline cut off."}</p>
    <${Gaps} sources=${sources} /></div>`;
}

const Figures = ({ debt, applications, by }) => html`
  <${Bars} part=${debt} name="total_outstanding" by=${by} />
  ${debt.by_currency.length === 0 && html`<p class="note">No debt in this selection.</p>`}
  ${applications.by_currency.length > 0 && html`<h3>Asked for, in applications</h3><${Bars} part=${applications} name="requested" by=${by} />`}`;

function Bars({ part, name, by }) {
  return html`<ul class="bars">${part.by_currency.map((row) => {
    const rows = part[`by_${by}`].filter(({ currency }) => currency === row.currency);
    const { amount, loans, unknown } = row[name];
    return html`<li key=${row.currency} data-currency=${row.currency ?? "none"}>
      <span class="currency">${row.currency ?? "no currency"}</span>
      <span class="amount">${amount === null ? html`<span class="quiet">unknown</span>` : grouped(amount)}</span>
      <span class="small quiet">${loans} ${loans === 1 ? "loan" : "loans"}${unknown > 0 ? `, ${unknown} unknown` : ""}</span>
      <${Split} rows=${rows} name=${name} by=${by} />
    </li>`;
  })}</ul>`;
}

// Parts of one currency, in the order of their size on the screen. Those beyond the tints share one, so that no two parts
// that are told apart look alike; the words below have them all.
function Split({ rows, name, by }) {
  const parts = rows.map((row) => ({ word: row[by], amount: row[name].amount, width: scaled(row[name].amount) ?? 0 }));
  parts.sort((one, other) => other.width - one.width);
  const tint = ({ width }, index) => (width > 0 ? `tint-${index < TINTS ? index : "rest"}` : "none");
  const legend = parts.map((part, index) => html`<span key=${part.word}><i class=${tint(part, index)} aria-hidden="true"></i>${said(part.word)} <span class="quiet">${part.amount === null ? "unknown" : grouped(part.amount)}</span></span>`);
  return html`<span class="split" aria-hidden="true">${parts.map((part, index) => part.width > 0 && html`<i key=${part.word} class=${tint(part, index)} style=${{ flexGrow: part.width }}></i>`)}</span>
    <span class="legend small">${legend.slice(0, SHOWN)}</span>
    ${parts.length > SHOWN && html`<details class="legend-rest small"><summary>and ${parts.length - SHOWN} more</summary><span class="legend">${legend.slice(SHOWN)}</span></details>`}`;
}
