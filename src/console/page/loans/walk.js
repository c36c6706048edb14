// Pages of one list, by cursor. The pages that were seen stay, so that going back asks nobody, and a page that is refused
// takes none of them away.

import { useEffect, useRef, useState } from "../page.js";
import { ask } from "../api.js";
import { asked as askedOf } from "../people.js";
import { asked, page } from "./filters.js";

const NONE = { of: null, pages: [], index: 0, error: null, cursor: null, asking: true };

export function useWalk(filters, people) {
  const question = JSON.stringify({ ...asked(filters), ...askedOf(people) });
  const [state, set] = useState(NONE);
  const [round, next] = useState(0);
  const current = useRef(null);
  // The question that nothing kept may answer.
  const anew = useRef(null);

  const read = (cursor) => {
    current.current?.abort();
    const mine = new AbortController();
    current.current = mine;
    set((before) => ({ ...before, error: null, cursor, asking: true }));
    // Always by POST: whom it is about is then in no address and in no log on the way.
    const body = { ...JSON.parse(question), ...page(filters), ...(cursor && { cursor }), ...(!cursor && anew.current && { max_age: 0 }) };
    ask("loans/search", { method: "POST", body, signal: mine.signal }).then(
      (answer) => {
        if (mine.signal.aborted) return;
        set(({ pages, index }) => {
          const before = cursor ? pages.slice(0, index + 1) : [];
          return { ...NONE, of: question, pages: [...before, answer], index: before.length, asking: false };
        });
      },
      (error) => {
        if (mine.signal.aborted) return;
        // What answered another question says nothing here.
        set((before) => (before.of === question ? { ...before, error, asking: false } : { ...NONE, error, asking: false }));
      },
    );
  };

  useEffect(() => {
    if (anew.current !== question) anew.current = null;
    read(null);
    return () => current.current?.abort();
  }, [question, filters.limit, round]);

  const { pages, index, error, asking, cursor } = state;
  const answer = pages[index] ?? null;
  const start = (kept) => {
    anew.current = kept;
    next((round) => round + 1);
  };
  return {
    answer,
    // The last page that was read knows of every gap before it, also where an earlier page is looked at again.
    whole: pages.at(-1) ?? null,
    error,
    asking,
    index,
    round,
    // What is shown is of the question before, or older than what was asked for.
    pending: answer !== null && ((asking && cursor === null) || state.of !== question),
    anew: anew.current === question,
    // Whether it was a later page that did not come.
    later: cursor !== null,
    size: ({ count, total }) => (total === null ? `: ${count} loans` : `: ${count} of ${total} loans`),
    next: () => (pages[index + 1] ? set({ ...state, index: index + 1, error: null }) : read(answer.page.next_cursor)),
    back: () => set({ ...state, index: Math.max(0, index - 1), error: null }),
    again: () => (cursor === null ? start(null) : read(cursor)),
    restart: () => start(null),
    fresh: () => start(question),
  };
}
