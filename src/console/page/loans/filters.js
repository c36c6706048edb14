// The filters of a list, between the address, the form and the question to the API.

import { VOCABULARIES } from "../words.js";

export const LISTS = ["connection", ...Object.keys(VOCABULARIES), "currency"];
export const DATES = ["opened_from", "opened_to", "due_from", "due_to", "defaulted_from", "defaulted_to"];
export const TEXTS = ["overdue", ...DATES, "outstanding_min", "outstanding_max", "purpose", "sort"];
export const LIMITS = [25, 50, 100, 200];

const DEFAULTS = { limit: "50" };

// From the address. What it holds beside the known names is left out.
export function fromQuery(query) {
  const filters = { limit: query.limit ?? DEFAULTS.limit };
  for (const name of LISTS) filters[name] = (query[name] ?? "").split(",").filter(Boolean);
  for (const name of TEXTS) filters[name] = query[name] ?? "";
  return filters;
}

// For the address: what differs from the defaults.
export const toQuery = ({ limit, ...rest }) => ({ ...rest, ...(limit !== DEFAULTS.limit && { limit }) });

// As the body of POST /loans/search, without its page.
export function asked(filters) {
  const body = {};
  for (const name of LISTS) if (filters[name].length > 0) body[name] = filters[name];
  for (const name of TEXTS) if (filters[name] !== "") body[name] = filters[name];
  if (body.overdue) body.overdue = body.overdue === "true";
  return body;
}

// For GET /loans/summary, which takes everything but order and page.
export function summaryQuery(filters) {
  const { sort, ...body } = asked(filters);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) query.set(name, Array.isArray(value) ? value.join(",") : value);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

// How many there are, the page and the order aside.
export function count(filters) {
  const { sort, ...body } = asked(filters);
  return Object.keys(body).length;
}
