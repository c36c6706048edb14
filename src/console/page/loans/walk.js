// Pages of one list, by cursor. The pages that were seen stay, so that going back asks nobody.

import { useEffect, useRef, useState } from "../page.js";
import { ask } from "../api.js";
import { asked as askedOf } from "../people.js";
import { asked, page } from "./filters.js";

export function useWalk(filters, people) {
  const question = JSON.stringify({ ...asked(filters), ...askedOf(people) });
  const [state, set] = useState({ pages: [], index: 0, error: null, asking: true });
  const [round, next] = useState(0);
  const current = useRef(null);
  const anew = useRef(false);

  const read = (cursor) => {
    current.current?.abort();
    const mine = new AbortController();
    current.current = mine;
    set((before) => ({ ...before, error: null, asking: true }));
    // Always by POST: whom it is about is then in no address and in no log on the way.
    const body = { ...JSON.parse(question), ...page(filters), ...(cursor && { cursor }), ...(anew.current && { max_age: 0 }) };
    anew.current = false;
    ask("loans/search", { method: "POST", body, signal: mine.signal }).then(
      (answer) => {
        if (mine.signal.aborted) return;
        set(({ pages, index }) => {
          const before = cursor ? pages.slice(0, index + 1) : [];
          return { pages: [...before, answer], index: before.length, error: null, asking: false };
        });
      },
      (error) => mine.signal.aborted || set((before) => ({ ...before, error, asking: false })),
    );
  };

  useEffect(() => {
    read(null);
    return () => current.current?.abort();
  }, [question, filters.limit, round]);

  const { pages, index, error, asking } = state;
  const answer = pages[index] ?? null;
  return {
    answer,
    error,
    asking,
    index,
    round,
    size: ({ count, total }) => (total === null ? `: ${count} loans` : `: ${count} of ${total} loans`),
    next: () => (pages[index + 1] ? set({ ...state, index: index + 1 }) : read(answer.page.next_cursor)),
    back: () => set({ ...state, index: Math.max(0, index - 1) }),
    again: () => next((round) => round + 1),
    fresh: () => {
      anew.current = true;
      next((round) => round + 1);
    },
  };
}
