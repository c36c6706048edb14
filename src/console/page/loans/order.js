// The order of the list, whatever columns there is room for.

import { html } from "../page.js";
import { Select } from "./form.js";

const ORDERS = [
  ["", "as the sources give them"],
  ["id", "id, A first"],
  ["-id", "id, Z first"],
  ["outstanding", "owed, least first"],
  ["-outstanding", "owed, most first"],
  ["due_on", "next due, earliest first"],
  ["-due_on", "next due, latest first"],
  ["days_past_due", "days late, fewest first"],
  ["-days_past_due", "days late, most first"],
  ["opened_on", "opened, earliest first"],
  ["-opened_on", "opened, latest first"],
];

// Amounts of two currencies have no order.
export const sortable = (sort, { currency }) => !sort?.endsWith("outstanding") || currency.length === 1;

export function Order({ filters, change }) {
  const options = ORDERS.map(([sort, text]) => (sortable(sort, filters) ? [sort, text] : [sort, `${text} (name one currency)`, true]));
  return html`<div class="order"><${Select} label="Sort by" value=${filters.sort} options=${options} set=${(sort) => change({ sort })} /></div>`;
}

// `wanted`: an order that needs one currency, and there is none or more than one.
export function OneCurrency({ wanted, currencies, change }) {
  return html`<p class="one-currency" role="status">Owed has an order within one currency only. Show one:
    ${currencies.map((currency) => html` <button key=${currency} class="plain small" onClick=${() => change({ currency: [currency], sort: wanted })}>${currency}</button>`)}</p>`;
}
