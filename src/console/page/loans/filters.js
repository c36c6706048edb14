// The filters of a list, between the address, the form and the question to the API.

import { VOCABULARIES } from "../words.js";

export const LISTS = ["connection", "provider", "require", ...Object.keys(VOCABULARIES), "currency"];
export const DATES = ["opened_from", "opened_to", "due_from", "due_to", "defaulted_from", "defaulted_to"];
export const TEXTS = ["overdue", ...DATES, "outstanding_min", "outstanding_max", "purpose", "max_age", "sort"];
export const LIMITS = ["25", "50", "100", "200"];

// What GET /loans takes and an address of this page does not, and why.
export const ELSEWHERE = {
  ref: "names a person, so it is chosen below Whose loans",
  customer: "names a person, so it is chosen below Whose loans",
  cursor: "is good for one walk only; the buttons below the list follow it",
  include: "adds what a list has no room for; one loan's view shows it",
  "If-None-Match": "is for callers that keep answers; this page keeps none",
};

const DEFAULTS = { limit: "50" };

// From the address.
export function fromQuery(query) {
  const filters = { limit: query.limit ?? DEFAULTS.limit };
  for (const name of LISTS) filters[name] = (query[name] ?? "").split(",").filter(Boolean);
  for (const name of TEXTS) filters[name] = query[name] ?? "";
  return filters;
}

// What an address holds that nothing here asks for.
export const unused = (query) => Object.keys(query).filter((name) => name !== "limit" && !LISTS.includes(name) && !TEXTS.includes(name));

// For the address: what differs from the defaults.
export const toQuery = ({ limit, ...rest }) => ({ ...rest, ...(limit !== DEFAULTS.limit && { limit }) });

const TYPED = { true: true, false: false };
// What is no number or no yes goes as it is, and the API says what is wrong with it.
const number = (text) => (/^\d{1,9}$/.test(text) ? Number(text) : text);

// As the body of POST /loans/search, without its page.
export function asked(filters) {
  const body = {};
  for (const name of LISTS) if (filters[name].length > 0) body[name] = filters[name];
  for (const name of TEXTS) if (filters[name] !== "") body[name] = filters[name];
  if (body.overdue) body.overdue = TYPED[body.overdue] ?? body.overdue;
  if (body.max_age) body.max_age = number(body.max_age);
  return body;
}

export const page = ({ limit }) => ({ limit: number(limit) });

// For GET /loans/summary, which takes everything but order and page.
export function summaryQuery(filters, more) {
  const { sort, ...body } = asked(filters);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...body, ...more })) query.set(name, Array.isArray(value) ? value.join(",") : value);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

// How many there are, the page and the order aside.
export function count(filters) {
  const { sort, ...body } = asked(filters);
  return Object.keys(body).length;
}
