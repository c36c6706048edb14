// Where the visitor is: in the fragment of the address, which a browser sends to nobody. So a view can be shared by its
// address. Ids of people are kept out of it: references and customers (people.js), and the ids of loans that hold one.

import { useEffect, useRef, useState } from "./page.js";

// Ids of loans that are made of somebody's reference hold a `~` (docs/model.md). They are numbered in this tab's memory,
// and the number is in the address, with what no other load of the page has: elsewhere, and after a reload, it names nobody.
const hidden = new Map();
const load = crypto.getRandomValues(new Uint32Array(1))[0].toString(36);
let given = 0;

function numbered(id) {
  if (!id.includes("~")) return encodeURIComponent(id);
  if (!hidden.has(id)) hidden.set(id, `~${load}.${(given += 1)}`);
  return hidden.get(id);
}

function named(text) {
  if (!text.startsWith("~")) return text;
  return [...hidden].find(([, number]) => number === text)?.[0] ?? null;
}

// A number is never given again, so an address of before names nobody.
export function forgetIds() {
  hidden.clear();
  dispatchEvent(new HashChangeEvent("hashchange"));
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

export const loanAddress = (id, tab = "") => `#/loan/${numbered(id)}${tab && `/${tab}`}`;

export function listAddress(filters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) {
    const text = Array.isArray(value) ? value.join(",") : String(value ?? "");
    if (text !== "") query.set(name, text);
  }
  const text = query.toString().replaceAll("%2C", ",");
  return text === "" ? "#/loans" : `#/loans?${text}`;
}

// The list that was looked at last, to go back to.
let list = "#/loans";
export const lastList = () => list;

export function read(fragment) {
  const [path, query = ""] = fragment.replace(/^#/, "").split("?");
  const [, view = "", first = "", second = ""] = path.split("/");
  if (view === "loans") list = fragment;
  if (view === "loans") return { view, query: joined(new URLSearchParams(query)) };
  const id = decoded(first);
  if (view === "loan" && id !== null) return { view, id: named(id), tab: second };
  return { view: view === "" ? "operations" : "nothing" };
}

// A name that comes twice is a list, as in the API.
function joined(query) {
  return Object.fromEntries([...new Set(query.keys())].map((name) => [name, query.getAll(name).join(",")]));
}

export function useRoute() {
  const begun = useRef(location.hash);
  const [route, follow] = useState(() => read(begun.current));
  useEffect(() => {
    const changed = () => follow(read(location.hash));
    addEventListener("hashchange", changed);
    // It may have changed after the first picture and before anybody listened.
    if (location.hash !== begun.current) changed();
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

// Other filters of the list that is looked at: a step that the browser's Back takes back. `change` makes them of the query
// that is in the address now. Whoever has left the list is not pulled back to it.
export function refine(change) {
  const { view, query } = read(location.hash);
  if (view === "loans") location.hash = listAddress(change(query));
}
