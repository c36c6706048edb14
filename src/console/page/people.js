// Whose loans are looked at: references and a customer's id. They name people, so they are in this tab's memory and in the
// bodies of requests, and never in an address.

import { useEffect, useState } from "./page.js";

let people = { references: [], customer: null };
const listeners = new Set();

export function setPeople(change) {
  people = { ...people, ...change };
  listeners.forEach((listener) => listener(people));
}

export const forgetPeople = () => setPeople({ references: [], customer: null });

export function usePeople() {
  const [seen, follow] = useState(people);
  useEffect(() => {
    listeners.add(follow);
    follow(people);
    return () => listeners.delete(follow);
  }, []);
  return seen;
}

// As a part of the body of POST /loans/search.
export const asked = ({ references, customer }) => ({
  ...(references.length > 0 && { ref: references }),
  ...(customer && { customer }),
});
